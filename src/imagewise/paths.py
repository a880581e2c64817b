"""The one reader of folders that lie outside a command's arguments: the platform's cache and IMAGEWISE_*."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir(*parts: str) -> Path:
    """A folder below imagewise's part of the platform's cache folder. It need not exist.

    Where the user has no home folder, the path is one that cannot be made: callers then go on without a cache, as on
    a disk that cannot be written.
    """
    import platformdirs

    try:
        return platformdirs.user_cache_path("imagewise", appauthor=False).joinpath(*parts)
    except RuntimeError:  # neither HOME nor an entry in the password database
        return Path(os.devnull, "imagewise", *parts)


def data_dir() -> Path | None:
    """The folder of data sets that IMAGEWISE_DATA names, or None."""
    return _named("IMAGEWISE_DATA")


def weights_dir() -> Path | None:
    """The folder of pretrained weights that IMAGEWISE_WEIGHTS names, or None."""
    return _named("IMAGEWISE_WEIGHTS")


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None
