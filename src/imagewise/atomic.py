"""Write a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from imagewise.errors import OutputError


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the name `path` only when the block ends without an error.

    Raises:
        OutputError: `path` is a folder, or its folder is read-only or full. What `path` held before is untouched.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        try:
            if path.is_dir():
                raise OutputError(f"cannot write {path}: it is a folder. Name a file in it.")
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {reason(error)}. Choose a place with room that you may write to."
            ) from error
    finally:
        with suppress(OSError):  # not made at all, or in a folder that cannot be written
            temporary.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """Why a file or folder cannot be written, in words."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename} is a file, not a folder"
    return error.strerror or str(error)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write `content` to `path`: whole, or not at all. Raises OutputError.

    Text is UTF-8; bytes of file names that are not UTF-8 are escaped, as `\\udce9`.
    """
    with atomic_writer(path) as file:
        file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
