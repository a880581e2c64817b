"""Where the weights of a backbone are: IMAGEWISE_WEIGHTS, the cache, imagewise itself; else fetching them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import Literal

from imagewise.backbones import weights_file
from imagewise.backbones.catalog import Entry, WeightsFile
from imagewise.backbones.hub import ModelHub
from imagewise.errors import Attempt, DownloadError, ModelError, OutputError
from imagewise.fetch import Hub, Progress, download
from imagewise.paths import cache_dir, weights_dir

Place = Literal["IMAGEWISE_WEIGHTS", "cache", "imagewise"]


def find(entry: Entry) -> Path | None:
    """The file of weights: in the folder that IMAGEWISE_WEIGHTS names, else in the cache, else in imagewise itself.

    None where it is in none of them. Files are recognised by their names in the catalog; the content is not looked at.
    A .pth file that was converted has the same name with .safetensors at its end.
    """
    copy = _found(entry)
    return None if copy is None else copy.path


def locate(entry: Entry) -> tuple[Place, Path] | None:
    """What `find` finds, with the place where it is."""
    copy = _found(entry)
    return None if copy is None else (copy.place, copy.path)


def fetch(entry: Entry, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Make sure that the weights are on this machine, and return the file, which `read_weights` reads.

    Its SHA-256 is that of the catalog, or what the hub sends where the catalog has none. A .pth file is converted to
    safetensors once, in the cache. A damaged file in the cache is replaced; one in IMAGEWISE_WEIGHTS never is.

    Args:
        offline: download nothing.
        progress: told how far a download is.

    Raises:
        DownloadError: the weights are not on this machine, and no mirror serves them or `offline` forbids it.
        ModelError: a file is not the published one, or is damaged.
        OutputError: the cache cannot be written.
    """
    copy = _found(entry)
    if copy is not None:
        reason = copy.fault()
        if reason is None:
            return _converted(copy)
        if offline or not copy.in_cache or not any(file.urls for file in entry.files):
            raise ModelError(f"{copy.path}: {reason}. {copy.remedy}")
        _remove(copy.path)
    if not any(file.urls for file in entry.files):
        by_hand = _by_hand(entry)
        raise DownloadError(
            f"the weights of {entry.name} are published nowhere that imagewise can download them from",
            remedy=by_hand[0].upper() + by_hand[1:],
        )
    if offline:
        raise DownloadError(
            f"the weights of {entry.name} are not on this machine, and --offline forbids to download them",
            remedy=f"Download them once with `imagewise backbones fetch {entry.name}`, or {_by_hand(entry)}",
        )
    return _converted(_download(entry, progress))


@dataclass(frozen=True)
class _Copy:
    """A file of weights on this machine, and what the catalog says of it."""

    path: Path
    file: WeightsFile
    in_cache: bool

    @property
    def place(self) -> Place:
        """Where it is, as a person would say it."""
        return "cache" if self.in_cache else "imagewise" if self.file.bundled else "IMAGEWISE_WEIGHTS"

    @property
    def remedy(self) -> str:
        """What to do about it where it is not as it should be."""
        return "Reinstall imagewise, which it came with." if self.file.bundled else weights_file.remedy(self.path)

    def fault(self) -> str | None:
        """What is wrong with it, in words; None for nothing. What is converted has no hash that is known."""
        published = self.path.name == self.file.name
        return weights_file.fault(self.path, self.path.name) or (
            _hash_fault(self.path, self.file.sha256 or self.file.sha256_prefix, "the catalog") if published else None
        )


class _Check:
    """What a downloaded file is checked by."""

    def __init__(self, file: WeightsFile, hub: ModelHub) -> None:
        self._file = file
        self._hub = hub
        self._sent: str | None = None

    def heard(self, url: str, headers: HTTPMessage) -> None:
        """Keep the hash that the hub sends."""
        self._sent = self._hub.sha256(url, headers) or self._sent

    def fault(self, path: Path) -> str | None:
        """What is wrong with the content, in words; None for nothing."""
        pinned = self._file.sha256 or self._file.sha256_prefix
        return weights_file.fault(path, self._file.name) or _hash_fault(
            path, pinned or self._sent, "the catalog" if pinned else "the hub"
        )


def _found(entry: Entry) -> _Copy | None:
    return _own(entry) or _cached(entry) or _bundled(entry)


def _own(entry: Entry) -> _Copy | None:
    folder = weights_dir()
    return None if folder is None else next(_copies(entry, folder, in_cache=False), None)


def _cached(entry: Entry) -> _Copy | None:
    return next(_copies(entry, cache_dir("weights"), in_cache=True), None)


def _bundled(entry: Entry) -> _Copy | None:
    copies = (_Copy(Path(__file__).parent / file.name, file, in_cache=False) for file in entry.files if file.bundled)
    return next((copy for copy in copies if copy.path.is_file()), None)


def _copies(entry: Entry, folder: Path, *, in_cache: bool) -> Iterator[_Copy]:
    for file in entry.files:
        if file.bundled:
            continue  # under the short name that it has in imagewise, other people's folders may hold anything
        for name in dict.fromkeys((_converted_name(file.name), file.name)):
            if (folder / name).is_file():
                yield _Copy(folder / name, file, in_cache)


def _converted_name(name: str) -> str:
    return name.removesuffix(".pth") + ".safetensors" if name.endswith(".pth") else name


def _download(entry: Entry, progress: Progress | None) -> _Copy:
    hub = ModelHub.of_environment()
    attempts: list[Attempt] = []
    for file in entry.files:
        if not file.urls:
            continue
        target = cache_dir("weights", file.name)
        check = _Check(file, hub)
        urls = [hub.address(url) for url in file.urls]
        try:
            download(
                urls,
                target,
                fault=check.fault,
                progress=progress,
                variable="IMAGEWISE_WEIGHTS",
                hub=Hub(hub.tokens(), check.heard),
            )
            return _Copy(target, file, in_cache=True)
        except DownloadError as error:
            attempts += error.attempts
    if (copy := _cached(entry)) is not None:  # another process fetched and converted it at the same time
        return copy
    raise DownloadError(
        f"the weights of {entry.name} could not be fetched",
        attempts,
        f"{_refused(hub, attempts)}Check the network and try again (what came so far is kept), or {_by_hand(entry)}",
    )


def _refused(hub: ModelHub, attempts: list[Attempt]) -> str:
    """What to do where the hub wants to know who asks; "" where it does not."""
    if not any(attempt.status in (401, 403) and hub.sent(attempt.url) for attempt in attempts):
        return ""
    if hub.token is None:
        return "The hub asks for an account: set HF_TOKEN to a token of one that may read the model. "
    return "The hub refuses the token in HF_TOKEN: check it, and that its account may read the model. "


def _by_hand(entry: Entry) -> str:
    obtainable = [f"{file.name} (from {file.urls[0]})" for file in entry.files if file.urls]
    names = " or ".join(obtainable or [file.name for file in entry.files if not file.bundled])
    folder = weights_dir()
    if folder is None:
        return f"put {names} into a folder and name that folder in IMAGEWISE_WEIGHTS."
    if not folder.is_dir():
        return f"put {names} into the folder that IMAGEWISE_WEIGHTS names; {folder} is no folder."
    return f"put {names} into {folder}, the folder that IMAGEWISE_WEIGHTS names."


def _converted(copy: _Copy) -> Path:
    """A safetensors file with the content of a .pth file; the .pth file itself where the cache cannot be written."""
    if not copy.path.name.endswith(".pth"):
        return copy.path
    target = cache_dir("weights", _converted_name(copy.path.name))
    if weights_file.fault(target, target.name) is None:
        return target
    try:
        weights = weights_file.read_weights(copy.path)
        weights_file.write_weights(target, weights, _sha256(copy.path))
    except OutputError:
        return copy.path
    except (ModelError, OSError):
        if not copy.in_cache or not target.is_file():
            raise
    if copy.in_cache:
        with contextlib.suppress(OSError):
            copy.path.unlink(missing_ok=True)
    return target


def _hash_fault(path: Path, wanted: str | None, by: str) -> str | None:
    """That the SHA-256 does not begin with the digits wanted, in words; None where it does, or none is wanted."""
    try:
        digest = _sha256(path) if wanted else ""
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    if not wanted or digest.startswith(wanted):
        return None
    return f"wrong content: its SHA-256 is {digest}, and that of {by} {'begins with ' * (len(wanted) < 64)}{wanted}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot remove {path}, which is damaged: {error.strerror or error}. Remove it by hand."
        ) from error
