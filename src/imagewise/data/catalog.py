"""The named sets, read from catalog.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from imagewise.errors import DataError, did_you_mean
from imagewise.framing.framing import Framing

Layout = Literal["idx", "cifar", "emnist", "bundled"]


@dataclass(frozen=True)
class SetFile:
    """One file of a named set and the hashes it is known by.

    Attributes:
        name: as the mirrors call it.
        sha256, md5: of the unpacked content.
        packed_md5: of the file as it is served, where nothing better is known.
    """

    name: str
    sha256: str | None = None
    md5: str | None = None
    packed_md5: str | None = None


@dataclass(frozen=True)
class NamedSet:
    """One entry of the catalog; catalog.toml says what the fields mean."""

    name: str
    title: str
    layout: Layout
    framing: Framing
    class_names: tuple[str, ...]
    licence: str
    citation: str
    homepage: str
    download_bytes: int
    mirrors: tuple[str, ...]
    files: tuple[SetFile, ...]
    folder: str = ""

    @property
    def place(self) -> str:
        """The name of its folder, in IMAGEWISE_DATA and in the cache."""
        return self.folder or self.name


def bundled_folder() -> Path:
    """The folder of the sets that come with imagewise."""
    return Path(__file__).with_name("sources")


def named_sets() -> dict[str, NamedSet]:
    """Every named set by its name, in the order of catalog.toml."""
    text = (files("imagewise.data") / "catalog.toml").read_text(encoding="utf-8")
    return {name: _entry(name, fields) for name, fields in tomllib.loads(text).items()}


def _entry(name: str, fields: dict[str, Any]) -> NamedSet:
    typed = {
        "framing": Framing(**fields["framing"]),
        "class_names": tuple(fields["class_names"]),
        "mirrors": tuple(fields["mirrors"]),
        "files": tuple(SetFile(**file) for file in fields["files"]),
    }
    return NamedSet(name=name, **(fields | typed))


def named_set(name: str) -> NamedSet:
    """The entry of that name. Raises DataError, with the nearest names, for an unknown name."""
    entries = named_sets()
    if name not in entries:
        raise DataError(f"no named set {name!r}.{did_you_mean(name, entries)} The named sets are {', '.join(entries)}.")
    return entries[name]
