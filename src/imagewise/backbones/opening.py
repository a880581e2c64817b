"""Backbones by name: found on this machine or downloaded, read, and ready to compute features."""

from __future__ import annotations

from dataclasses import dataclass

from imagewise.backbones.catalog import Entry, entries, entry
from imagewise.backbones.pretrained import Pretrained
from imagewise.backbones.published import fetch
from imagewise.backbones.weights_file import read_weights
from imagewise.errors import DownloadError, ModelError, OutputError
from imagewise.fetch import Progress

AUTO = "auto"
PREFERRED = ("efficientnet_lite0", "mobilenet_v2_035")  # by accuracy; the last one comes with imagewise


@dataclass(frozen=True)
class Opened:
    """A backbone that was chosen for the user.

    Attributes:
        backbone: None where no weights are available.
        reasons: why others that are more accurate could not be taken, a sentence each.
    """

    backbone: Pretrained | None
    reasons: tuple[str, ...]


def open_pretrained(name: str, *, offline: bool = False, progress: Progress | None = None) -> Pretrained:
    """The backbone of that name in the catalog, with its weights.

    Args:
        offline: download nothing.
        progress: told how far a download is.

    Raises:
        ModelError: no such backbone, or a file of weights is damaged or another network's.
        DownloadError: the weights are not on this machine, and no mirror serves them or `offline` forbids it.
        OutputError: the cache cannot be written.
    """
    return _open(entry(name), offline, progress)


def open_preferred(*, offline: bool = False, progress: Progress | None = None) -> Opened:
    """The first of `PREFERRED` whose weights are available."""
    known = entries()
    reasons: list[str] = []
    for name in PREFERRED:
        try:
            return Opened(_open(known[name], offline, progress), tuple(reasons))
        except (DownloadError, OutputError, ModelError) as error:
            reasons.append(str(error).splitlines()[0])
    return Opened(None, tuple(reasons))


def _open(found: Entry, offline: bool, progress: Progress | None) -> Pretrained:
    path = fetch(found, offline=offline, progress=progress)
    return Pretrained.of_tensors(found, read_weights(path), str(path))
