"""Tensors as files of weights store them: their types, the bounds of a file, and what reading one refuses."""

from __future__ import annotations

import math
import os
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2 << 30  # of a file, and of its tensors as float32; the largest backbone of the catalog has 0.1 GB
MOST_AXES = 8
_BFLOAT16 = "bfloat16"
_KINDS = {  # by the names of NumPy
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    _BFLOAT16: "<u2",
    "int64": "<i8",
    "int32": "<i4",
    "int16": "<i2",
    "int8": "|i1",
    "uint8": "|u1",
    "bool": "|u1",
}


class UnreadableError(ValueError):
    """A file is not one of weights, or is damaged. The text says why, without the file's name."""


def item_bytes(kind: str) -> int:
    """Bytes of one number of that kind, named as NumPy does, or `bfloat16`."""
    return np.dtype(_KINDS[kind]).itemsize


def take_numbers(file: IO[bytes], kind: str, count: int) -> NDArray[Any]:
    """The next `count` numbers of a file, (count,): float32 for the kinds of floating point, else as stored.

    Raises:
        UnreadableError: the file has fewer.
    """
    size = item_bytes(kind) * count
    content = file.read(size) if size <= left(file) else b""
    if len(content) != size:
        raise UnreadableError("it is cut: numbers are missing at its end")
    numbers = np.frombuffer(content, _KINDS[kind])
    if kind == _BFLOAT16:
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, which is refused as such
        return numbers.astype(np.float32) if kind.startswith("float") else numbers


def left(file: IO[bytes]) -> int:
    """Bytes from the file's position to its end."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here


def count_of(shape: tuple[Any, ...]) -> int:
    """Numbers in a tensor of that shape. Raises UnreadableError for a shape that no tensor has."""
    if len(shape) > MOST_AXES or not all(type(size) is int and 0 < size <= MOST_BYTES for size in shape):
        raise UnreadableError("it has a tensor of an impossible shape")
    count: int = math.prod(shape)
    if count * 4 > MOST_BYTES:
        raise UnreadableError(f"it has a tensor of {count:,} numbers, which is too large for imagewise")
    return count


def shown(name: str) -> str:
    """The name of a tensor for a message: strangers may have chosen it."""
    return repr(name[:80])
