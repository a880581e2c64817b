"""Pictures and labels as NumPy arrays in one `.npz` file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.dataset import Dataset, Split, SplitName
from imagewise.data.groups.array_sets import split_arrays
from imagewise.data.splits import refuse_unknown_classes
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

_PAIRS: Mapping[str, tuple[str, SplitName]] = {
    "x_train": ("y_train", "train"),
    "x_validation": ("y_validation", "validation"),
    "x_val": ("y_val", "validation"),
    "x_test": ("y_test", "test"),
    "train_images": ("train_labels", "train"),  # MedMNIST's
    "val_images": ("val_labels", "validation"),
    "test_images": ("test_labels", "test"),
    "images": ("labels", "train"),
}
_KEYS = "x_train, y_train[, x_validation, y_validation][, x_test, y_test] or images, labels; and perhaps class_names"
KEYS = frozenset(["class_names", *_PAIRS, *(y for y, _ in _PAIRS.values())])
PICKLES = (
    "holds Python objects (pickles), which could run code and are never loaded. Save plain arrays of numbers, and "
    "labels as integers or strings (dtype 'U', not object)."
)
FEWEST = 36  # pixels of a row that may be a picture: 6x6


def load_arrays(file: Path, framing: Framing | None, near_copies: bool = False) -> Dataset:
    """An `.npz` with `x_train, y_train[, x_test, y_test]` or `images, labels`, and perhaps `class_names`.

    The keys may be in capitals (`X_train`), or MedMNIST's (`train_images`, `train_labels`, `val_images` ...). Pictures
    are (N, H, W), (N, H, W, 1) or (N, H, W, 3), or rows of a square's pixels (N, H * H): bytes, other integers in
    0..255, or floats in 0..1 or 0..255. Labels are (N,) or (N, 1), names or integers: then indices into `class_names`,
    or names themselves where there are none.

    Raises:
        DataError: not such a file, pickles inside, wrong keys, shapes, types or ranges, several labels a picture.
    """
    return dataset_of_arrays(file, _read(file), framing, near_copies)


def dataset_of_arrays(
    file: Path, arrays: Mapping[str, NDArray[Any]], framing: Framing | None, near_copies: bool = False
) -> Dataset:
    """As `load_arrays`, of the arrays themselves; `file` is what to call them."""
    arrays = {_key(key): array for key, array in arrays.items()}
    pairs = _pairs(file, arrays)
    images = _bytes(file, {split: _shaped(file, x, arrays[x]) for split, (x, _) in pairs.items()})
    raw = {split: _flat_labels(file, y, arrays[y]) for split, (_, y) in pairs.items()}
    class_names, labels = _named(file, raw, arrays.get("class_names"))
    for split, (x, y) in pairs.items():
        if len(images[split]) != len(labels[split]):
            raise DataError(f"{file}: {len(labels[split])} labels in {y} for {len(images[split])} pictures in {x}.")
    given = {split: Split(images[split], labels[split]) for split in pairs}
    refuse_unknown_classes(str(file), class_names, given)
    framing, notices = framing_of_arrays(str(file), given["train"].images, framing)
    return split_arrays(file.stem, class_names, given, framing, notices, near_copies)


def _read(file: Path) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(file):
        raise DataError(f"{file}: not an .npz file, or damaged. Write it with numpy.savez_compressed.")
    try:
        # Opened here, since np.load leaves the file open where it is a damaged archive.
        with file.open("rb") as content, np.load(content, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if _key(key) in KEYS}
    except Exception as error:  # NumPy and zipfile raise a dozen kinds on damaged archives
        if "allow_pickle" in str(error):
            raise DataError(f"{file}: {PICKLES}") from error
        raise DataError(f"{file}: cannot be read, the file is damaged ({error}). Write it again.") from error


def _key(key: str) -> str:
    """`x_train` for `X_train` too."""
    return key.lower() if key.lower() in KEYS else key


def square(count: int) -> tuple[int, int, int] | None:
    """(H, W, 1) of a square picture of that many pixels; None where no square has as many."""
    side = isqrt(count)
    return (side, side, 1) if count >= FEWEST and side * side == count else None


def _pairs(file: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[SplitName, tuple[str, str]]:
    pairs: dict[SplitName, tuple[str, str]] = {}
    for x, (y, split) in _PAIRS.items():
        if (x in arrays) != (y in arrays):
            raise DataError(f"{file}: holds {x if x in arrays else y} without its partner. Wanted: {_KEYS}.")
        if x in arrays and split in pairs:
            raise DataError(f"{file}: holds both {pairs[split][0]} and {x}. Keep one of them.")
        if x in arrays:
            pairs[split] = (x, y)
    if "train" not in pairs:
        names = list(arrays)
        if file.is_file():  # `_read` leaves out what it does not know
            with zipfile.ZipFile(file) as archive:
                names = [name.removesuffix(".npy") for name in archive.namelist()]
        found = ", ".join(names) or "nothing"
        raise DataError(f"{file}: holds {found}. Wanted: {_KEYS}. Save the arrays under these names.")
    return pairs


def _shaped(file: Path, key: str, images: NDArray[Any]) -> NDArray[Any]:
    if images.ndim == 2 and (shape := square(images.shape[1])) is not None:
        images = images.reshape(-1, *shape)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim == 4 and images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        raise DataError(f"{file}: {key} has its channels first. Save {key}.transpose(0, 2, 3, 1).")
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise DataError(
            f"{file}: {key} has the shape {images.shape}. Pictures are (N, H, W), (N, H, W, 1) or (N, H, W, 3)."
            + (" Save one slice of each volume." if images.ndim >= 4 and min(images.shape[1:]) > 4 else "")
        )
    return images


def _bytes(file: Path, images: Mapping[SplitName, NDArray[Any]]) -> dict[SplitName, NDArray[np.uint8]]:
    """All splits as uint8, by one rule for all: a dark test split must not get another range."""
    if len({array.shape[1:] for array in images.values()}) > 1:
        raise DataError(f"{file}: the splits differ in the size of their pictures. Bring them to one size.")
    if all(array.dtype == np.uint8 for array in images.values()):
        return dict(images)
    types = {array.dtype for array in images.values()}
    if len(types) > 1 or next(iter(types)).kind not in "uif":
        raise DataError(f"{file}: pictures are {', '.join(map(str, types))}. Save all of them as uint8, 0..255.")
    low = min(float(array.min()) for array in images.values())
    high = max(float(array.max()) for array in images.values())
    if not (low >= 0 and high <= 255):  # false for NaN, too
        raise DataError(
            f"{file}: pictures have values from {low:g} to {high:g}. Scale them to 0..255 (uint8) or 0..1 (float)."
        )
    if next(iter(types)).kind != "f":
        return {split: array.astype(np.uint8) for split, array in images.items()}
    scale = 255 if high <= 1 else 1
    return {split: np.rint(array * scale).astype(np.uint8) for split, array in images.items()}


def _flat_labels(file: Path, key: str, labels: NDArray[Any]) -> NDArray[Any]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "biuf" and not _is_one_hot(labels):
        raise DataError(
            f"{file}: {key} gives each picture {labels.shape[1]} labels: this is a multi-label set. "
            "imagewise gives each picture one class. Keep the pictures with one label, or train a model for one "
            f"of the labels: save {key}[:, 0] for the first of them."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "uiUS":
        raise DataError(
            f"{file}: {key} is {labels.dtype} of shape {labels.shape}. Save one integer or string a picture "
            "(from one-hot rows: labels.argmax(1))."
        )
    return np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels


def _is_one_hot(labels: NDArray[Any]) -> bool:
    """Whether each row has a single 1 and is 0 elsewhere."""
    return bool(np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1))


def _named(
    file: Path, raw: Mapping[SplitName, NDArray[Any]], names: NDArray[Any] | None
) -> tuple[tuple[str, ...], dict[SplitName, NDArray[np.int64]]]:
    """Class names, and labels as indices into them."""
    if len({labels.dtype.kind in "U" for labels in raw.values()}) > 1:
        raise DataError(f"{file}: labels are strings in one split and integers in another. Save one kind.")
    found = np.unique(np.concatenate(list(raw.values())))
    if names is None:
        indices = {split: np.searchsorted(found, labels).astype(np.int64) for split, labels in raw.items()}
        return tuple(map(str, found.tolist())), indices
    class_names = tuple(map(str, _flat_labels(file, "class_names", names).tolist()))
    if found.dtype.kind == "U":
        unknown = sorted(set(found.tolist()) - set(class_names))
        if unknown:
            raise DataError(f"{file}: labels that class_names lacks: {', '.join(map(repr, unknown))}. Add them.")
        index = {name: number for number, name in enumerate(class_names)}
        return class_names, {s: np.array([index[x] for x in y], dtype=np.int64) for s, y in raw.items()}
    if found[0] < 0 or found[-1] >= len(class_names):
        raise DataError(
            f"{file}: labels go from {found[0]} to {found[-1]}, but there are {len(class_names)} "
            f"class_names, for 0 to {len(class_names) - 1}. Make them fit."
        )
    return class_names, {split: labels.astype(np.int64) for split, labels in raw.items()}
