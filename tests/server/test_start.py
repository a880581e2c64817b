"""What a server cannot start with is said in one line, exit 2; and how models get their names."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.errors import ModelError
from imagewise.model.model import shipped_model
from imagewise.server.models import parse_model_arguments
from running_servers import model_with


def refused(*arguments: object) -> str:
    """What `imagewise serve` says."""
    result = CliRunner().invoke(app, ["serve", *map(str, arguments)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_cannot_be_opened_is_named(tmp_path: Path, workers: int) -> None:
    missing = tmp_path / "missing.onnx"
    said = refused("--model", missing, "--port", 0, "--workers", workers)
    assert "missing.onnx" in said
    assert "http://" not in said
    (tmp_path / "text.onnx").write_text("no model")
    assert "text.onnx: not a model file" in refused("--model", tmp_path / "text.onnx", "--port", 0)


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused("--port", taken.getsockname()[1])
    assert "Choose another --port" in said


def test_a_host_that_is_none_is_said_to_be() -> None:
    assert "cannot listen on" in refused("--host", "nowhere.invalid", "--port", 0)


def test_a_folder_of_runs_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    said = refused("--runs", tmp_path / "missing", "--port", 0)
    assert "missing" in said
    assert "http://" not in said


def test_models_are_called_by_their_files_or_as_asked(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    run = model_with(tmp_path / "run" / "model.onnx")
    plain = model_with(tmp_path / "plain.onnx")
    with_equals = model_with(tmp_path / "a=b.onnx")
    assert parse_model_arguments([]) == {"digits": shipped_model()}
    assert parse_model_arguments([str(run), str(plain), f"mine={plain}", str(with_equals)]) == {
        "run": run,
        "plain": plain,
        "mine": plain,
        "a=b": with_equals,
    }


def test_a_run_is_served_by_its_folder_its_name_and_as_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "flowers").mkdir(parents=True)
    model_with(tmp_path / "runs" / "flowers" / "model.onnx")
    file = Path("runs/flowers/model.onnx")
    for named in ("runs/flowers", "flowers", "latest"):
        assert parse_model_arguments([named]) == {"flowers": file}, named
        assert parse_model_arguments([f"mine={named}"]) == {"mine": file}, named
    assert "flowers" in refused("--model", "flower", "--port", 0)


def test_names_that_clash_or_cannot_stand_in_an_address_are_refused(tmp_path: Path) -> None:
    plain = model_with(tmp_path / "plain.onnx")
    with pytest.raises(ModelError, match="two models called plain"):
        parse_model_arguments([str(plain), f"plain={shipped_model()}"])
    for name in ("", "a/b"):
        with pytest.raises(ModelError, match="cannot be part of an address"):
            parse_model_arguments([f"{name}={plain}"])
