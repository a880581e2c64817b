"""One server and one browser for all tests that need nothing special of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from browsing import CHROMIUM, QUIET
from conftest import make_tiny_dataset
from engine_runs import a_plan
from imagewise.model import shipped_model
from imagewise.training import TrainingCallbacks, execute
from running_servers import WORDS, RunningServer, model_with, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of training runs that `server` shows. In it: `first`, finished, by an engine without a framework."""
    folder = tmp_path_factory.mktemp("runs")
    execute(a_plan(make_tiny_dataset(), folder / "first"), TrainingCallbacks())
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, runs: Path) -> Iterator[RunningServer]:
    """Serves `digits`, which ships; `words`, the same with its classes spelt out; `whole`, which frames as `photo`;
    `first`, the model of the run."""
    folder = tmp_path_factory.mktemp("served")
    words = model_with(folder / "words.onnx", class_names=WORDS)
    framing = {"kind": "photo", "height": 28, "width": 28, "channels": 1}
    whole = model_with(folder / "other.onnx", framing=framing)
    models = [f"digits={shipped_model()}", str(words), f"whole={whole}", str(runs / "first" / "model.onnx")]
    with running("--runs", str(runs), *(argument for model in models for argument in ("--model", model))) as started:
        yield started


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=20) as opened:
        yield opened


@pytest.fixture(scope="module")  # no longer: while it is open nothing else here can run an event loop
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium (apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (make setup)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()
