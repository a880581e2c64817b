"""Wrong command lines: exit 2, one line in imagewise's own words, which names what is wrong and the help."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import refused, run

BORROWED = ("Input should", "Value error", "Invalid value", "Usage:", "Error:", "None", "pydantic", "Got unexpected")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of a command that wrongly succeeds lands in the project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 0], ["--epochs", "1"]),
        (["--epochs", "x"], ["--epochs", "'x'"]),
        (["--epochs", "1.5"], ["--epochs", "'1.5'"]),
        (["--epochs", ""], ["--epochs", "''"]),
        (["--epochs"], ["--epochs"]),
        (["--batch-size", -1], ["--batch-size", "1"]),
        (["--learning-rate", 0], ["--learning-rate", "above 0"]),
        (["--learning-rate", -0.1], ["--learning-rate", "above 0"]),
        (["--learning-rate", "nan"], ["--learning-rate", "above 0"]),
        (["--learning-rate", "inf"], ["--learning-rate", "above 0"]),
        (["--learning-rate", "fast"], ["--learning-rate", "'fast'"]),
        (["--seed", -1], ["--seed", "0"]),
        (["--engine", "abacus"], ["--engine", "'abacus'", "'pytorch'"]),
        (["--device", "tpu"], ["--device", "'tpu'", "'auto', 'cpu', 'cuda'"]),
        (["--unknown"], ["--unknown"]),
        (["--epoch", 3], ["--epoch", "Did you mean '--epochs'?"]),
        (["--offline=3"], ["--offline"]),
        (["mnist"], ["mnist"]),
        (["mnist", "kmnist"], ["mnist kmnist"]),
    ],
)
def test_a_wrong_option_of_train_is_named(options: list[object], words: list[str]) -> None:
    result = run("train", "digits", *options)
    refused(result, *words, "imagewise train --help")
    one_line_of_ours(result.stderr)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["evaluate", "m.onnx", "digits", "--split", "tset"], ["--split", "'tset'", "'validation'"]),
        (["evaluate", "m.onnx"], ["DATA"]),
        (["show", "digits", "--split", "all"], ["--split", "'train'"]),
        (["show"], ["DATA"]),
        (["predict"], ["PICTURE"]),
        (["predict", "a.png", "--top", 0], ["--top", "1"]),
        (["predict", "a.png", "--json", "--csv"], ["--json and --csv"]),
        (["predict", "a.png", "--boxes", "b"], ["--boxes", "--segment"]),
        (["info"], ["MODEL"]),
        (["export", "m.onnx"], ["--to", "saved-model, litert, onnx-int8, web"]),
        (["export", "m.onnx", "a", "--to", "web", "--out", "b"], ["a", "--out b"]),
        (["serve", "--port", 99999], ["--port", "65535"]),
        (["serve", "--workers", 0], ["--workers", "1"]),
        (["data", "fetch"], ["NAME"]),
        (["info", ""], ["an argument: ''"]),
        (["train", ""], ["an argument: ''"]),
        (["train", "digits", "--out", ""], ["--out: ''"]),
        (["train", "digits", "--out="], ["--out: ''"]),
        (["evaluate", "", "digits"], ["an argument: ''"]),
        (["predict", "a.png", "--model", ""], ["--model: ''"]),
        (["serve", "--host", ""], ["--host: ''"]),
    ],
)
def test_a_wrong_command_line_is_refused_by_what_is_wrong(command: list[object], words: list[str]) -> None:
    result = run(*command)
    refused(result, *words, f"imagewise {command[0]}", "--help")
    one_line_of_ours(result.stderr)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["trian"], ["'trian'", "Did you mean 'train'?", "imagewise --help"]),
        (["xyz"], ["'xyz'", "imagewise --help"]),
        (["data", "lst"], ["'lst'", "Did you mean 'list'?", "imagewise data --help"]),
        (["--unknown"], ["--unknown", "imagewise --help"]),
        (["-x"], ["-x", "imagewise --help"]),
    ],
)
def test_an_unknown_command_or_option_is_named_with_the_nearest(command: list[object], words: list[str]) -> None:
    result = run(*command)
    refused(result, *words)
    one_line_of_ours(result.stderr)


def test_what_is_wrong_cannot_steer_the_terminal() -> None:
    for command in (["\x1b[2J"], ["train", "--\x1b[2J"], ["train", "--epochs", "\x1b[2J"], ["train", "a", "\x1b[2J"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "[2J" in result.stderr
        assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["predict", "a.png"], ["a.png", "no such file"]),
        (["recipes", "convnett"], ["'convnett'", "'convnet'"]),
    ],
)
def test_what_is_not_there_is_named(command: list[object], words: list[str]) -> None:
    refused(run(*command), *words)


def one_line_of_ours(stderr: str) -> None:
    assert stderr.startswith("imagewise: error: ")
    assert stderr.count("\n") == 1
    for words in BORROWED:
        assert words not in stderr
