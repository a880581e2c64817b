"""Labelled pictures that a program hands over: arrays, lists and tables in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from imagewise.data.auto_framing import choose_framing, look, look_at_some
from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.arrays import dataset_of_arrays
from imagewise.data.sources.tables.load import files_of
from imagewise.data.sources.tables.table import Table as TextTable
from imagewise.display.lines import counted
from imagewise.display.notices import Note
from imagewise.errors import DataError
from imagewise.framing.decoding import read_picture
from imagewise.framing.framing import frame
from imagewise.framing.levels import to_levels

ACCEPTED = (
    "Pass the name of a set, a path, a pair (images, labels), pairs ((x_train, y_train), (x_test, y_test)), a dict of "
    "arrays with these names, a table with the columns file and label, or a Dataset"
)
_PAIRS = {1: ("train",), 2: ("train", "test"), 3: ("train", "validation", "test")}


class Table(Protocol):
    """A data frame of pandas, Polars or another."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """A column by its name."""
        ...


Handed = tuple[Any, ...] | Mapping[str, Any] | Table


def load_handed(source: Handed, how: Reading) -> Dataset:
    """A data set of pictures in memory, or of a table in memory whose files are on disk.

    Args:
        source: `(images, labels)`; two or three such pairs: train, perhaps validation, test; a mapping with the names
            of an `.npz` (see `load_arrays`); or a table with the columns of a `.csv` (see `load_table`). Images are
            an array (N, ...) of pictures, which stay as they are; or a list of files, Pillow images or arrays of any
            sizes, which are framed.

    Raises:
        TypeError: something else; says what is accepted.
        DataError: as `load_arrays` or `load_table`.
    """
    if isinstance(source, Mapping):
        return _of_arrays({key: _plain(value) for key, value in source.items()}, how)
    if hasattr(source, "columns"):
        table = TextTable(Path("table"), {str(name): _texts(source[name]) for name in source.columns})
        files, notices = files_of(table, how.columns)
        return load_pictures("table", files, how, notices)
    if not isinstance(source, tuple | list) or len(source) not in (2, 3):
        raise TypeError(f"{type(source).__name__} is no labelled pictures. {ACCEPTED}.")
    pairs: Sequence[Any] = source if all(_is_pair(each) for each in source) else [source]
    if any(len(pair) != 2 for pair in pairs):
        raise TypeError(f"a tuple of {len(source)} is no pair of images and labels. {ACCEPTED}.")
    if len(pairs) == 1 and not hasattr(source[0], "shape"):
        return _of_list(list(source[0]), _plain(source[1]), how)
    if len(pairs) == 1 and _plain(source[0]).dtype.kind in "OUST":
        return _of_list(_plain(source[0]).tolist(), _plain(source[1]), how)
    names = _PAIRS[len(pairs)]
    arrays = {
        f"{letter}_{name}": _plain(pair[i])
        for name, pair in zip(names, pairs, strict=True)
        for i, letter in enumerate("xy")
    }
    return _of_arrays({key: _channels_last(key, array) for key, array in arrays.items()}, how)


def _of_arrays(arrays: Mapping[str, Any], how: Reading) -> Dataset:
    how.refuse_columns("arrays")
    how.refuse_groups("arrays")
    return dataset_of_arrays(Path("arrays"), arrays, how.framing, how.grouping.near_copies)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(hasattr(part, "shape") for part in value)


def _plain(value: Any) -> Any:
    """A NumPy array, of strings where it holds Python's; a tensor is taken off its graph and its GPU."""
    for method in ("detach", "cpu"):  # PyTorch's
        if callable(getattr(value, method, None)):
            value = getattr(value, method)()
    array = np.asarray(value)
    if array.dtype.kind == "O" and array.size and all(isinstance(each, str) for each in array.ravel().tolist()):
        array = array.astype(str)
    return array


def _channels_last(key: str, array: Any) -> Any:
    """(N, C, H, W) as (N, H, W, C), where that is clear."""
    first = key.startswith("x_") and array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3)
    return np.moveaxis(array, 1, 3) if first else array


def _texts(column: Any) -> list[str]:
    """The values of a column as text; "" for what is missing."""
    return ["" if value is None or value != value else str(value).strip() for value in list(column)]


def _of_list(pictures: list[Any], labels: Any, how: Reading) -> Dataset:
    """Files, or pictures in memory of any sizes, each with its label."""
    how.refuse_columns("pictures")
    if labels.ndim != 1 or len(labels) != len(pictures):
        raise DataError(
            f"{counted(len(pictures), 'picture')} with labels of shape {labels.shape}. Pass one label a picture."
        )
    if pictures and all(isinstance(each, str | Path) for each in pictures):
        files = [PictureFile(str(p), str(p), str(label)) for p, label in zip(pictures, labels.tolist(), strict=True)]
        return load_pictures("files", files, how)
    how.refuse_groups("pictures")
    decoded = [_decoded(number, each) for number, each in enumerate(pictures)]
    notices: tuple[str, ...] = ()
    framing = how.framing
    if framing is None:
        if not decoded:
            raise DataError("no pictures. Pass a list of pictures with as many labels.")
        looks = look_at_some(len(decoded), lambda place: look(decoded[place]))
        framing, choice = choose_framing(looks, how.photo_sizes, len(decoded))
        notices = (Note(choice),)
    images = np.stack([frame(picture, framing) for picture in decoded])
    arrays = {"images": images, "labels": labels}
    dataset = dataset_of_arrays(Path("pictures"), arrays, framing, how.grouping.near_copies)
    return replace(dataset, notices=(*notices, *dataset.notices))


def _decoded(number: int, picture: Any) -> Image.Image:
    if isinstance(picture, bytes | Image.Image) or callable(getattr(picture, "read", None)):
        return read_picture(picture)
    array = _plain(picture)
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3):
        array = np.moveaxis(array, 0, 2)
    if array.dtype.kind not in "biuf" or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))):
        raise TypeError(f"picture {number} of the list is {type(picture).__name__}, not a picture. {ACCEPTED}.")
    try:
        levels = to_levels(array)
    except ValueError as error:
        raise DataError(f"picture {number} of the list: {error}") from error
    return Image.fromarray(levels[..., 0] if levels.ndim == 3 and levels.shape[2] == 1 else levels)
