"""A user without a home folder, as in containers that run under a bare number: everything works without a cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from imagewise.cli.app import app
from imagewise.data.loading import load_data
from imagewise.errors import DataError

Draw = Callable[..., Path]


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_home(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory for '~/.cache'")

    monkeypatch.setattr("platformdirs.user_cache_path", no_home)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    for number in range(6):
        draw(tmp_path / "pets" / "cat" / f"{number}.png", seed=number)
        draw(tmp_path / "pets" / "dog" / f"{number}.png", seed=100 + number)
    return tmp_path / "pets"


def test_a_folder_is_shown_and_trained_on(pets: Path) -> None:
    shown = run("show", pets)
    assert shown.exit_code == 0, shown.stderr
    trained = run("train", pets, "--recipe", "perceptron", "--epochs", 1, "--no-report", "--out", "run")
    assert trained.exit_code == 0, trained.stderr
    assert Path("run", "model.onnx").is_file()


def test_a_framing_is_chosen_each_time_and_the_pictures_are_the_same(pets: Path) -> None:
    first, second = load_data(pets), load_data(pets)
    assert first.notices == second.notices
    assert first.fingerprint == second.fingerprint


def test_the_named_sets_are_listed_and_the_cache_is_empty() -> None:
    assert run("data", "list").exit_code == 0
    cleared = run("data", "clear-cache")
    assert cleared.exit_code == 0
    assert "freed 0.0 MB" in cleared.stdout


def test_without_data_the_sample_of_mnist_is_taken_and_it_is_said_why() -> None:
    data = load_data()
    assert data.name == "mnist-sample"
    assert "cannot write" in data.notices[0]


def test_a_path_in_a_home_folder_that_nobody_has_is_not_found() -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        load_data("~/pictures/of mine")
