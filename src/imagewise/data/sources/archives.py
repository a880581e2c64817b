"""A set in one packed file, `.zip` or `.tar.gz`: unpacked once into the cache, and read as the folder that it is."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from imagewise.data.sources.unpacking import check_end
from imagewise.errors import DataError
from imagewise.fetch import Progress
from imagewise.paths import cache_dir

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
OTHER_SUFFIXES = (".7z", ".rar", ".gz", ".bz2", ".xz", ".zst")
MOST_BYTES = 50 * 10**9  # unpacked
MOST_FILES = 2_000_000
KEPT_BYTES = 50 * 10**9  # unpacked, of all archives; those that were used longest ago make room for a new one
ABANDONED_SECONDS = 24 * 3600.0  # a folder of a process that was killed while it unpacked
DENSEST, SMALL = 100, 10**9  # more than 100 bytes a packed byte, above a GB: a file that is made to fill a disk
_UNPACKING = "unpacking-"
# What the readers raise for damaged files: OSError that of bz2 and gzip, ValueError that of a name in a zip.
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
Member = tuple[str, int, IO[bytes]]


def archive_stem(path: Path) -> str | None:
    """`pets` of `pets.tar.gz`; None for a file that is no archive by its name."""
    suffix = next((s for s in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(s)), None)
    return path.name[: -len(suffix)] if suffix else None


def unpack(path: Path, progress: Progress | None = None) -> Path:
    """The folder with an archive's content, in the cache; unpacked the first time that this file is met.

    Only files are unpacked, and only into the folder: links, devices, absolute names and names with `..` are refused.

    Raises:
        DataError: damaged, encrypted, too large, a name that leads elsewhere; or there is no room to unpack it.
    """
    folder = cache_dir("archives", _key(path))
    if folder.is_dir():
        with suppress(OSError):
            os.utime(folder)  # used now
        return folder
    made: str | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=_UNPACKING, dir=folder.parent)
        _write(path, Path(made), progress)
        with suppress(OSError):  # another process was faster
            Path(made).rename(folder)
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"{path}: cannot be unpacked into {folder.parent} ({why}). Unpack it yourself.") from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
    _make_room(folder)
    return folder


def kept_bytes() -> int:
    """The size of everything that is kept unpacked."""
    return sum(map(_size, _folders()))


def clear() -> int:
    """Remove everything that is kept unpacked. Returns the bytes that were freed."""
    before = kept_bytes()
    for folder in _folders():
        shutil.rmtree(folder, ignore_errors=True)
    return before - kept_bytes()


def holds_samples(path: Path) -> bool:
    """Whether a tar file is a WebDataset: labels beside pictures, `key.cls` or `key.json`."""
    try:
        with tarfile.open(path, "r:") as archive:
            names = [info.name for _, info in zip(range(64), archive, strict=False) if info.isfile()]
    except (tarfile.TarError, OSError):
        return True  # its reader says what is wrong
    return (
        not names or any(name.lower().endswith((".cls", ".json")) for name in names) or all("/" not in n for n in names)
    )


def _make_room(newest: Path) -> None:
    """Remove what was used longest ago until the rest fits, and what a process left that was killed."""
    with suppress(OSError):  # another process makes room too
        used = {folder: folder.stat().st_mtime for folder in _folders()}
        half_done = {folder for folder in used if folder.name.startswith(_UNPACKING)}
        for folder in half_done:
            if time.time() - used[folder] > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        total = kept_bytes()
        for folder in sorted(used.keys() - half_done - {newest}, key=used.__getitem__):
            if total <= KEPT_BYTES:
                break
            total -= _size(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _folders() -> list[Path]:
    kept = cache_dir("archives")
    return list(kept.iterdir()) if kept.is_dir() else []


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _write(path: Path, folder: Path, progress: Progress | None) -> None:
    packed, room = path.stat().st_size, shutil.disk_usage(folder).free
    written = 0
    for number, (name, size, content) in enumerate(_members(path), start=1):
        written += size
        if written > MOST_BYTES or number > MOST_FILES:
            raise DataError(
                f"{path}: over {MOST_BYTES // 10**9} GB or {MOST_FILES:,} files. Unpack it, and name the folder."
            )
        if written > max(SMALL, DENSEST * packed):
            raise DataError(
                f"{path}: unpacks to over {DENSEST} times its size, as no pictures do. If you trust it, unpack it, "
                "and name the folder."
            )
        if written > room:
            raise DataError(
                f"{path}: unpacks to more than the {room / 1e9:.1f} GB that are free in {folder.parent}. Make "
                "room, or unpack it elsewhere, and name the folder."
            )
        target = folder.joinpath(*_parts(path, name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            left = size
            while left > 0 and (chunk := _read(path, content, left)):
                file.write(chunk)
                left -= len(chunk)
        if progress is not None and number % 256 == 0:
            progress(f"unpacking {path.name}", written, None, "bytes")


def _read(path: Path, content: IO[bytes], most: int) -> bytes:
    with _reading(path):
        return content.read(min(most, 1 << 20))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Errors of reading the archive as DataError; those of writing are the caller's."""
    try:
        yield
    except NotImplementedError as error:  # before RuntimeError, of which it is one
        reason = f"Python cannot read how it is packed: {error}"
        raise DataError(f"{path}: cannot be unpacked ({reason}). Unpack it, and name the folder.") from error
    except RuntimeError as error:  # zipfile's for a password
        raise DataError(f"{path}: is encrypted. Unpack it, and name the folder.") from error
    except _DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
        raise DataError(f"{path}: cannot be unpacked ({reason}). Copy or download it again.") from error


def _members(path: Path) -> Iterator[Member]:
    """Name, size and content of each file, in order."""
    with _reading(path):
        yield from _of_zip(path) if zipfile.is_zipfile(path) else _of_tar(path)


def _of_zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            if info.is_dir():
                continue
            _parts(path, info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise DataError(f"{path}: {info.filename!r} is a link. Unpack it, and name the folder.")
            with packed.open(info) as content:
                yield info.filename, info.file_size, content


def _of_tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            if member.isdir():
                continue
            _parts(path, member.name)
            extracted = archive.extractfile(member) if member.isreg() else None
            if extracted is None:
                raise DataError(f"{path}: {member.name!r} is a link or a device. Unpack it, and name the folder.")
            yield member.name, member.size, extracted
        check_end(archive)


def _parts(path: Path, name: str) -> tuple[str, ...]:
    """The folders and the file of a name in an archive. Raises DataError where it leads out of the archive."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0].startswith("/") or ":" in parts[0] or "\0" in name:
        raise DataError(f"{path}: the name {name!r} leads out of the archive. Nothing was unpacked.")
    return parts


def _key(path: Path) -> str:
    status = path.stat()
    about = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    return hashlib.sha256(repr(about).encode(errors="surrogateescape")).hexdigest()[:32]
