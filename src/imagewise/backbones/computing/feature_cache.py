"""Features kept on disk, so that each picture goes through a backbone once: memory-mapped, keyed by content.

A file holds the features of one set of pictures in one view, (N, features) float32. A set that has pictures of an
earlier one takes over their features. `feature_writing` writes the files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.memmap import iter_chunks
from imagewise.paths import cache_dir

MAX_BYTES = 10 * 10**9  # what was used longest ago makes room
_FORMAT = 1
_DIGEST = 16  # bytes of SHA-256 kept of a picture
_LOOKED_AT = 8  # earlier sets whose features are taken over
_ABANDONED_SECONDS = 7 * 24 * 3600.0  # without a write: nobody will finish it

Features = NDArray[np.float32]


def picture_digests(images: NDArray[np.uint8]) -> list[bytes]:
    """The first 16 bytes of the SHA-256 of each picture's pixels."""
    return [
        hashlib.sha256(picture.data).digest()[:_DIGEST]
        for chunk in iter_chunks(images)
        for picture in np.ascontiguousarray(chunk)
    ]


def kind_of(*decisive: Any) -> str:
    """A name for everything but the picture that decides its features."""
    return hashlib.sha256(json.dumps([_FORMAT, *decisive]).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Place:
    """Where the features of a set are kept.

    Attributes:
        kind: from `kind_of`.
        digests: from `picture_digests`.
        features: numbers a picture.
    """

    kind: str
    digests: Sequence[bytes]
    features: int

    def path(self, suffix: str) -> Path:
        """A file of this set: `npy` when it is whole, `partial` before, `pictures` for the digests."""
        return cache_dir("features", f"{self.kind}-{self._set}.{suffix}")

    @cached_property
    def _set(self) -> str:
        return hashlib.sha256(b"".join(self.digests)).hexdigest()[:32]

    @cached_property
    def header(self) -> bytes:
        """How the file begins."""
        header = io.BytesIO()
        shape = (len(self.digests), self.features)
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
        return header.getvalue()

    @property
    def row_bytes(self) -> int:
        """Bytes of the features of one picture."""
        return 4 * self.features


def read_kept(place: Place) -> Features | None:
    """The features of the whole set, (N, features), memory-mapped; None where they are not kept."""
    kept = _open_whole(place)
    if kept is not None:
        for used in (place.path("npy"), place.path("pictures")):  # now: the last to make room
            with suppress(OSError):
                os.utime(used)
    return kept


def _open_whole(place: Place) -> Features | None:
    try:
        kept: Features = np.load(place.path("npy"), mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    fits = kept.shape == (len(place.digests), place.features) and kept.dtype == np.float32
    return kept if fits else None


class Earlier:
    """Features of the same kind that were computed for other sets of pictures, whole or not. `digest in earlier`."""

    def __init__(self, place: Place) -> None:
        self._rows: dict[bytes, tuple[Features, int]] = {}
        wanted = set(place.digests)
        found = sorted(cache_dir("features").glob(f"{place.kind}-*.pictures"), key=_last_used, reverse=True)
        for path in found[:_LOOKED_AT]:
            try:
                content = path.read_bytes()
            except OSError:  # another process makes room
                continue
            digests = [content[start : start + _DIGEST] for start in range(0, len(content), _DIGEST)]
            other = Place(place.kind, digests, place.features)
            if other.path("pictures") != path or path == place.path("pictures"):
                continue
            rows = _whole_rows(other)
            for number, digest in enumerate(digests[: len(rows)]):
                if digest in wanted:
                    self._rows.setdefault(digest, (rows, number))

    def __contains__(self, digest: object) -> bool:
        return digest in self._rows

    def __getitem__(self, digest: bytes) -> Features:
        rows, number = self._rows[digest]
        row: Features = rows[number]
        return row


def kept_bytes() -> int:
    """Bytes of all features in the cache."""
    return sum(_size(path) for path in _files())


def limit(most: int) -> int:
    """Remove what was used longest ago until at most `most` bytes are kept. Returns the bytes freed."""
    before = kept_bytes()
    make_room(most)
    return before - kept_bytes()


def clear() -> int:
    """Remove all features. Returns the bytes freed."""
    return limit(-1)


def _whole_rows(place: Place) -> Features:
    """The features of a set that are kept, (n, features): of all N pictures, or of the first ones."""
    whole = _open_whole(place)
    if whole is not None:
        return whole
    try:
        return rows_of_partial(place)
    except OSError:
        return _no_rows(place)


def rows_of_partial(place: Place) -> Features:
    """The whole rows of a file that is not written to its end; none of a file that is not there, or damaged."""
    path, start = place.path("partial"), len(place.header)
    if not path.exists():
        return _no_rows(place)
    with path.open("rb") as file:
        same = file.read(start) == place.header
    count = min(len(place.digests), (_size(path) - start) // place.row_bytes)
    if not same or count <= 0:
        return _no_rows(place)
    rows: Features = np.memmap(path, dtype="<f4", mode="r", offset=start, shape=(count, place.features))
    # what a computer that lost its power did not write is zero; no picture has such features
    blank = np.flatnonzero(~rows.any(axis=1))
    return rows[: blank[0]] if len(blank) else rows


def _no_rows(place: Place) -> Features:
    return np.empty((0, place.features), dtype=np.float32)


def _files() -> list[Path]:
    folder = cache_dir("features")
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _size(path: Path) -> int:
    with suppress(OSError):  # another process makes room
        return path.stat().st_size
    return 0


def _last_used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def make_room(most: int, spared: Path | None = None) -> None:
    """Remove the files that were used longest ago until the rest fits, and those that nobody has finished in a week."""
    files = sorted(_files(), key=_last_used)
    total = sum(_size(path) for path in files)
    for path in files:
        abandoned = path.suffix == ".partial" and time.time() - _last_used(path) > _ABANDONED_SECONDS
        if (total > most or abandoned) and (spared is None or path.stem != spared.stem):
            total -= _size(path)
            with suppress(OSError):  # another process makes room too, or Windows has it open
                path.unlink()
