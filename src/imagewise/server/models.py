"""The served models by name. A file that is replaced on disk replaces its model between two requests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imagewise.atomic import write_atomically
from imagewise.errors import ImagewiseError, ModelError, OutputError
from imagewise.model.locating import locate_model
from imagewise.model.model import Model, shipped_model
from imagewise.server.stamps import Stamp, file_stamp
from imagewise.server.trial import MODEL_SECONDS, run_once, try_model

POLL_SECONDS = 1.0  # between two looks at the files
_MOST_BYTES = 2**31  # of a file, as ONNX itself has it


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
    """Opens models, hands them out by name, and watches their files for changes. To be made by `open`.

    A file is tried in a process of its own before it is opened here. One that fails there changes nothing.

    Args:
        files: by name; the first one answers requests that name no model.
        opener: opens files.
        log: called with an event and its fields when a file has changed.

    Attributes:
        default: name of the first model.
    """

    def __init__(self, files: Mapping[str, Path], opener: ModelOpener, log: Callable[..., None]) -> None:
        self._files = dict(files)
        self._opener = opener
        self._log = log
        self._stamps: dict[str, Stamp | None] = {}
        self._models: dict[str, ServedModel] = {}
        self.default = next(iter(self._files))

    @classmethod
    async def open(cls, files: Mapping[str, Path], opener: ModelOpener, log: Callable[..., None]) -> ModelRepository:
        """Open all models. A file that fails now is served as it was when it last opened, if that was kept.

        Raises:
            ModelError: a file is not a model of ours, and no earlier state of it was kept.
        """
        repository = cls(files, opener, log)
        for name, path in repository._files.items():
            repository._stamps[name] = file_stamp(path)
            try:
                first = (
                    open_model(name, path, opener.threads) if opener.folder is None else await opener.open(name, path)
                )
                repository._models[name] = first
            except Exception as error:
                kept = opener.kept(name)
                if kept is None:
                    raise
                log("model_not_replaced", level="warning", model=name, reason=_reason(path, error))
                repository._models[name] = opener.open_content(name, path, kept)
        return repository

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
            opened = await self._opener.open(name, path)
        except Exception as error:  # whatever a strange file raises, later ones are to be noticed
            self._log("model_not_replaced", level="warning", model=name, reason=_reason(path, error))
            return
        self._models[name] = opened
        self._log("model_replaced", model=name, version=opened.version)


@dataclass(frozen=True)
class ModelOpener:
    """Opens model files, after a trial in another process.

    Attributes:
        threads: of onnxruntime for one run.
        seconds: until a file has been opened and run.
        folder: where the content of files that opened is kept for workers that start later; None: nowhere.
    """

    threads: int = 1
    seconds: float = MODEL_SECONDS
    folder: Path | None = None

    async def open(self, name: str, path: Path) -> ServedModel:
        """Try a file, keep its content, and open it. Raises ModelError."""
        content = await self.try_file(name, path)
        return await asyncio.to_thread(self.open_content, name, path, content)

    async def try_file(self, name: str, path: Path) -> bytes:
        """Content of a file that passes, which is kept. Raises ModelError."""
        content = await asyncio.to_thread(read_model_file, path)
        if content != await asyncio.to_thread(self.kept, name):
            await try_model(path, content, self.seconds)
            await asyncio.to_thread(self._keep, name, content)
        return content

    def open_content(self, name: str, path: Path, content: bytes) -> ServedModel:
        """Open content that has passed. Raises ModelError."""
        model = run_once(content, str(path), self.threads)
        return ServedModel(name, hashlib.sha256(content).hexdigest()[:12], model, path, len(content))

    def kept(self, name: str) -> bytes | None:
        """Content of the last file of that name that opened, if it was kept."""
        if self.folder is None:
            return None
        try:
            return self._place(name).read_bytes()
        except FileNotFoundError:
            return None

    def _keep(self, name: str, content: bytes) -> None:
        if self.folder is not None:
            with suppress(OutputError):  # a full disk: only workers that start while the file is broken miss it
                write_atomically(self._place(name), content)

    def _place(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def open_model(name: str, path: Path, threads: int = 1) -> ServedModel:
    """Open a file without a trial. Raises ModelError."""
    return ModelOpener(threads).open_content(name, path, read_model_file(path))


def read_model_file(path: Path) -> bytes:
    """Content of a model file. Raises ModelError if it is missing, not a file (a pipe never ends), or too large."""
    try:
        if path.exists() and not path.is_file():
            raise ModelError(f"{path}: not a file. Name a model file.")
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path}: larger than {_MOST_BYTES // 2**30} GiB. Name a model file.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}. Check the path.") from error


def _reason(path: Path, error: Exception) -> str:
    return str(error) if isinstance(error, ImagewiseError) else f"{path}: {error!r}"
