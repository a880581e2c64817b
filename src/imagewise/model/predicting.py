"""`imagewise.predict`: recognise pictures in one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast, overload

from imagewise.errors import PictureError
from imagewise.model.inputs import Picture
from imagewise.model.model import Model, OnError, load_model
from imagewise.model.prediction import Prediction

Answer = Prediction | list[Prediction] | list[Prediction | PictureError]


@overload
def predict(  # type: ignore[overload-overlap]
    picture: Picture, model: Model | str | Path | None = None, *, top: int = 3
) -> Prediction: ...
@overload
def predict(
    picture: Iterable[Picture],
    model: Model | str | Path | None = None,
    *,
    top: int = 3,
    errors: Literal["raise"] = "raise",
) -> list[Prediction]: ...
@overload
def predict(
    picture: Iterable[Picture], model: Model | str | Path | None = None, *, top: int = 3, errors: Literal["keep"]
) -> list[Prediction | PictureError]: ...
def predict(
    picture: Picture | Iterable[Picture],
    model: Model | str | Path | None = None,
    *,
    top: int = 3,
    errors: OnError = "raise",
) -> Answer:
    """Recognise one picture, or several, with a model.

    Args:
        picture, top, errors: as `Model.predict` takes them.
        model: a model, or what `imagewise.load_model` takes; None is the digit recogniser that comes with imagewise.
            A model that is used again and again is opened once by `load_model`.

    Raises:
        as `load_model` and `Model.predict`.

    >>> import imagewise
    >>> digits = imagewise.load_data("digits")["test"]
    >>> imagewise.predict(digits.images[0]).label == str(digits.labels[0])
    True
    """
    opened = model if isinstance(model, Model) else load_model(model)
    # mypy tries each overload by itself, and none of them takes all that this one passes on
    return cast("Answer", cast("Any", opened).predict(picture, top, errors=errors))
