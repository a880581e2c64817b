"""Memory-mapped pictures: joined without a copy, and let go once they were looked at."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 2**22  # looked at between letting go, from first to last


def mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """The file mapping that an array is a view of, if it is of one."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return base


def release(array: NDArray[Any]) -> None:
    """Let go of the memory of what was read of a mapped array; nothing for any other. It stays usable: what is read
    again comes from the file, or from the system's memory of files.

    A process that goes over a mapped set would otherwise count all of it as its own memory.
    """
    mapping = mapping_of(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def pieces(array: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """An array of pictures from first to last, some at a time, each let go when the next is asked for."""
    size = max(1, PIECE_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), size):
        yield array[start : start + size]
        release(array)


def gather(array: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The pictures at `indices`, a copy; what was touched for them is let go: the system maps 64 kB around each."""
    taken: NDArray[np.uint8] = np.asarray(np.take(array, indices, axis=0))
    release(array)
    return taken


def join(arrays: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """One after the other: a view where they lie so in one mapping, as the splits of a cached set do; else a copy."""
    first, mapping = arrays[0], mapping_of(arrays[0])
    end = first.ctypes.data
    for array in arrays:
        if mapping is None or mapping_of(array) is not mapping or not array.flags.c_contiguous:
            return np.concatenate(arrays)
        if array.ctypes.data != end:
            return np.concatenate(arrays)
        end += array.nbytes
    assert mapping is not None
    offset = first.ctypes.data - np.frombuffer(mapping, dtype=np.uint8).ctypes.data
    shape = (sum(map(len, arrays)), *first.shape[1:])
    return np.ndarray(shape, dtype=first.dtype, buffer=mapping, offset=offset)
