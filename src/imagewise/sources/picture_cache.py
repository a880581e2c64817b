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
from typing import IO

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import atomic_writer, write_atomically
from imagewise.errors import ImagewiseError, OutputError
from imagewise.picture import FRAMING_VERSION, Framing

MAX_BYTES = 20 * 10**9  # the sets that were used longest ago make room for a new one
ABANDONED_SECONDS = 24 * 3600.0  # without a write: nobody is at it any more

Result = int | str  # a picture's content hash before framing; or in words why it cannot be read
Order = Callable[[Sequence[Result]], NDArray[np.int64]]


@dataclass(frozen=True)
class Kept:
    """What a scan found: a result for every file, and the framed pictures in the order that was asked for."""

    results: list[Result]
    images: NDArray[np.uint8]


def cache_folder() -> Path:
    """Where framed pictures are kept: in the platform's cache folder."""
    import platformdirs

    return platformdirs.user_cache_path("imagewise", appauthor=False) / "pictures"


def state_of(files: Iterable[tuple[str, str, str, str | None]]) -> str:
    """SHA-256 (hex) over each picture's file (path, size, time of change, rights), name, class and split. A file that
    cannot be asked counts as missing.

    What is in the files is not read: ten thousand take a tenth of a second.
    """
    digest = hashlib.sha256()
    asked: tuple[str, bytes] | None = None  # the pictures of one archive follow each other
    for path, name, label, split in files:
        if asked is None or asked[0] != path:
            try:
                status = os.stat(path)  # noqa: PTH116 - a Path for each of a million files takes its time
                state = (status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)
            except OSError:
                state = None
            asked = path, repr((os.path.abspath(path), state)).encode(errors="surrogateescape")  # noqa: PTH100
        digest.update(asked[1])
        digest.update(repr((name, label, split)).encode(errors="surrogateescape"))
    return digest.hexdigest()


def cache_key(state: str, framing: Framing | None) -> str:
    """SHA-256 (hex) over the files (`state_of`), the framing, and the versions that decide what comes out of it."""
    import PIL

    about = [FRAMING_VERSION, PIL.__version__, state, framing and framing.as_dict()]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def read_kept(key: str, shape: tuple[int, int, int]) -> Kept | None:
    """What was kept under `key`, memory-mapped; None where it is not there, or not whole."""
    pictures, about = _paths(key)
    try:
        results = [int(r, 16) if known else r for known, r in json.loads(about.read_text("utf-8"))]
        images = np.load(pictures, mmap_mode="r")
        if images.shape != (sum(isinstance(r, int) for r in results), *shape) or images.dtype != np.uint8:
            return None
        about.touch()  # used now: the last to make room
    except (OSError, ValueError, TypeError, EOFError):
        return None
    return Kept(results, images)


def keep(
    key: str, chunks: Iterable[tuple[list[Result], NDArray[np.uint8]]], shape: tuple[int, int, int], order: Order
) -> Kept:
    """Write framed pictures to the cache and map them.

    Args:
        key: from `cache_key`.
        chunks: results of some files, and the framed pictures of those that can be read.
        shape: (H, W, C) of a framed picture.
        order: told all results, says in which order the readable pictures are to lie (indices among these).

    Raises:
        OutputError: the cache cannot be written.
    """
    pictures, about = _paths(key)
    arrived = pictures.with_suffix(f".{os.getpid()}.arrived")
    results: list[Result] = []
    try:
        try:
            arrived.parent.mkdir(parents=True, exist_ok=True)
            with arrived.open("wb") as file:
                for some, images in chunks:
                    results += some
                    file.write(np.ascontiguousarray(images).data)
        except OSError as error:
            raise OutputError(f"cannot write {arrived}: {error.strerror or error}.") from error
        with arrived.open("rb") as source, atomic_writer(pictures) as target:
            _copy(source, target, order(results), shape)
        records = [(True, f"{r:x}") if isinstance(r, int) else (False, r) for r in results]
        write_atomically(about, json.dumps(records))
    finally:
        with suppress(OSError):
            arrived.unlink(missing_ok=True)
    _make_room(pictures)
    return Kept(results, np.load(pictures, mmap_mode="r"))


def read_choice(key: str) -> tuple[Framing, str] | None:
    """The framing that was chosen by looking at these files before, and the sentence about it."""
    try:
        framing, sentence = json.loads((cache_folder() / f"{key}.choice").read_text("utf-8"))
        return Framing(**framing), str(sentence)
    except (OSError, ValueError, TypeError, ImagewiseError):
        return None


def keep_choice(key: str, framing: Framing, sentence: str) -> None:
    """Remember a choice. Where the cache cannot be written, it is made again the next time."""
    with suppress(OutputError):
        write_atomically(cache_folder() / f"{key}.choice", json.dumps([asdict(framing), sentence]))


def clear() -> int:
    """Remove everything that is kept. Returns the bytes that were freed."""
    freed = 0
    for path in _files():
        with suppress(FileNotFoundError):  # another process makes room too
            size = path.stat().st_size
            path.unlink()
            freed += size
    return freed


def _paths(key: str) -> tuple[Path, Path]:
    return cache_folder() / f"{key}.npy", cache_folder() / f"{key}.json"


def _copy(source: IO[bytes], target: IO[bytes], order: NDArray[np.int64], shape: tuple[int, int, int]) -> None:
    """One `.npy` file out of pictures that lie one after the other in another order."""
    size = int(np.prod(shape))
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(order), *shape)}
    np.lib.format.write_array_header_1_0(target, header)
    for index in order.tolist():
        source.seek(index * size)
        target.write(source.read(size))


def _files() -> list[Path]:
    folder = cache_folder()
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _make_room(newest: Path) -> None:
    """Remove the sets that were used longest ago until the rest fits, and what a process left that was killed."""
    with suppress(OSError):  # another process makes room too
        for path in _files():
            if path.suffix in (".arrived", ".partial") and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        total = sum(path.stat().st_size for path in _files())
        for about in sorted(cache_folder().glob("*.json"), key=lambda path: path.stat().st_mtime):
            pictures = about.with_suffix(".npy")
            if total <= MAX_BYTES or pictures == newest:
                break
            total -= pictures.stat().st_size
            about.unlink()
            pictures.unlink()
