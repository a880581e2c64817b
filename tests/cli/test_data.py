"""`imagewise show` and `imagewise data`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from command_line import run
from imagewise.errors import DownloadError


def test_show_counts_and_writes_a_contact_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    result = run("show", "digits")
    assert result.exit_code == 0
    assert "class  train  validation  test" in result.stdout
    assert re.search(r"^total   1437         171   189$", result.stdout, re.MULTILINE)
    with Image.open("digits-contact-sheet.png") as sheet:
        assert sheet.format == "PNG"
    values = json.loads(run("show", "digits", "--split", "test", "--out", "sheet.png", "--json").stdout)
    assert values["counts"]["test"]["0"] == 20
    assert values["shape"] == [28, 28, 1]
    assert values["skipped"] == []
    assert Path(values["contact_sheet"]).exists()


def test_data_lists_the_named_sets() -> None:
    values = json.loads(run("data", "list", "--json").stdout)
    assert [entry["name"] for entry in values] == [
        "mnist",
        "fashion-mnist",
        "kmnist",
        "cifar10",
        "emnist-letters",
        "emnist-balanced",
        "mnist-sample",
        "digits",
    ]
    assert values[-1]["place"] == "imagewise"
    assert len(run("data", "list").stdout.splitlines()) == 9


def test_data_fetch_and_verify_of_what_is_here_say_so() -> None:
    assert run("data", "fetch", "digits").stdout.startswith("digits  ")
    result = run("data", "verify", "digits", "--json")
    assert result.exit_code == 0
    assert [(entry["set"], entry["ok"]) for entry in json.loads(result.stdout)] == [("digits", True)]


def test_data_verify_is_exit_1_where_a_file_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(b"not these")
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    result = run("data", "verify", "mnist")
    assert result.exit_code == 1
    states = [line.split()[1] for line in result.stdout.splitlines()]
    assert states == ["state", "WRONG", "WRONG", "WRONG", "WRONG"]
    assert "missing" in result.stdout


def test_a_download_that_fails_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DownloadError("kmnist: no mirror serves it. Try again later.")

    monkeypatch.setattr("imagewise.data.named_sets.fetch", fail)
    result = run("data", "fetch", "kmnist")
    assert (result.exit_code, result.stderr) == (1, "imagewise: error: kmnist: no mirror serves it. Try again later.\n")
