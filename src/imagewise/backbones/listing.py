"""All pretrained networks and where each is on this machine: what `imagewise backbones` lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from imagewise.backbones.catalog import Entry, entries
from imagewise.backbones.families import published_values
from imagewise.backbones.hub import ModelHub
from imagewise.backbones.published import Place, locate


@dataclass(frozen=True)
class BackboneStatus:
    """One pretrained network and where its weights are: `place` and `path` are None where they are not on this machine.

    Attributes:
        features: length of a picture's feature vector.
        parameters: trained numbers, without those of the classifier.
        top1: accuracy on ImageNet's validation pictures in percent, as published.
        verified: compared with an independent implementation, on the published weights.
        bytes: size of the file here, else of the download (about, where the catalog does not know it).
        host: serves the download; None where no host does.
    """

    name: str
    title: str
    features: int
    parameters: int
    top1: float
    licence: str
    citation: str
    homepage: str
    verified: bool
    place: Place | None
    path: Path | None
    bytes: int
    host: str | None


def pretrained_backbones() -> list[BackboneStatus]:
    """Every pretrained network of the catalog, what it is and where its weights are on this machine.

    >>> import imagewise
    >>> "efficientnet_lite0" in {each.name for each in imagewise.pretrained_backbones()}
    True

    Raises:
        DownloadError: HF_ENDPOINT or HF_TOKEN cannot be used.
    """
    return [_status(entry) for entry in entries().values()]


def _status(entry: Entry) -> BackboneStatus:
    found = locate(entry)
    place, path = found or (None, None)
    served = next((file for file in entry.files if file.urls), None)
    size = path.stat().st_size if path else (served and served.bytes) or 4 * published_values(entry)
    return BackboneStatus(
        name=entry.name,
        title=entry.title,
        features=sum(entry.features),
        parameters=entry.parameters,
        top1=entry.top1,
        licence=entry.licence,
        citation=entry.citation,
        homepage=entry.homepage,
        verified=entry.verified,
        place=place,
        path=path,
        bytes=size,
        host=urlsplit(ModelHub.of_environment().address(served.urls[0])).hostname if served else None,
    )
