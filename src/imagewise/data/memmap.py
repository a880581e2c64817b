"""Memory-mapped pictures: taken apart and put together without a copy, their memory given back once it was read."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 2**22  # read at a time by whoever goes over a set from first to last


@dataclass(frozen=True, eq=False, slots=True)
class MappedRange:
    """A part of a larger array of pictures, and where in it the part begins.

    Attributes:
        whole: (N, H, W, C) uint8, usually memory-mapped.
        start: index of the first picture of the part.
        images: the part, a view of `whole`.
    """

    whole: NDArray[np.uint8]
    start: int
    images: NDArray[np.uint8]

    @classmethod
    def cut(cls, whole: NDArray[np.uint8], start: int, stop: int) -> MappedRange:
        """The pictures `start` to `stop - 1` of `whole`."""
        return cls(whole, start, whole[start:stop])

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Pickled as None: in another process the part is an array by itself."""
        return type(None), ()


def iter_chunks(array: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """An array of pictures from first to last, some MB at a time; each chunk's memory is given back when the next is
    asked for."""
    size = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), size):
        yield array[start : start + size]
        drop_pages(array)


def take(array: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A copy of the pictures at `indices`, in that order.

    The memory that was read for them is given back: the system maps 64 kB around each.
    """
    taken: NDArray[np.uint8] = np.asarray(np.take(array, indices, axis=0))
    drop_pages(array)
    return taken


def concat_views(arrays: Sequence[NDArray[np.uint8]], ranges: Sequence[MappedRange | None] = ()) -> NDArray[np.uint8]:
    """Several arrays of pictures one after the other: a view where they follow each other in one array, else a copy.

    Args:
        arrays: (N, H, W, C) uint8 each, of one shape but for N.
        ranges: of which range each array is, where that is known.
    """
    parts = [found for found, images in zip(ranges, arrays, strict=False) if found and found.images is images]
    if parts and len(parts) == len(arrays):
        end = parts[0].start
        for part in parts:
            if part.whole is not parts[0].whole or part.start != end:
                break
            end += len(part.images)
        else:
            return parts[0].whole[parts[0].start : end]
    return np.concatenate(arrays)


def drop_pages(array: NDArray[Any]) -> None:
    """Give back the memory of what was read of a mapped array; nothing for any other array.

    The array stays usable: what is read again comes from the file, or from the system's cache of files. A process that
    goes over a mapped set would otherwise count all of it as its own memory.
    """
    mapping = _mapping_of(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """The file mapping that an array is a view of; None for an array in memory."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return base
