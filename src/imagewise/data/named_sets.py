"""Where the named sets are on this machine, fetching them, and checking them: what `imagewise data` does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from imagewise.data.catalog import NamedSet, SetFile, bundled_folder, named_set, named_sets
from imagewise.data.sources import cifar, emnist, idx
from imagewise.data.sources.unpacking import UNPACK_ERRORS, is_gzip, open_unpacked
from imagewise.errors import DataError
from imagewise.fetch import Progress, download
from imagewise.paths import cache_dir, data_dir

Place = Literal["IMAGEWISE_DATA", "cache", "imagewise"]


@dataclass(frozen=True)
class SetStatus:
    """One named set and where it is: `place` and `path` are None where it is not on this machine."""

    name: str
    title: str
    licence: str
    download_bytes: int
    place: Place | None
    path: Path | None


@dataclass(frozen=True)
class FileCheck:
    """What `verify` found out about one file."""

    file: str
    ok: bool
    detail: str


def data_sets() -> list[SetStatus]:
    """Every named set, what it is and where it is on this machine; `load_data(name)` loads one.

    >>> import imagewise
    >>> "mnist" in {each.name for each in imagewise.data_sets()}
    True
    """
    statuses = []
    for entry in named_sets().values():
        place, path = _find(entry)
        statuses.append(SetStatus(entry.name, entry.title, entry.licence, entry.download_bytes, place, path))
    return statuses


def find(entry: NamedSet) -> Path | None:
    """The folder that holds the set: in IMAGEWISE_DATA, else in the cache. None where it is in neither.

    A folder in IMAGEWISE_DATA counts with any of the set's files: it was put there by hand, and what is
    missing is to be said rather than passed over. A folder in the cache counts when it is complete.
    """
    return _find(entry)[1]


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Make sure that the set is on this machine, and return where. Nothing is fetched that is already here.

    Raises:
        DataError: no such set.
        DownloadError: no mirror serves it.
        OutputError: the cache folder cannot be written.
    """
    entry = named_set(name)
    path = find(entry)
    if path is not None:
        return path
    folder = cache_dir("data", entry.place)
    for file in entry.files:
        if _locate(entry, folder, file) is None:
            urls = [mirror + file.name for mirror in entry.mirrors]
            download(urls, folder / file.name, fault=partial(_fault, file), progress=progress)
    return folder


def verify(name: str) -> list[FileCheck]:
    """Check each file of the set against the hashes of the catalog.

    Raises:
        DataError: no such set, or it is not on this machine.
    """
    entry = named_set(name)
    folder = find(entry)
    if folder is None:
        raise DataError(f"{name} is not on this machine. Fetch it with: imagewise data fetch {name}")
    return [_check(file, _locate(entry, folder, file)) for file in entry.files]


def _find(entry: NamedSet) -> tuple[Place | None, Path | None]:
    if entry.layout == "bundled":
        return "imagewise", bundled_folder()
    data = data_dir()
    if data is not None and any(_locate(entry, data / entry.place, file) for file in entry.files):
        return "IMAGEWISE_DATA", data / entry.place
    cached = cache_dir("data", entry.place)
    if all(_locate(entry, cached, file) for file in entry.files):
        return "cache", cached
    return None, None


def _locate(entry: NamedSet, folder: Path, file: SetFile) -> Path | None:
    match entry.layout:
        case "bundled":
            return folder / file.name if (folder / file.name).is_file() else None
        case "cifar":
            return cifar.locate(folder)
        case "emnist":
            return emnist.locate(folder, entry.name)
        case "idx":
            return idx.locate(folder, file.name)


def _check(file: SetFile, path: Path | None) -> FileCheck:
    if path is None:
        return FileCheck(file.name, False, "missing")
    if path.is_dir() or (file.packed_md5 and file.name.endswith(".gz") and not is_gzip(path)):
        return FileCheck(file.name, True, f"{path.name} is there, unpacked; only the packed file has a known hash")
    reason = _fault(file, path)
    return FileCheck(file.name, reason is None, reason or "as it should be")


def _fault(file: SetFile, path: Path) -> str | None:
    """What is wrong with the content, in words; None where its hash is the catalog's."""
    kind, wanted = next((k, v) for k in ("sha256", "md5", "packed_md5") if (v := getattr(file, k)))
    digest = hashlib.sha256() if kind == "sha256" else hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") if kind == "packed_md5" else open_unpacked(path) as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    except UNPACK_ERRORS as error:
        return f"damaged or cut ({error})"
    if digest.hexdigest() == wanted:
        return None
    what = "packed file" if kind == "packed_md5" else "unpacked content"
    return f"wrong content: {digest.name} of the {what} is {digest.hexdigest()}, not {wanted}"
