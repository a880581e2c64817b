"""Packed files: gzip or not, told apart by content, since names lie; and tar files that break off."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

# What reading a damaged gzip file raises; BadGzipFile is an OSError.
UNPACK_ERRORS = (OSError, EOFError, zlib.error)


def is_gzip(path: Path) -> bool:
    """Whether the content starts as gzip does. Raises OSError."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def open_unpacked(path: Path) -> BinaryIO:
    """The file's content, unpacked where it is gzip. Raises OSError here, `UNPACK_ERRORS` while reading."""
    return cast(BinaryIO, gzip.open(path)) if is_gzip(path) else path.open("rb")


def check_end(archive: tarfile.TarFile) -> None:
    """Raise tarfile.ReadError if a damaged header follows the last member that was read of a tar file.

    tarfile ends there in silence, as if the rest were not there. The rest is read, so that gzip checks its checksum:
    raises `UNPACK_ERRORS`, too.
    """
    assert archive.fileobj is not None  # it is open
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"damaged after {archive.offset:,} bytes")
    while archive.fileobj.read(1 << 20):
        pass
