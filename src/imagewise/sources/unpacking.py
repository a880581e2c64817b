"""Files that may or may not be gzip: told apart by content, since names lie."""

from __future__ import annotations

import gzip
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
