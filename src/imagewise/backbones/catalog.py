"""The pretrained networks that imagewise knows, read from catalog.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from imagewise.errors import ModelError, did_you_mean


@dataclass(frozen=True)
class WeightsFile:
    """A file that holds the weights of a backbone.

    Attributes:
        name: its name, by which it is recognised in IMAGEWISE_WEIGHTS and kept in the cache.
        urls: its addresses, in the order to try; empty where it is not published under this name.
        bytes: its size; None where it is not known.
        sha256: hexadecimal; None where it is not known.
        sha256_prefix: the first digits, where only these are known.
        bundled: it comes with imagewise, in the folder of this module.
    """

    name: str
    urls: tuple[str, ...] = ()
    bytes: int | None = None
    sha256: str | None = None
    sha256_prefix: str | None = None
    bundled: bool = False


@dataclass(frozen=True)
class Entry:
    """One pretrained network; catalog.toml says what the fields mean."""

    name: str
    title: str
    family: str
    names: str
    features: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    side: int
    top1: float
    parameters: int
    licence: str
    citation: str
    homepage: str
    verified: bool
    files: tuple[WeightsFile, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    classifier: str | None = None


def entries() -> dict[str, Entry]:
    """Every pretrained network by its name, in the order of catalog.toml."""
    text = (files("imagewise.backbones") / "catalog.toml").read_text(encoding="utf-8")
    return {name: _entry(name, fields) for name, fields in tomllib.loads(text).items()}


def entry(name: str) -> Entry:
    """The entry of that name. Raises ModelError, with the nearest names, for an unknown name."""
    known = entries()
    if name not in known:
        raise ModelError(
            f"no backbone is called {name!r}.{did_you_mean(name, known)} There are {', '.join(known)}; the path of an "
            "ONNX file is another way to name one."
        )
    return known[name]


def _entry(name: str, fields: dict[str, Any]) -> Entry:
    held = tuple(WeightsFile(**(file | {"urls": tuple(file.get("urls", ()))})) for file in fields["files"])
    lists = {name: tuple(fields[name]) for name in ("features", "mean", "std")}
    return Entry(name=name, **(fields | lists | {"files": held}))
