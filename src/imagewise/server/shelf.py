"""The models that are served, by name; a file replaced on disk takes the place of the old one between two requests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imagewise.errors import ImagewiseError, ModelError
from imagewise.model import Model, shipped_model

LOOK_SECONDS = 1.0  # between two looks at the files


@dataclass(frozen=True)
class ServedModel:
    """One state of a model file.

    Attributes:
        name: what requests call it.
        version: the first 12 hex digits of the file's SHA-256.
        model: opened and warmed up.
        path: of the file.
        size: of it, in bytes.
    """

    name: str
    version: str
    model: Model
    path: Path
    size: int


def named_files(models: Iterable[str]) -> dict[str, Path]:
    """`NAME=FILE` or `FILE` to files by name; none at all: the digits that ship.

    A file's name is its stem, or its folder's where it is called model.onnx.

    Raises:
        ModelError: two of the same name.
    """
    found: dict[str, Path] = {}
    for entry in models:
        name, equals, rest = entry.partition("=")
        path = Path(rest if equals and not Path(entry).exists() else entry)
        if path == Path(entry):
            name = path.resolve().parent.name if path.stem == "model" else path.stem
        if name in found:
            raise ModelError(f"two models called {name}: {found[name]} and {path}. Name one: --model OTHER={path}.")
        if not name or "/" in name:
            raise ModelError(f"{entry}: {name!r} cannot stand in an address. Name it: --model NAME={path}.")
        found[name] = path
    return found or {"digits": shipped_model()}


class Shelf:
    """Opens models, hands them out by name, and looks whether their files have changed.

    Args:
        files: by name; the first is what requests that name none are answered by.
        threads: onnxruntime's, a run.
        tell: is told of a change: event and fields.

    Raises:
        ModelError: a file is not a model of ours.
    """

    def __init__(self, files: Mapping[str, Path], threads: int, tell: Callable[..., None]) -> None:
        self._files = dict(files)
        self._threads = threads
        self._tell = tell
        self._stamps = {name: _stamp(path) for name, path in self._files.items()}
        self._models = {name: open_model(name, path, threads) for name, path in self._files.items()}
        self.default = next(iter(self._files))

    @property
    def names(self) -> tuple[str, ...]:
        """Of all models."""
        return tuple(self._models)

    def get(self, name: str | None) -> ServedModel | None:
        """The model of that name as it is now, the first one where it is None; None where there is no such."""
        return self._models.get(name or self.default)

    async def watch(self) -> None:
        """Look at the files for ever. A file that cannot be opened leaves the old model where it is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name, path in self._files.items():
                stamp = _stamp(path)
                if stamp is None or stamp == self._stamps[name]:
                    continue
                self._stamps[name] = stamp
                await self._replace(name, path)

    async def _replace(self, name: str, path: Path) -> None:
        try:
            opened = await asyncio.to_thread(partial(open_model, name, path, self._threads))
        except ImagewiseError as error:
            self._tell("model_not_replaced", level="warning", model=name, reason=str(error))
            return
        self._models[name] = opened
        self._tell("model_replaced", model=name, version=opened.version)


def open_model(name: str, path: Path, threads: int) -> ServedModel:
    """Open a file and run it once, which allocates what later runs need. Raises ModelError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}. Check the path.") from error
    model = Model.from_bytes(content, str(path), threads)
    model.predict_batch(np.zeros((1, *model.framing.shape), dtype=np.uint8))
    return ServedModel(name, hashlib.sha256(content).hexdigest()[:12], model, path, len(content))


def _stamp(path: Path) -> Any:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
