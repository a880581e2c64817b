"""The repository of models: a file that is replaced, and one that cannot be opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewise.errors import ModelError
from imagewise.server import models
from imagewise.server.models import ModelRepository, ServedModel
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
    opened = models.open_model

    def fail(*_: Any) -> ServedModel:
        raise error

    async def main() -> None:
        events: list[tuple[str, dict[str, Any]]] = []
        repository = ModelRepository({"m": path}, 1, lambda event, **fields: events.append((event, fields)))
        old = repository.models
        watching = asyncio.create_task(repository.watch())
        monkeypatch.setattr(models, "open_model", fail)
        path.write_bytes(b"no model")
        await until(lambda: len(events) == 1)
        assert events[0][0] == "model_not_replaced"
        assert "m.onnx" in events[0][1]["reason"]
        assert repository.models == old
        monkeypatch.setattr(models, "open_model", opened)
        model_with(path, class_names=WORDS)
        await until(lambda: len(events) == 2)
        assert events[1][0] == "model_replaced"
        assert repository.get("m") is repository.get(None)
        assert repository.models[0].model.class_names == WORDS
        watching.cancel()

    monkeypatch.setattr(models, "POLL_SECONDS", 0.01)
    asyncio.run(main())
