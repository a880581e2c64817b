"""The repository of models: a file that is replaced, and one that cannot be opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewise.errors import ModelError
from imagewise.server import models
from imagewise.server.models import ModelOpener, ModelRepository, ServedModel
from running_servers import PATIENCE, WORDS, model_with


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("error", [ModelError("m.onnx: damaged."), RecursionError(), MemoryError(), TypeError("28.0")])
def test_whatever_a_new_file_raises_the_old_model_stays_and_the_next_file_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = model_with(tmp_path / "m.onnx")
    tried: list[Exception | None] = [error, None]

    async def trial(*_: Any) -> None:
        failure = tried.pop(0)
        if failure is not None:
            raise failure

    async def main() -> None:
        events: list[tuple[str, dict[str, Any]]] = []
        repository = await ModelRepository.open(
            {"m": path}, ModelOpener(), lambda event, **fields: events.append((event, fields))
        )
        old = repository.models
        watching = asyncio.create_task(repository.watch())
        path.write_bytes(b"no model")
        await until(lambda: len(events) == 1)
        assert events[0][0] == "model_not_replaced"
        assert "m.onnx" in events[0][1]["reason"]
        assert repository.models == old
        model_with(path, class_names=WORDS)
        await until(lambda: len(events) == 2)
        assert events[1][0] == "model_replaced"
        assert repository.get("m") is repository.get(None)
        assert repository.models[0].model.class_names == WORDS
        watching.cancel()

    monkeypatch.setattr(models, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(models, "try_model", trial)
    asyncio.run(main())


def test_what_opened_is_kept_and_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_with(tmp_path / "m.onnx", class_names=WORDS)
    tried: list[Path] = []

    async def trial(path: Path, content: bytes, _: float) -> None:
        tried.append(path)
        if content == b"no model":
            raise ModelError("m.onnx: damaged.")

    monkeypatch.setattr(models, "try_model", trial)
    opener = ModelOpener(folder=tmp_path / "kept")

    async def served() -> ServedModel:
        return (await ModelRepository.open({"a/ü": path}, opener, lambda *_, **__: None)).models[0]

    first = asyncio.run(served())
    assert (asyncio.run(served()).version, len(tried)) == (first.version, 1)
    path.write_bytes(b"no model")
    assert (asyncio.run(served()).version, len(tried)) == (first.version, 2)
    path.unlink()
    assert (asyncio.run(served()).version, len(tried)) == (first.version, 2)
    with pytest.raises(ModelError):
        asyncio.run(ModelRepository.open({"m": path}, opener, lambda *_, **__: None))
