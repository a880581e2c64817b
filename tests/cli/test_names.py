"""Class and file names of any kind: printed so that they can be read, and never the end of a command."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import WAIT_SECONDS, run, start
from contract import a_network, random_weights, write_model
from imagewise.networks.layers import Dense, Flatten
from terminal import Terminal

NAMES = ("猫", "naïve", "🐶")
STEERING = "\x1b]0;owned\x07\x1b[2Jcat\r\u202e\u009b"
NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))
NOT_UTF8 = os.fsdecode(b"M\xfcller.png")
BYTE_NAMES = pytest.mark.skipif(sys.platform != "linux", reason="file names are not bytes here")


def a_model(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    return write_model(folder / "model.onnx", NETWORK, random_weights(NETWORK), class_names=names)


def a_picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(120, dtype=np.uint8).reshape(12, 10)).save(path, format="PNG")
    return path


def printed(*arguments: object, encoding: str) -> bytes:
    """The bytes on stdout of a command whose stdout has that encoding."""
    process = start(*arguments, text=False, env=os.environ | {"PYTHONIOENCODING": encoding})
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0, stderr.decode()
    assert isinstance(stdout, bytes)
    return stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_text_escapes_what_the_encoding_of_stdout_lacks(tmp_path: Path, encoding: str) -> None:
    model, picture = a_model(tmp_path), a_picture(tmp_path / "a.png")
    for command in (["info", model], ["predict", picture, "--model", model]):
        text = printed(*command, encoding=encoding).decode(encoding)
        assert "\\u732b" in text  # the cat
        assert "\\U0001f436" in text  # the dog
        assert ("naïve" if encoding == "cp1252" else "na\\xefve") in text


def test_json_and_csv_are_utf_8_whatever_the_encoding_of_stdout_is(tmp_path: Path) -> None:
    model, picture = a_model(tmp_path), a_picture(tmp_path / "猫.png")
    card = json.loads(printed("info", model, "--json", encoding="ascii").decode("utf-8"))
    assert tuple(card["class_names"]) == NAMES
    predict = ["predict", picture, "--model", model]
    answers = json.loads(printed(*predict, "--json", encoding="cp1252").decode("utf-8"))
    assert answers[0]["picture"] == str(picture)
    rows = list(csv.DictReader(io.StringIO(printed(*predict, "--csv", encoding="cp1252").decode("utf-8"))))
    assert rows[0]["picture"] == str(picture)
    assert rows[0]["label"] in NAMES


@BYTE_NAMES
@pytest.mark.parametrize("style", ["text", "--json", "--csv"])
def test_a_file_name_that_is_not_utf_8_is_escaped(tmp_path: Path, style: str) -> None:
    model = a_model(tmp_path)
    a_picture(tmp_path / "pictures" / NOT_UTF8)
    options = [] if style == "text" else [style]
    text = printed("predict", tmp_path / "pictures", "--model", model, *options, encoding="utf-8").decode("utf-8")
    assert "M\\udcfcller.png" in text
    if style == "--json":  # an escape in JSON is the name itself
        assert json.loads(text)[0]["picture"] == str(tmp_path / "pictures" / NOT_UTF8)


@BYTE_NAMES
def test_a_model_and_pictures_below_a_folder_that_is_not_utf_8_are_usable(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    model = a_model(folder)
    for name in NAMES:
        for number in range(2):
            a_picture(folder / "set" / name / f"{number}.png")
    assert "caf\\udce9" in run("info", model).stdout
    shown = run("show", folder / "set", "--out", folder / "sheet.png")
    assert (shown.exit_code, (folder / "sheet.png").exists()) == (0, True)
    scored = run("evaluate", model, folder / "set", "--report", folder / "report.html")
    assert scored.exit_code == 0, scored.stderr
    assert "caf\\udce9" in scored.stdout
    assert (folder / "report.html").read_text("utf-8").startswith("<!")


@BYTE_NAMES
def test_a_missing_file_that_is_not_utf_8_is_named_by_escapes(tmp_path: Path) -> None:
    result = run("info", tmp_path / NOT_UTF8)
    assert result.exit_code == 2
    assert "M\\udcfcller.png" in result.stderr


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    model = a_model(tmp_path, (STEERING, "b", "c"))
    picture = a_picture(tmp_path / "a.png")
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 12, 10), dtype=np.uint8), labels=np.array([STEERING, "b", "c"]))
    missing = tmp_path / f"{STEERING}.png"
    for command in (
        ["info", model],
        ["info", model, "--json"],
        ["predict", picture, missing, "--model", model],
        ["predict", picture, missing, "--model", model, "--json"],
        ["show", tmp_path / "a.npz", "--out", tmp_path / "sheet.png"],
        ["show", tmp_path / "a.npz", "--out", tmp_path / "sheet.png", "--json"],
        ["evaluate", model, tmp_path / "a.npz"],
    ):
        result = run(*command)
        assert result.exit_code in (0, 1), result.stderr
        assert "cat" in result.stdout
        for character in "\x1b\x07\r\u202e\u009b":
            assert character not in result.stdout + result.stderr, command
    assert json.loads(run("info", model, "--json").stdout)["class_names"][0] == STEERING


def test_csv_keeps_names_as_they_are_in_a_file_and_escapes_them_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        "predict",
        tmp_path / f"{STEERING}.png",
        a_picture(tmp_path / "a.png"),
        "--model",
        a_model(tmp_path),
        "--csv",
    ]
    rows = list(csv.DictReader(io.StringIO(run(*command).stdout, newline="")))
    assert rows[0]["picture"] == str(tmp_path / f"{STEERING}.png")
    from imagewise.cli.app import app

    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    with pytest.raises(SystemExit):
        app([str(argument) for argument in command])
    assert "cat" in terminal.getvalue()
    assert "\x1b" not in terminal.getvalue()
