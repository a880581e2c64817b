"""IDX files, the format of MNIST: two zero bytes, the type (8: unsigned byte), the number of dimensions, the
length of each as a big-endian 32-bit integer, then the values."""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.dataset import Dataset, Split, SplitName, SplitRule
from imagewise.data.groups.array_sets import split_arrays
from imagewise.data.sources import emnist
from imagewise.data.sources.unpacking import UNPACK_ERRORS, open_unpacked
from imagewise.data.splits import refuse_unknown_classes
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, describe_size

# MNIST and its drop-in replacements: split as the article's reader did, so that results can be compared with
# it.
FIRST_TRAIN, FIRST_VALIDATION = 60_000, 5_000

_UNSIGNED_BYTE = 8
_KINDS = {1: "labels", 3: "images"}
_NAMED = re.compile(r"(?P<set>(.*[-_.])?)(train|t10k|test)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
_CHUNK = 1 << 20
_DEFLATE_LIMIT = 1032  # deflate packs no denser than this, so a header that promises more is not believed


def idx_sets(folder: Path) -> list[str]:
    """The sets of IDX files in a folder, by what is before their names: "" for `train-images-idx3-ubyte`,
    `emnist-letters-` for `emnist-letters-train-images-idx3-ubyte`."""
    names = [name for name in os.listdir(folder) if "images" in name and idx_set_of(name) is not None]  # noqa: PTH208
    return sorted({idx_set_of(name) or "" for name in names if (folder / name).is_file()})


def idx_set_of(name: str) -> str | None:
    """What is before a file's name in the names of all files of its set, as in `idx_sets`; None for another file."""
    match = _NAMED.fullmatch(name)
    return match["set"] if match else None


def locate(folder: Path, name: str) -> Path | None:
    """The file that people mean by `train-images-idx3-ubyte` and its like: gzip or not, `t10k` or `test`,
    `images-idx3` or `images.idx3`. None if the folder has neither."""
    name = name.removesuffix(".gz")
    for prefix in (name, name.replace("t10k", "test")):
        for stem in (prefix, prefix.replace("-idx", ".idx")):
            for path in (folder / stem, folder / f"{stem}.gz"):
                if path.is_file():
                    return path
    return None


def load_idx_folder(
    name: str,
    folder: Path,
    framing: Framing | None,
    class_names: Sequence[str] | None = None,
    prefix: str = "",
    near_copies: bool = False,
) -> Dataset:
    """The four IDX files of a folder as a data set; the two of the test may be missing.

    A train file of exactly 60,000 pictures is split by `SplitRule.FIRST_5000`; any other by content.

    Args:
        name: what to call the data set.
        folder: where the files lie.
        framing: that of a model or of the catalog; None to choose by looking.
        class_names: None for the labels that train has, as numbers or by EMNIST's mapping.
        prefix: before the names of the files; see `idx_sets`. EMNIST's pictures are turned upright.
        near_copies: look for pictures that look the same, unless the set is split by `FIRST_5000`.

    Raises:
        DataError: a file is missing or damaged, or does not fit its partner or the framing.
    """
    given: dict[SplitName, Split] = {"train": _read_pair(folder, f"{prefix}train")}
    if any(locate(folder, f"{prefix}t10k-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")):
        given["test"] = _read_pair(folder, f"{prefix}t10k")
    told: tuple[str, ...] = ()
    if emnist.is_on_its_side(prefix):
        given = {split: replace(content, images=emnist.upright(content.images)) for split, content in given.items()}
        told = (emnist.TURNED,)
    images = given["train"].images
    if "test" in given and given["test"].images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"{folder}: pictures of {describe_size(images.shape[1:3])} in train, but "
            f"{describe_size(given['test'].images.shape[1:3])} in test. "
            "Put files of one set into the folder."
        )
    framing, notices = framing_of_arrays(name, images, framing)
    if class_names is None:
        refuse_unknown_classes(str(folder), (), given)
        found = np.unique(given["train"].labels)
        names, named = emnist.character_names(folder, prefix.rstrip("-_."), tuple(map(str, found.tolist())))
        told += named
        given = {s: replace(content, labels=np.searchsorted(found, content.labels)) for s, content in given.items()}
    else:
        names = tuple(class_names)
        refuse_unknown_classes(str(folder), names, given)
    if len(images) == FIRST_TRAIN and "test" in given:
        splits = _first_rule(given["train"]) | {"test": given["test"]}
        return Dataset(name, names, splits, framing, SplitRule.FIRST_5000, (*told, *notices))
    return split_arrays(name, names, given, framing, (*told, *notices), near_copies)


def _first_rule(train: Split) -> dict[SplitName, Split]:
    """Views, not copies."""
    return {
        "train": Split(train.images[FIRST_VALIDATION:], train.labels[FIRST_VALIDATION:]),
        "validation": Split(train.images[:FIRST_VALIDATION], train.labels[:FIRST_VALIDATION]),
    }


def _read_pair(folder: Path, part: str) -> Split:
    paths = []
    for kind in ("images-idx3", "labels-idx1"):
        path = locate(folder, f"{part}-{kind}-ubyte")
        if path is None:
            raise DataError(
                f"{folder}: the file {part}-{kind}-ubyte (or .gz) is missing. Put it into the same folder, or "
                "take a named set (`imagewise data list`)."
            )
        paths.append(path)
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if len(images) != len(labels):
        raise DataError(
            f"{paths[1]}: {len(labels)} labels for the {len(images)} pictures of {paths[0].name}. "
            "Put the label file there that belongs to the pictures."
        )
    return Split(images[..., None], labels.astype(np.int64))


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes, gzip or plain: images have 3 dimensions, labels 1.

    Raises:
        DataError: missing, empty, damaged, too short or too long, or not of that kind. The file is named.
    """
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty. {_remedy(path)}")
        with open_unpacked(path) as file:
            shape = _read_header(path, file, dimensions)
            return _read_values(path, file, shape)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file. {_remedy(path)}") from error
    except UNPACK_ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read, the file is damaged or cut ({reason}). {_remedy(path)}") from error


def _read_header(path: Path, file: BinaryIO, dimensions: int) -> tuple[int, ...]:
    magic = file.read(4)
    if magic != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        wanted = f"00 00 08 {dimensions:02x} ({_KINDS[dimensions]})"
        raise DataError(
            f"{path}: starts with {magic.hex(' ') or 'nothing'}, where an IDX file of {_KINDS[dimensions]} "
            f"has {wanted}. Check that the files are not mixed up. {_remedy(path)}"
        )
    lengths = file.read(4 * dimensions)
    if len(lengths) < 4 * dimensions:
        raise DataError(f"{path}: cut off within its header. {_remedy(path)}")
    shape: tuple[int, ...] = struct.unpack(f">{dimensions}I", lengths)
    if 0 in shape:
        raise DataError(f"{path}: its header says that it holds nothing, shape {shape}. {_remedy(path)}")
    return shape


def _read_values(path: Path, file: BinaryIO, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    count = math.prod(shape)
    if count > _DEFLATE_LIMIT * path.stat().st_size:
        raise DataError(f"{path}: cut off; its header promises {count} values. {_remedy(path)}")
    values = np.empty(count, dtype=np.uint8)
    view = memoryview(values.data)
    done = 0
    while done < count and (got := file.readinto(view[done : done + _CHUNK])):  # type: ignore[attr-defined]
        done += got
    if done < count:
        raise DataError(f"{path}: cut off after {done} of {count} values. {_remedy(path)}")
    if file.read(1):  # reading to the end is also what makes gzip check its checksum
        raise DataError(f"{path}: longer than the {count} values that its header promises. {_remedy(path)}")
    return values.reshape(shape)


def _remedy(path: Path) -> str:
    if idx_set_of(path.name):  # EMNIST, or another set with a name
        return f"Copy or download {path.name} again."
    return f"Replace {path.name}; `imagewise data fetch mnist` fetches a good copy of MNIST."
