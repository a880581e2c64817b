"""A file or folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagewise.atomic import reason
from imagewise.errors import OutputError


@contextmanager
def new_path(path: Path) -> Iterator[Path]:
    """A path for a new file or folder, renamed to `path` if the block ends without an error and deleted otherwise.

    The folders above `path` are made. If the block fails, those that were made are removed again.

    Raises:
        OutputError: `path` exists already, or an OSError ended the block.
    """
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path} exists already. Delete it, or choose another place with --out.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.rename(path)
    except BaseException as error:
        _delete(temporary)
        for folder in made:  # the deepest first
            with suppress(OSError):  # another program has put something into it
                folder.rmdir()
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {reason(error)}. Choose another place with --out.") from error
        raise


def _delete(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)
