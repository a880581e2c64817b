"""One server for all tests that change nothing of it. A test that counts or changes something takes a server of its own
(`in_process`) and `own_runs`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conftest import make_tiny_dataset
from engine_runs import a_plan
from imagewise.model.model import shipped_model
from imagewise.training.run import TrainingCallbacks, execute
from running_servers import WORDS, RunningServer, model_with, running


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of training runs that `server` shows, to be read only. In it: `first`, finished, by an engine without
    a framework."""
    folder = tmp_path_factory.mktemp("runs")
    execute(a_plan(make_tiny_dataset(), folder / "first"), TrainingCallbacks())
    return folder


@pytest.fixture
def own_runs(runs: Path, tmp_path: Path) -> Path:
    """A copy of `runs` that a test may change."""
    return shutil.copytree(runs, tmp_path / "runs")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, runs: Path) -> Iterator[RunningServer]:
    """Serves `digits`, which ships; `words`, the same with its classes spelt out; `whole`, which frames as `photo`;
    `first`, the model of the run."""
    folder = tmp_path_factory.mktemp("served")
    words = model_with(folder / "words.onnx", class_names=WORDS)
    framing = {"kind": "photo", "height": 28, "width": 28, "channels": 1}
    whole = model_with(folder / "other.onnx", framing=framing, metrics={})
    models = [f"digits={shipped_model()}", str(words), f"whole={whole}", str(runs / "first" / "model.onnx")]
    with running("--runs", str(runs), *(argument for model in models for argument in ("--model", model))) as started:
        yield started


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=20) as opened:
        yield opened
