"""One short training that the tests of the command line share. They read what it left and change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import Result

from command_line import run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run's folder, and what `train` printed."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    return folder, run("train", "digits", "--recipe", "perceptron", "--epochs", 3, "--out", folder)


@pytest.fixture(scope="session")
def model(trained: tuple[Path, Result]) -> Path:
    return trained[0] / "model.onnx"
