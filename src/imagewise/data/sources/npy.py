"""Folders of arrays in files of their own: a class a file, as Quick Draw has them, or called as in an `.npz`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.arrays import KEYS, PICKLES, dataset_of_arrays, load_arrays
from imagewise.data.sources.class_folders import holds_pictures
from imagewise.data.sources.folders.listing import Kinds
from imagewise.errors import DataError
from imagewise.framing.file_kinds import is_shown
from imagewise.naming import natural_key

_QUICK_DRAW = "full_numpy_bitmap_"  # before the names of its classes
_PART = re.compile(  # as in k49-train-imgs
    r"(.*[-_. ])?(?P<split>train|test|val|valid|validation)[-_. ](?P<what>imgs|images|x|data|labels|y)", re.IGNORECASE
)
_LABELS = ("labels", "y")
_SHOWN = 3  # classes in a notice


def load_npy_folder(folder: Path, name: str, how: Reading) -> Dataset | None:
    """The pictures in a folder's `.npy` and `.npz` files; None if it has none, or has pictures in other files.

    Files that are called like the arrays of an `.npz` (`x_train.npy`, `y_train.npy`, `k49-train-imgs.npz`) are read as
    one. Other `.npy` files hold the pictures of one class each, which is called as the file is: (N, H * H), (N, H, W)
    or (N, H, W, 3). A single `.npz` is the set.

    Raises:
        DataError: a single class, files that hold no arrays of pictures, pictures of several sizes, too many for the
            memory, several sets; and as `load_arrays`.
    """
    with_arrays = [path for path in folder.iterdir() if path.suffix.lower() in (".npy", ".npz") and path.is_file()]
    files = sorted((path for path in with_arrays if is_shown(path.name)), key=lambda path: natural_key(path.stem))
    if not files or any(map(Kinds().is_picture, os.listdir(folder))) or holds_pictures(folder):  # noqa: PTH208
        return None
    how.refuse_columns(folder)
    how.refuse_groups(folder)
    known = {key: file for file in files if (key := _key(file.stem)) is not None}
    packed = [file for file in files if file.suffix.lower() == ".npz"]
    if not known and packed:
        if len(packed) > 1:
            names = ", ".join(file.name for file in packed[:_SHOWN])
            raise DataError(f"{folder}: holds {len(packed)} sets: {names}. Name one of them: {packed[0]}")
        return replace(load_arrays(packed[0], how.framing, how.grouping.near_copies), name=name)
    try:
        if known:
            arrays: Mapping[str, NDArray[Any]] = {key: np.array(_read(file)) for key, file in known.items()}
            return replace(dataset_of_arrays(folder, arrays, how.framing, how.grouping.near_copies), name=name)
        return _of_classes(folder, name, files, how)
    except MemoryError as error:
        size = sum(file.stat().st_size for file in files)
        raise DataError(
            f"{folder}: its {len(files)} files hold {size / 1e9:.1f} GB, more than the memory that is free. Keep fewer "
            "pictures of each class: numpy.save(FILE, numpy.load(FILE)[:10000])"
        ) from error


def _of_classes(folder: Path, name: str, files: list[Path], how: Reading) -> Dataset:
    if len(files) == 1:
        raise DataError(
            f"{files[0]}: the only .npy file in its folder. It holds the pictures of one class: put the files of the "
            "other classes next to it."
        )
    parts = [_read(file) for file in files]
    first = parts[0]
    for file, part in zip(files, parts, strict=True):
        if part.ndim < 2 or not len(part) or part.shape[1:] != first.shape[1:] or part.dtype != first.dtype:
            raise DataError(
                f"{file}: holds {part.dtype} of shape {part.shape}, {files[0].name} {first.dtype} of shape "
                f"{first.shape}. Save the pictures of each class as one array (N, H, W) of uint8, all of one size."
            )
    classes = [file.stem.removeprefix(_QUICK_DRAW) for file in files]
    labels = np.repeat(np.arange(len(files)), [len(part) for part in parts])
    arrays = {"images": np.concatenate(parts), "labels": labels, "class_names": np.array(classes)}
    more = f" and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else ""
    told = f"read a class from each of {len(files):,} .npy files: {', '.join(classes[:_SHOWN])}{more}."
    return replace(dataset_of_arrays(folder, arrays, how.framing, how.grouping.near_copies), name=name).with_notices(
        told
    )


def _key(stem: str) -> str | None:
    """What the array is called in an `.npz`: `x_train` for `X_train` and `k49-train-imgs`; None for another name."""
    if stem.lower() in KEYS:
        return stem.lower()
    match = _PART.fullmatch(stem)
    if match is None:
        return None
    split = "val" if match["split"].lower().startswith("val") else match["split"].lower()
    return f"{'y' if match['what'].lower() in _LABELS else 'x'}_{split}"


def _read(file: Path) -> NDArray[Any]:
    """The array in a file, mapped if it is a `.npy`. `numpy.load` would leave the file open where it refuses it."""
    try:
        if file.suffix.lower() == ".npz":
            with file.open("rb") as content, np.load(content, allow_pickle=False) as archive:
                return np.asarray(archive[archive.files[0]])
        return np.lib.format.open_memmap(file, mode="r")
    except Exception as error:  # what NumPy raises for damaged files differs from version to version
        if "Python objects" in str(error) or "allow_pickle" in str(error):
            raise DataError(f"{file}: {PICKLES}") from error
        raise DataError(f"{file}: is no {file.suffix} file, or damaged ({error}). Write it again.") from error
