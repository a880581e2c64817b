"""The named sets, read from catalog.toml."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from imagewise.errors import DataError
from imagewise.picture import Framing

Layout = Literal["idx", "cifar", "bundled"]


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


def named_sets() -> dict[str, NamedSet]:
    """Every named set by its name, in the order of catalog.toml."""
    text = (files("imagewise.sources") / "catalog.toml").read_text(encoding="utf-8")
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
    """The entry of that name. Raises DataError, with the nearest names, where there is none."""
    entries = named_sets()
    if name not in entries:
        raise DataError(f"no named set {name!r}.{did_you_mean(name, entries)} The named sets are {', '.join(entries)}.")
    return entries[name]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' with the nearest of `known`, or nothing where none is near."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(by_lower[name]) for name in near)}?" if near else ""
