"""The one-file model: open it, see what it is, recognise pictures with it. Needs onnxruntime, not onnx or PyTorch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import SingleLabel
from imagewise.display.html import card
from imagewise.display.notices import warn_of
from imagewise.errors import ModelError, PictureError
from imagewise.framing.framing import Framing, describe_size
from imagewise.model.card import ModelCard
from imagewise.model.inputs import Given, Picture, chunks, framed, name_of, pictures_given
from imagewise.model.locating import locate_model
from imagewise.model.prediction import Prediction
from imagewise.model.session import Device, Logits, Probabilities, Session
from imagewise.model.summary import facts_of

Pictures = NDArray[Any] | Iterable[Picture]
OnError = Literal["raise", "keep"]
_CHUNK_BYTES = 2**23  # of pictures framed at a time, so that memory does not grow with their number


class Model:
    """A trained recogniser, from one `.onnx` file.

    Attributes:
        card: what the file says of itself.
        name: the file's path.

    >>> import imagewise
    >>> model = imagewise.load_model()
    >>> model.class_names
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    >>> model.framing.shape
    (28, 28, 1)
    """

    def __init__(self, session: Session, card: ModelCard, name: str) -> None:
        classes = (len(card.class_names),)
        fits = session.fits and all(shape == classes for shape in session.output_shapes)
        if not fits or session.input_shape != card.framing.shape:
            raise ModelError(f"{name}: its graph and its metadata disagree; train or copy it again.")
        self._session = session
        self.card = card
        self.name = name

    def __repr__(self) -> str:
        classes = f"{len(self.class_names):,} classes"
        return f"Model({self.name!r}: {classes}, {self.framing.kind} {describe_size(self.framing.shape)})"

    def _repr_html_(self) -> str:
        return card(f"Model {self.name}", facts_of(self.name, self.card)[1:])

    @classmethod
    def open(cls, path: str | Path, device: Device = "cpu") -> Model:
        """Open a model file. Nothing in it is executed but its ONNX graph. `device` as `Session` takes it.

        Raises:
            ModelError: missing, not ours, newer than this version, or damaged.
            EngineError: the device cannot be used.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror or error}. Check the path.") from error
        return cls.from_bytes(content, str(path), device=device)

    @classmethod
    def from_bytes(cls, content: bytes, name: str, threads: int | None = None, device: Device = "cpu") -> Model:
        """As `open`, from the content of a file called `name`; `threads` as `Session` takes them."""
        session = Session(content, name, threads, device)
        return cls(session, ModelCard.from_metadata(session.metadata, name), name)

    @property
    def metadata(self) -> dict[str, str]:
        """All of the file's `metadata_props`, ours and others', such as ONNX's own `model_license`."""
        return dict(self._session.metadata)

    @property
    def device(self) -> str:
        """Where the model runs: `cpu` or `cuda`."""
        return self._session.device

    def summary(self) -> str:
        """What the file says of itself, as `imagewise info` prints it: classes, network, data, scores, versions."""
        return "\n".join(f"{name:<10}  {value}" for name, value in facts_of(self.name, self.card))

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the outputs' columns."""
        return self.card.class_names

    @property
    def framing(self) -> Framing:
        """How a picture becomes the input."""
        return self.card.framing

    @overload
    def predict(self, picture: Picture, top: int = 3) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(
        self, picture: Iterable[Picture], top: int = 3, *, errors: Literal["raise"] = "raise"
    ) -> list[Prediction]: ...
    @overload
    def predict(
        self, picture: Iterable[Picture], top: int = 3, *, errors: Literal["keep"]
    ) -> list[Prediction | PictureError]: ...
    def predict(
        self, picture: Picture | Iterable[Picture], top: int = 3, *, errors: OnError = "raise"
    ) -> Prediction | list[Prediction] | list[Prediction | PictureError]:
        """Recognise one picture, or several.

        Args:
            picture: one picture gives a `Prediction`, several give a list of them, in order.
                One is: a path; the bytes of a file; an open binary file; a Pillow image; or an array or tensor of
                (H, W) or (H, W, 1, 3 or 4), or (3, H, W) where that is clear: integers or floats 0..255, or floats
                0..1. Pictures are framed; an array of the model's own (H, W, C) is taken as it is.
                Several are: a list or another iterable of these, a column of a table, an array (N, ...), a split, or
                a folder (whose predictions name the files).
            top: how many classes to name, best first.
            errors: for several pictures, of which one cannot be read: `raise` raises its error; `keep` puts the
                `PictureError` in the place of its prediction and goes on.

        Raises:
            PictureError: it cannot be read.
            TypeError: it is neither a picture nor several.
            ModelError: an array whose axes or values have no clear meaning.

        >>> import imagewise
        >>> model, digits = imagewise.load_model(), imagewise.load_data("digits")
        >>> prediction = model.predict(digits["test"].images[0])
        >>> prediction.label == digits.class_names[digits["test"].labels[0]]
        True
        >>> len(model.predict(digits["test"][:5]))
        5
        """
        given = self._given(picture, errors)
        if not given.several:
            (one,) = given.pictures
            probabilities = self._session.run(np.ascontiguousarray(self._framed(one))[None])[0]
            return self.prediction(probabilities[0], top)
        answers: list[Prediction | PictureError] = []
        for names, problems, (probabilities, _) in self._answers(given, errors):
            for name, problem, row in zip(names, problems, probabilities, strict=True):
                answers.append(problem or self.prediction(row, top, name))
        return answers

    def predict_batch(self, pictures: Pictures, *, errors: OnError = "raise") -> Probabilities:
        """Probabilities of many pictures: (N, classes) float32, columns in the order of `class_names`.

        Args:
            pictures: several pictures, as `predict` takes them.
            errors: for a picture that cannot be read: `raise` raises its error; `keep` gives a row of NaN, and warns.

        Raises:
            PictureError: one cannot be read.
            TypeError: they are not pictures.
            ModelError: an array whose axes or values have no clear meaning.

        >>> import imagewise
        >>> test = imagewise.load_data("digits")["test"]
        >>> probabilities = imagewise.load_model().predict_batch(test.images)
        >>> probabilities.shape == (len(test), 10)
        True
        >>> bool((probabilities.argmax(axis=1) == test.labels).mean() > 0.9)
        True
        """
        return self.outputs(pictures, errors=errors)[0]

    def logits(self, pictures: Pictures, *, errors: OnError = "raise") -> Logits:
        """As `predict_batch`, before the softmax: `softmax(logits) == probabilities`."""
        return self.outputs(pictures, errors=errors)[1]

    def outputs(self, pictures: Pictures, *, errors: OnError = "raise") -> tuple[Probabilities, Logits]:
        """`predict_batch` and `logits` by one run."""
        given = self._given(pictures, errors)
        if (images := self._framed_already(given)) is not None:
            return self._session.run_all(images)
        none = np.empty((0, len(self.class_names)), dtype=np.float32)
        parts, skipped = [(none, none)], []
        for names, problems, outputs in self._answers(given, errors):
            parts.append(outputs)
            skipped += [
                (name or "a picture", error.detail) for name, error in zip(names, problems, strict=True) if error
            ]
        warn_of((), skipped)
        probabilities, logits = zip(*parts, strict=True)
        return np.concatenate(probabilities), np.concatenate(logits)

    def prediction(self, probabilities: Probabilities, top: int = 3, picture: str | None = None) -> Prediction:
        """One row of `predict_batch`, (classes,), with its classes named; of the file `picture`."""
        order = SingleLabel().ranking(probabilities)
        named = [(self.class_names[i], float(probabilities[i])) for i in order[: max(top, 1)]]
        return Prediction(*named[0], tuple(named[: max(top, 0)]), picture)

    def _given(self, pictures: Any, errors: OnError) -> Given:
        if errors not in ("raise", "keep"):
            raise ValueError(f"errors={errors!r}: choose 'raise' or 'keep'.")
        try:
            return pictures_given(pictures, self.framing.shape)
        except ValueError as error:
            raise self._unclear(error) from error

    def _framed_already(self, given: Given) -> NDArray[np.uint8] | None:
        """The pictures as one array, where they need no framing."""
        images, shape = given.pictures, self.framing.shape
        if not (given.several and isinstance(images, np.ndarray)):
            return None
        if images.ndim == 3 and shape[2] == 1:
            images = images[..., None]
        return images if images.shape[1:] == shape else None

    def _answers(
        self, given: Given, errors: OnError
    ) -> Iterator[tuple[list[str | None], list[PictureError | None], tuple[Probabilities, Logits]]]:
        """Names, problems and outputs of some pictures after the other. The outputs of one with a problem are NaN."""
        size = max(1, min(self._session.batch, _CHUNK_BYTES // math.prod(self.framing.shape)))
        for pictures in chunks(given.pictures, size):
            names, problems, images = [name_of(picture) for picture in pictures], [], []
            for name, picture in zip(names, pictures, strict=True):
                image = self._framed_or_error(picture, name, errors)
                problems.append(image if isinstance(image, PictureError) else None)
                if not isinstance(image, PictureError):
                    images.append(image)
            outputs = [np.full((len(pictures), len(self.class_names)), np.nan, dtype=np.float32) for _ in range(2)]
            if images:
                readable = [problem is None for problem in problems]
                for filled, some in zip(outputs, self._session.run(np.stack(images)), strict=True):
                    filled[readable] = some
            yield names, problems, (outputs[0], outputs[1])

    def _framed_or_error(self, picture: Any, name: str | None, errors: OnError) -> NDArray[np.uint8] | PictureError:
        try:
            return self._framed(picture)
        except PictureError as error:
            if errors == "keep":
                return error
            remedy = f"{error.remedy} errors='keep' answers for the others.".lstrip()
            raise type(error)(error.place, error.reason, remedy) from error
        except (TypeError, ModelError) as error:
            if errors == "keep":
                return PictureError(name, str(error))
            raise

    def _framed(self, picture: Any) -> NDArray[np.uint8]:
        try:
            return framed(picture, self.framing)
        except ValueError as error:
            raise self._unclear(error) from error

    def _unclear(self, error: ValueError) -> ModelError:
        return ModelError(f"{self.name} takes pictures, or uint8 arrays of {self.framing.shape} as they are: {error}")


def shipped_model() -> Path:
    """The digit recogniser that comes with imagewise: see docs/model-card.md."""
    return Path(__file__).parent / "digits.onnx"


def load_model(path: str | Path | None = None, *, device: Device = "auto") -> Model:
    """Open a model, or the digit recogniser that comes with imagewise.

    Args:
        path: a model file, a run's folder, the name of a run in `./runs`, or `latest`; see `locate_model`. None opens
            the digit recogniser.
        device: `cpu`; `cuda`, an NVIDIA GPU, which needs onnxruntime-gpu; `auto` takes the GPU where there is one.

    Raises:
        ModelError: there is no such model; or as `Model.open`.
        EngineError: the device cannot be used.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", recipe="perceptron", epochs=1, out=tempfile.mkdtemp() + "/run", report=False)
    >>> imagewise.load_model(run.folder).card.data.name
    'digits'
    """
    return Model.open(shipped_model() if path is None else locate_model(path), device)
