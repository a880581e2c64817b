"""How good is this model on these pictures: `imagewise.evaluate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Dataset, Split, SplitName
from imagewise.errors import DataError
from imagewise.mapped import pieces
from imagewise.metrics import Metrics, measure
from imagewise.model import Model, Probabilities
from imagewise.sketch import share_seen
from imagewise.sources import load_data
from imagewise.splitting import CONTENT_RULE

SplitChoice = Literal["auto", "train", "validation", "test", "all"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's score on a split.

    Attributes:
        model, data: what they are called.
        split: what was scored.
        metrics: the numbers.
        pictures: the pictures scored, labels being the model's classes.
        probabilities: (N, classes) float32, what the model said of them.
        notices: what the reader should know, such as pictures that the model was trained on.
    """

    model: str
    data: str
    split: SplitName | Literal["all"]
    metrics: Metrics
    pictures: Split = field(repr=False)
    probabilities: Probabilities = field(repr=False)
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The shape of `evaluate --json`."""
        return {"model": self.model, "data": self.data, "split": self.split} | self.metrics.as_dict()


def evaluate(
    model: Model | str | Path,
    data: Dataset | str | Path,
    *,
    split: SplitChoice = "auto",
    offline: bool = False,
    strict: bool = False,
) -> Evaluation:
    """Score a model. Labels are matched by name, so a set may lack some of the model's classes.

    Args:
        model: a model or its file.
        data: a data set, its name or its path; picture files are framed as the model says.
        split: `auto` takes the test split where the set has one of its own, or where the model was trained on this
            set; else all pictures.
        offline: never download.
        strict: refuse damaged pictures instead of leaving them out.

    Raises:
        ModelError: the file is not a model of ours.
        DataError: the data cannot be read, has another shape, lacks the split, or has classes that the model has not.

    >>> import tempfile, imagewise
    >>> run = imagewise.train("digits", epochs=5, out=tempfile.mkdtemp() + "/run", report=False)
    >>> evaluation = imagewise.evaluate(run.model, "digits")
    >>> evaluation.split, evaluation.metrics.count
    ('test', 189)
    >>> evaluation.metrics.accuracy > 0.8
    True
    """
    if not isinstance(model, Model):
        model = Model.open(model)
    if not isinstance(data, Dataset):
        data = load_data(data, framing=model.framing, offline=offline, strict=strict)
    if data.shape != model.framing.shape:
        raise DataError(f"{data.name} has pictures of {data.shape}, {model.name} takes {model.framing.shape}.")
    trained_on = model.card.data.get("sketch", [])
    chosen = _choose(data, trained_on) if split == "auto" else split
    pictures = data[chosen]
    pictures = Split(pictures.images, _labels(data, pictures, model), pictures.names)
    probabilities = model.predict_batch(pictures.images)
    metrics = measure(probabilities, pictures.labels, model.class_names)
    notices = data.notices + _seen_notice(_share_seen(pictures, trained_on), chosen)
    return Evaluation(model.name, data.name, chosen, metrics, pictures, probabilities, notices)


def _choose(data: Dataset, trained_on: list[str]) -> SplitName | Literal["all"]:
    own_splits = data.split_rule != CONTENT_RULE
    if "test" in data and (own_splits or _share_seen(data["all"], trained_on) > 0):
        return "test"
    return "all"


def _labels(data: Dataset, split: Split, model: Model) -> NDArray[np.int64]:
    """The split's labels as indices into the model's classes, matched by name."""
    place = {name: number for number, name in enumerate(model.class_names)}
    unknown = [data.class_names[i] for i in np.unique(split.labels) if data.class_names[i] not in place]
    if unknown:
        raise DataError(
            f"{data.name} has classes that {model.name} does not know: {', '.join(unknown)}. "
            f"It knows {', '.join(model.class_names)}; rename the labels or leave those pictures out."
        )
    translation = np.array([place.get(name, -1) for name in data.class_names], dtype=np.int64)
    return translation[split.labels]


def _share_seen(split: Split, trained_on: list[str]) -> float:
    return share_seen((image for piece in pieces(split.images) for image in piece), trained_on)


def _seen_notice(share: float, split: str) -> tuple[str, ...]:
    if share == 0:
        return ()
    return (
        f"The model was trained on about {share:.0%} of these pictures (split {split}), so this accuracy says little "
        "about new ones. Use --split test, or pictures that it has not seen.",
    )
