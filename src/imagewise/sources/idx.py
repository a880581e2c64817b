"""IDX files, the format of MNIST: two zero bytes, the type (8: unsigned byte), the number of dimensions, the
length of each as a big-endian 32-bit integer, then the values."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Dataset, Split, SplitName
from imagewise.errors import DataError
from imagewise.picture import Framing
from imagewise.sources.looking import framing_of_arrays
from imagewise.sources.splits import complete_splits, refuse_unknown_classes
from imagewise.sources.unpacking import UNPACK_ERRORS, open_unpacked
from imagewise.splitting import content_hashes

# MNIST and its drop-in replacements: split as the article's reader did, so that results can be compared with
# it.
FIRST_RULE = "the first 5,000 pictures of train are validation"
FIRST_TRAIN, FIRST_VALIDATION = 60_000, 5_000

_UNSIGNED_BYTE = 8
_KINDS = {1: "labels", 3: "images"}
_CHUNK = 1 << 20
_DEFLATE_LIMIT = 1032  # deflate packs no denser than this, so a header that promises more is not believed


def is_idx_folder(folder: Path) -> bool:
    """Whether the folder holds pictures as IDX files."""
    return any(locate(folder, f"{part}-images-idx3-ubyte") for part in ("train", "t10k"))


def locate(folder: Path, name: str) -> Path | None:
    """The file that people mean by `train-images-idx3-ubyte` and its like: gzip or not, `t10k` or `test`,
    `images-idx3` or `images.idx3`. None where there is none."""
    name = name.removesuffix(".gz")
    for prefix in (name, name.replace("t10k", "test")):
        for stem in (prefix, prefix.replace("-idx", ".idx")):
            for path in (folder / stem, folder / f"{stem}.gz"):
                if path.is_file():
                    return path
    return None


def load_idx_folder(
    name: str, folder: Path, framing: Framing | None, class_names: Sequence[str] | None = None
) -> Dataset:
    """The four IDX files of a folder as a data set; the two of the test may be missing.

    A train file of exactly 60,000 pictures is split by `FIRST_RULE`; any other by content.

    Args:
        name: what to call the data set.
        folder: where the files lie.
        framing: that of a model or of the catalog; None to choose by looking.
        class_names: None for "0", "1", ... up to the largest label.

    Raises:
        DataError: a file is missing or damaged, or does not fit its partner or the framing.
    """
    given: dict[SplitName, Split] = {"train": _read_pair(folder, "train")}
    if any(locate(folder, f"t10k-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")):
        given["test"] = _read_pair(folder, "t10k")
    images = given["train"].images
    if "test" in given and given["test"].images.shape[1:] != images.shape[1:]:
        raise DataError(
            f"{folder}: pictures of {_size(images)} in train, but {_size(given['test'].images)} in test. "
            "Put files of one set into the folder."
        )
    framing, notices = framing_of_arrays(name, images, framing)
    names = tuple(class_names or map(str, range(int(given["train"].labels.max()) + 1)))
    refuse_unknown_classes(str(folder), names, given)
    if len(images) == FIRST_TRAIN and "test" in given:
        splits, rule = _first_rule(given["train"]) | {"test": given["test"]}, FIRST_RULE
    else:
        splits, rule = complete_splits(given, lambda: content_hashes(images))
    return Dataset(name, names, splits, framing, rule, notices)


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
                f"{folder}: the file {part}-{kind}-ubyte (or .gz) is missing. Put it beside the others, or "
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
    return f"Replace {path.name}; `imagewise data fetch mnist` fetches a good copy of MNIST."


def _size(images: NDArray[np.uint8]) -> str:
    return f"{images.shape[1]}x{images.shape[2]}"
