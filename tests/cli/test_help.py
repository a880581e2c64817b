"""Help at any width, completion, `--quiet`, `--verbose`, `--open`; wrong recipes and models of others in own words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from command_line import refused, run
from imagewise.cli.app import app
from imagewise.errors import RecipeError
from imagewise.training.recipes.files import load_recipe, parse_setting

BORROWED = ("Input should", "input should", "Value error", "pydantic", "valid integer", "validation error")


def names() -> Iterator[tuple[str, ...]]:
    group: Any = typer.main.get_command(app)
    yield ()
    for name, command in group.commands.items():
        yield (name,)
        for inner in getattr(command, "commands", {}):
            yield (name, inner)


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("words", list(names()), ids=" ".join)
def test_help_fits_the_terminal_and_cuts_nothing(
    words: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit):  # Typer's runner forces a width
        app([*words, "--help"])
    text, _, examples = capsys.readouterr().out.partition("  Examples:\n")
    assert max(map(len, text.splitlines())) <= width
    assert max(map(len, examples.splitlines())) <= 80
    assert "<str>" not in text
    assert "..." not in text.replace("[ARGS]...", "").replace("PICTURE...", "").replace("NAME...", "").replace(
        " ...", ""
    )


@pytest.mark.parametrize(
    ("words", "completions"),
    [("imagewise tra", "train"), ("imagewise train --dev", "--device"), ("imagewise data cle", "clear-cache")],
)
def test_bash_and_zsh_complete_commands_and_options(words: str, completions: str) -> None:
    about = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_TYPER_COMPLETE_ARGS": words}
    for shell in ("bash", "zsh"):
        environment = os.environ | about | {"_IMAGEWISE_COMPLETE": f"complete_{shell}"}
        done = subprocess.run(
            [sys.executable, "-m", "imagewise"], env=environment, capture_output=True, text=True, check=True
        )
        assert completions in done.stdout
        assert done.stderr == ""


def test_completion_is_offered() -> None:
    assert {"--install-completion", "--show-completion"} <= set(run("--help").stdout.split())


# ---- --quiet and --verbose


@pytest.mark.parametrize("form", [["predict", "-q"], ["-q", "predict"], ["predict", "--quiet"]])
def test_quiet_leaves_results_and_errors(form: list[str], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    result = run(*form, tmp_path)
    assert str(tmp_path / "blank.png") in result.stdout
    assert [line[:17] for line in result.stderr.splitlines()] == ["imagewise: error:"]
    assert len(run("predict", tmp_path).stderr.splitlines()) > 1  # and it does not last


def test_verbose_names_versions_and_folders(tmp_path: Path) -> None:
    stderr = run("data", "list", "-v").stderr
    for word in ("imagewise ", "Python ", "cache", "IMAGEWISE_DATA"):
        assert word in stderr
    assert run("data", "list").stderr == ""
    refused(run("data", "list", "-v", "-q"), "--quiet", "--verbose")


# ---- --open


def test_open_shows_the_report(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    report = tmp_path / "a report.html"
    assert run("evaluate", model, "digits", "--report", report, "--open").exit_code == 0
    assert opened == [report.as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert str(report) in run("evaluate", model, "digits", "--report", report, "--open").stderr


def test_open_without_a_report_is_refused() -> None:
    refused(run("evaluate", "model.onnx", "digits", "--open"), "--open", "--report")
    refused(run("train", "digits", "--no-report", "--open"), "--open", "--no-report")


# ---- wrong recipes, other models


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("epochs=x", ["epochs", "whole number", "'x'"]),
        ("epochs=0", ["epochs", "at least 1", "0"]),
        ("augment.rotate=200", ["augment.rotate", "at most 180", "200"]),
        ("augment=5", ["augment"]),
        ("keep=first", ["keep", "'best' or 'last'", "'first'"]),
        ("label_smoothing=1", ["label_smoothing", "below 1"]),
        ("optimizer.learning_rate=0", ["learning_rate", "above 0"]),
        ("optimizer.learning_rate=nan", ["learning_rate", "finite"]),
        ("name=3", ["name", "text", "3"]),
        ("optimizer.nesterov=maybe", ["optimizer.nesterov"]),
    ],
)
def test_a_wrong_setting_is_a_sentence_with_field_value_and_what_is_allowed(setting: str, words: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("perceptron").override(dict([parse_setting(setting)]))
    for word in words:
        assert word in str(caught.value)
    for word in BORROWED:
        assert word not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["epochs = 'ten'\n", "batch_size = 0\n", "[network]\nname = 3\n", "seed = 1.5\n", "surprise = 1\n"]
)
def test_a_wrong_recipe_file_is_told_in_own_words(content: str, tmp_path: Path) -> None:
    (path := tmp_path / "mine.toml").write_text(content)
    result = run("train", "digits", "--recipe", path, "--out", tmp_path / "run")
    refused(result, path)
    for word in BORROWED:
        assert word not in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('class_weights."a=b"=2', ("class_weights.a=b", 2)),
        ("class_weights.'x = \"y\"' = 0.5", ('class_weights.x = "y"', 0.5)),
        ("class_weights.rose=3", ("class_weights.rose", 3)),
        ("class_weights=auto", ("class_weights", "auto")),
    ],
)
def test_the_weight_of_any_class_can_be_set(text: str, expected: tuple[str, float | str]) -> None:
    assert parse_setting(text) == expected


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("keras_model.h5", b"\x89HDF\r\n\x1a\n", "Keras"),
        ("model.bin", b"\x89HDF\r\n\x1a\n", "Keras"),
        ("model.tflite", b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
        ("best.pt", b"PK\x03\x04", "PyTorch"),
        ("weights.pth", b"\x80\x02", "PyTorch"),
        ("saved_model.pb", b"\x08\x01", "TensorFlow"),
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0{}", "weights"),
    ],
)
def test_a_model_of_another_program_is_named_for_what_it_is(
    name: str, content: bytes, kind: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    refused(run("predict", "a.png", "--model", tmp_path / name), name, kind, "imagewise train")
    refused(run("info", tmp_path / name), name, kind)


@pytest.mark.parametrize(
    ("command", "sections"),
    [
        ("train", ["Arguments", "Training", "Output", "Data", "Options"]),
        ("predict", ["Arguments", "Recognition", "Output", "Options"]),
        ("serve", ["Models", "Server", "Options"]),
    ],
)
def test_options_are_in_sections_each_once(command: str, sections: list[str]) -> None:
    lines = run(command, "--help").stdout.splitlines()
    assert [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")] == sections
    options = [line.split()[0].rstrip(",") for line in lines if line.startswith("  -")]
    assert len(options) == len(set(options))
