"""Framed pictures kept on disk, so that a folder is decoded once: memory-mapped, keyed by files and framing."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import atomic_writer, write_atomically
from imagewise.data.auto_framing import CHOICE_VERSION, PhotoSizes
from imagewise.data.groups.near_copies import near_clusters
from imagewise.errors import ImagewiseError, OutputError
from imagewise.framing.framing import FRAMING_VERSIONS, Framing
from imagewise.paths import cache_dir

MAX_BYTES = 20 * 10**9  # the sets that were used longest ago make room for a new one
_FORMAT = 2  # of what is kept
ABANDONED_SECONDS = 24 * 3600.0  # without a write: nobody is at it any more

Result = int | str  # a picture's content hash before framing; or in words why it cannot be read
Chunk = tuple[list[Result], NDArray[np.uint8], NDArray[np.uint8]]  # of some files; see `scan`
Clusters = list[list[int]]
Order = Callable[[Sequence[Result], Clusters], NDArray[np.int64]]


@dataclass(frozen=True)
class Kept:
    """What a scan found.

    Attributes:
        results: one for every file.
        images: the framed pictures in the order that was asked for.
        near: near-copies, as indices among the readable files, by clusters.
    """

    results: list[Result]
    images: NDArray[np.uint8]
    near: Clusters


def state_of(files: Iterable[tuple[str, str, str, str | None, str | None]]) -> str:
    """SHA-256 (hex) over each picture's file (path, size, time of change, rights), name, class, split and group. A
    file that cannot be asked counts as missing.

    What is in the files is not read: ten thousand take a tenth of a second.
    """
    digest = hashlib.sha256()
    asked: tuple[str, bytes] | None = None  # the pictures of one archive follow each other
    for path, *about in files:
        if asked is None or asked[0] != path:
            try:
                status = os.stat(path)  # noqa: PTH116 - a Path for each of a million files takes its time
                state = (status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)
            except (OSError, ValueError):  # ValueError: a name with a NUL in it
                state = None
            asked = path, repr((os.path.abspath(path), state)).encode(errors="surrogateescape")  # noqa: PTH100
        digest.update(asked[1])
        digest.update(repr(about).encode(errors="surrogateescape"))
    return digest.hexdigest()


def cache_key(state: str, framing: Framing | PhotoSizes, near_copies: bool = True) -> str:
    """SHA-256 (hex) over the files (`state_of`), the framing or the sizes to choose one from, whether near-copies are
    kept in one split, and the versions that decide what comes out of it."""
    import PIL

    asked: object = framing.as_dict() if isinstance(framing, Framing) else _choice_among(framing)
    about = [_FORMAT, PIL.__version__, state, asked, near_copies]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _choice_among(sizes: PhotoSizes) -> object:
    limit = None if sizes.limit is None else sizes.limit.key
    return [FRAMING_VERSIONS, CHOICE_VERSION, sizes.sides, sizes.enlarged, sizes.many, sizes.always_colour, limit]


def read_kept(key: str, shape: tuple[int, int, int]) -> Kept | None:
    """What was kept under `key`, memory-mapped; None where it is not there, or not whole."""
    pictures, about = _path(key, "npy"), _path(key, "json")
    try:
        kept = json.loads(about.read_text("utf-8"))
        results = [int(r, 16) if known else r for known, r in kept["results"]]
        near = [[int(index) for index in cluster] for cluster in kept["near"]]
        images = np.load(pictures, mmap_mode="r")
        if images.shape != (sum(isinstance(r, int) for r in results), *shape) or images.dtype != np.uint8:
            return None
        about.touch()  # used now: the last to make room
    except (OSError, ValueError, TypeError, KeyError, EOFError):
        return None
    return Kept(results, images, near)


def keep(key: str, chunks: Iterable[Chunk], shape: tuple[int, int, int], order: Order) -> Kept:
    """Write framed pictures to the cache and map them.

    Args:
        key: from `cache_key`.
        chunks: from `scan`.
        shape: (H, W, C) of a framed picture.
        order: told all results and the near-copies, says in which order the readable pictures are to lie (indices
            among these).

    Raises:
        OutputError: the cache cannot be written.
    """
    pictures, about = _path(key, "npy"), _path(key, "json")
    arrived = pictures.with_suffix(f".{os.getpid()}.arrived")
    results: list[Result] = []
    signatures: list[NDArray[np.uint8]] = []
    try:
        try:
            arrived.parent.mkdir(parents=True, exist_ok=True)
            with arrived.open("wb") as file:
                for some, images, looks in chunks:
                    results += some
                    signatures.append(looks)
                    file.write(np.ascontiguousarray(images).data)
        except OSError as error:
            raise OutputError(f"cannot write {arrived}: {error.strerror or error}.") from error
        near = near_clusters(signatures)
        with arrived.open("rb") as source, atomic_writer(pictures) as target:
            _copy(source, target, order(results, near), shape)
        records = [(True, f"{r:x}") if isinstance(r, int) else (False, r) for r in results]
        write_atomically(about, json.dumps({"results": records, "near": near}))
    finally:
        with suppress(OSError):
            arrived.unlink(missing_ok=True)
    _make_room(pictures, MAX_BYTES)
    return Kept(results, np.load(pictures, mmap_mode="r"), near)


def read_choice(key: str) -> tuple[Framing, str] | None:
    """The framing that was chosen by looking at these files before, and the sentence about it."""
    try:
        framing, sentence = json.loads(_path(key, "choice").read_text("utf-8"))
        return Framing(**framing), str(sentence)
    except (OSError, ValueError, TypeError, ImagewiseError):
        return None


def keep_choice(key: str, framing: Framing, sentence: str) -> None:
    """Remember a choice. Where the cache cannot be written, it is made again the next time."""
    with suppress(OutputError):
        write_atomically(_path(key, "choice"), json.dumps([asdict(framing), sentence]))


@dataclass(frozen=True)
class KeptSet:
    """A set whose framed pictures are kept.

    Attributes:
        name: of its files in the cache.
        pictures: number of pictures.
        shape: (H, W, C) of each.
        size: in bytes.
        used: when it was last used, in seconds since 1970.
    """

    name: str
    pictures: int
    shape: tuple[int, ...]
    size: int
    used: float


def kept_sets() -> list[KeptSet]:
    """The sets in the cache, the one used last first."""
    found = []
    for about in cache_dir("pictures").glob("*.json"):
        pictures = about.with_suffix(".npy")
        with suppress(OSError, ValueError, EOFError):  # another process makes room, or a file is damaged
            count, *shape = np.load(pictures, mmap_mode="r").shape
            size = pictures.stat().st_size + about.stat().st_size
            found.append(KeptSet(about.stem, count, tuple(shape), size, about.stat().st_mtime))
    return sorted(found, key=lambda kept: -kept.used)


def limit(most: int) -> int:
    """Remove the sets that were used longest ago until at most `most` bytes are kept. Returns the bytes freed."""
    before = sum(path.stat().st_size for path in _files())
    _make_room(None, most)
    return before - sum(path.stat().st_size for path in _files())


def clear() -> int:
    """Remove everything that is kept. Returns the bytes that were freed."""
    freed = 0
    for path in _files():
        with suppress(FileNotFoundError):  # another process makes room too
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def _path(key: str, suffix: Literal["npy", "json", "choice"]) -> Path:
    return cache_dir("pictures", f"{key}.{suffix}")


def _copy(source: IO[bytes], target: IO[bytes], order: NDArray[np.int64], shape: tuple[int, int, int]) -> None:
    """One `.npy` file out of pictures that lie one after the other in another order."""
    size = int(np.prod(shape))
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(order), *shape)}
    np.lib.format.write_array_header_1_0(target, header)
    for index in order.tolist():
        source.seek(index * size)
        target.write(source.read(size))


def _files() -> list[Path]:
    folder = cache_dir("pictures")
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _make_room(newest: Path | None, most: int) -> None:
    """Remove the sets that were used longest ago until the rest fits, and what a process left that was killed."""
    with suppress(OSError):  # another process makes room too
        for path in _files():
            if path.suffix in (".arrived", ".partial") and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        total = sum(path.stat().st_size for path in _files())
        for about in sorted(cache_dir("pictures").glob("*.json"), key=lambda path: path.stat().st_mtime):
            pictures = about.with_suffix(".npy")
            if total <= most or pictures == newest:
                break
            total -= pictures.stat().st_size + about.stat().st_size
            about.unlink()
            pictures.unlink()
