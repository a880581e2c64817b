"""The served models by name. A file that is replaced on disk replaces its model between two requests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from imagewise.errors import ImagewiseError, ModelError
from imagewise.model.locating import locate_model
from imagewise.model.model import Model, shipped_model
from imagewise.server.stamps import file_stamp

POLL_SECONDS = 1.0  # between two looks at the files


@dataclass(frozen=True)
class ServedModel:
    """One state of a model file.

    Attributes:
        name: by which requests ask for it.
        version: first 12 hex digits of the file's SHA-256.
        model: opened and warmed up.
        path: of the file.
        size: of the file in bytes.
    """

    name: str
    version: str
    model: Model
    path: Path
    size: int


def parse_model_arguments(models: Iterable[str]) -> dict[str, Path]:
    """Files by name, from `NAME=MODEL` or `MODEL` as `locate_model` takes it; without any, the built-in digit model.

    A model without a name gets its file's stem, or its folder's name if the file is called model.onnx.

    Raises:
        ModelError: there is no such model, two have the same name, or a name cannot be part of an address.
    """
    found: dict[str, Path] = {}
    for argument in models:
        name, equals, rest = argument.partition("=")
        named = bool(equals) and not Path(argument).exists()
        path = locate_model(rest if named else argument)
        if not named:
            name = path.resolve().parent.name if path.stem == "model" else path.stem
        if name in found:
            raise ModelError(f"two models called {name}: {found[name]} and {path}. Name one: --model OTHER={path}.")
        if not name or "/" in name:
            raise ModelError(f"{argument}: {name!r} cannot be part of an address. Name it: --model NAME={path}.")
        found[name] = path
    return found or {"digits": shipped_model()}


class ModelRepository:
    """Opens models, hands them out by name, and watches their files for changes.

    Args:
        files: by name; the first one answers requests that name no model.
        threads: of onnxruntime for one run.
        log: called with an event and its fields when a file has changed.

    Attributes:
        default: name of the first model.

    Raises:
        ModelError: a file is not a model of ours.
    """

    def __init__(self, files: Mapping[str, Path], threads: int, log: Callable[..., None]) -> None:
        self._files = dict(files)
        self._threads = threads
        self._log = log
        self._stamps = {name: file_stamp(path) for name, path in self._files.items()}
        self._models = {name: open_model(name, path, threads) for name, path in self._files.items()}
        self.default = next(iter(self._files))

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """All models as they are now, in the order they were given."""
        return tuple(self._models.values())

    def get(self, name: str | None) -> ServedModel | None:
        """The model of that name as it is now, or the first one for None. None if there is no such model."""
        return self._models.get(name or self.default)

    async def watch(self) -> None:
        """Look at the files once a second, for ever. A file that cannot be opened leaves the old model in its place."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for name, path in self._files.items():
                stamp = file_stamp(path)
                if stamp is None or stamp == self._stamps[name]:
                    continue
                self._stamps[name] = stamp
                await self._replace(name, path)

    async def _replace(self, name: str, path: Path) -> None:
        try:
            opened = await asyncio.to_thread(partial(open_model, name, path, self._threads))
        except Exception as error:  # whatever a strange file raises, later ones are to be noticed
            reason = str(error) if isinstance(error, ImagewiseError) else f"{path}: {error!r}"
            self._log("model_not_replaced", level="warning", model=name, reason=reason)
            return
        self._models[name] = opened
        self._log("model_replaced", model=name, version=opened.version)


def open_model(name: str, path: Path, threads: int) -> ServedModel:
    """Open a file and run it once, which allocates what later runs need. Raises ModelError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}. Check the path.") from error
    model = Model.from_bytes(content, str(path), threads)
    model.predict_batch(np.zeros((1, *model.framing.shape), dtype=np.uint8))
    return ServedModel(name, hashlib.sha256(content).hexdigest()[:12], model, path, len(content))
