"""The pictures that an export is checked on, and the check: the same classes, nearly the same probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.data.catalog import named_sets
from imagewise.data.dataset import Dataset
from imagewise.data.loading import open_data
from imagewise.errors import DataError, ImagewiseError, TrainingError
from imagewise.evaluation.evaluate import load_for_model
from imagewise.framing.framing import describe_size
from imagewise.model.model import Model
from imagewise.model.session import Probabilities

PICTURES = 1000
FEWEST = 20  # pictures
_SIDE = 80  # pixels: of larger pictures, fewer are taken
TOLERANCE = 1e-3  # largest difference of a probability


def find_dataset(model: Model, data: Dataset | str | Path | None, *, offline: bool) -> Dataset | None:
    """The data set to check on, framed as the model needs it.

    None for `data` takes the set that the model was trained on, if that is a named set on this machine: nothing is
    downloaded for a check that nobody asked for. If it is not there, the result is None.

    Raises:
        ImagewiseError: `data` cannot be loaded, or is not on this machine and `offline` forbids the download.
    """
    if isinstance(data, Dataset):
        return data
    if data is not None:
        return load_for_model(model, data, offline=offline)
    name = trained_on(model)
    if name not in named_sets():
        return None
    try:
        return open_data(name, framing=model.framing, offline=True)
    except ImagewiseError:  # not on this machine, or of another shape than when the model was trained
        return None


def trained_on(model: Model) -> str:
    """Name of the set that the model was trained on; "not in the file" if its card does not say."""
    return model.card.data.name or "not in the file"


def held_out(dataset: Dataset) -> Literal["test", "all"]:
    """The split to check on: test, or all pictures if the set has no test split."""
    return "test" if "test" in dataset else "all"


def fewer_of_large(count: int, shape: tuple[int, int, int], least: int = FEWEST) -> int:
    """`count` pictures of (H, W, C), or so few that they have no more pixels than `count` pictures of 80x80."""
    return min(count, max(least, count * _SIDE**2 // (shape[0] * shape[1])))


def sample(images: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """At most `count` of the images (N, H, W, C), always the same ones, in their order."""
    if len(images) <= count:
        return images
    return images[np.sort(np.random.default_rng(0).choice(len(images), count, replace=False))]


def pictures_to_check(model: Model, dataset: Dataset | None, count: int = PICTURES) -> tuple[NDArray[np.uint8], str]:
    """At most `count` pictures (N, H, W, C) uint8, and a description of them; random ones without a data set.

    Of large pictures it is fewer; see `fewer_of_large`.

    Raises:
        DataError: the pictures of the data set have another shape than the model's input.
    """
    count = fewer_of_large(count, model.framing.shape)
    if dataset is None:
        shape = (count, *model.framing.shape)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), "random pictures"
    split = held_out(dataset)
    if dataset.shape != model.framing.shape:
        raise DataError(
            f"{dataset.name} has pictures of {describe_size(dataset.shape)}, {model.name} takes "
            f"{describe_size(model.framing.shape)}. "
            "Name another set with --data."
        )
    return sample(dataset[split].images, count), f"{dataset.name}, split {split}"


def check(model: Model, pictures: NDArray[np.uint8], found: Probabilities, path: Path) -> float:
    """Compare an export's probabilities (N, classes) with the model's; returns their largest difference.

    Raises:
        TrainingError: the difference is above `TOLERANCE`, or a picture gets another class.
    """
    wanted = model.predict_batch(pictures)
    difference = float(np.abs(found - wanted).max())
    other = int((found.argmax(1) != wanted.argmax(1)).sum())
    if not difference <= TOLERANCE or other:
        raise TrainingError(
            f"{path}: differs from {model.name}: another class for {other} of {len(pictures)} pictures, "
            f"probabilities up to {difference:.2g} apart. Nothing was kept. Please report this with the model."
        )
    return difference
