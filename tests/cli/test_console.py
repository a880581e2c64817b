"""Results on stdout: columns that line up, JSON that parses, pictures only where a terminal can show them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_tiny_dataset
from imagewise.cli.console import counted, print_fact, print_json, print_table, printable
from imagewise.cli.print_data import print_checks, print_dataset, print_pictures, print_sets
from imagewise.data.named_sets import FileCheck
from imagewise.framing.framing import describe_size
from imagewise.model.summary import _layer_text
from terminal import Terminal


def test_sizes_are_width_by_height() -> None:
    assert describe_size((10, 20, 3)) == "20x10 colour"
    assert describe_size((28, 28, 1)) == "28x28 grey"


def test_one_of_a_kind_is_singular() -> None:
    assert counted(1, "picture") == "1 picture"
    assert counted(1437, "picture") == "1,437 pictures"
    assert counted(1, "class", "classes") == "1 class"
    assert counted(0, "class", "classes") == "0 classes"


@given(text=st.text())
def test_printable_text_is_one_line_that_utf_8_can_hold_and_json_reads_back(text: str) -> None:
    line = printable(text)
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8").decode("utf-8") == line
    quoted = printable(json.dumps(text, ensure_ascii=False))
    assert json.loads(quoted) == text


def test_letters_of_all_scripts_and_emoji_are_printed_as_they_are() -> None:
    for text in ("Käfer", "猫", "кот", "قطة", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}", "a\u3000b"):
        assert printable(text) == text


def test_columns_line_up_with_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("class", "count", "recall"), ("cat", 7, "-"), ("rhinoceros", 1200, "97.50%")])
    assert capsys.readouterr().out.splitlines() == [
        "class       count  recall",
        "cat             7       -",
        "rhinoceros   1200  97.50%",
    ]


def test_no_line_ends_in_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("a", "b"), ("one", "x"), ("two", "")])
    assert capsys.readouterr().out == "a    b\none  x\ntwo\n"


def test_facts_are_printed_in_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_fact("test", "97%")
    print_fact("validation", "98%")
    print_fact("report", Path("a/b"), to_stderr=True)
    captured = capsys.readouterr()
    assert captured.out == "test        97%\nvalidation  98%\n"
    assert captured.err == "report      a/b\n"


def test_json_keeps_the_letters_of_class_names(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"label": "Käfer 甲"})
    assert capsys.readouterr().out == '{\n  "label": "Käfer 甲"\n}\n'


def test_checks_are_a_row_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [("mnist", FileCheck("a.gz", True, "as it should be")), ("mnist", FileCheck("labels.gz", False, "cut"))]
    print_checks(checks, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "file             state  detail",
        "mnist/a.gz       ok     as it should be",
        "mnist/labels.gz  WRONG  cut",
    ]
    print_checks(checks, as_json=True)
    assert json.loads(capsys.readouterr().out)[1] == {
        "set": "mnist", "file": "labels.gz", "ok": False, "detail": "cut"
    }  # fmt: skip


def test_sets_that_are_not_here_have_no_path(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    print_sets(as_json=True)
    paths = {entry["name"]: entry["path"] for entry in json.loads(capsys.readouterr().out)}
    for shipped in ("digits", "mnist-sample"):
        assert paths.pop(shipped)
    assert set(paths.values()) == {None}
    print_sets(as_json=False)
    assert capsys.readouterr().out.count("not downloaded") == len(paths)


def test_a_branch_is_printed_with_both_its_paths() -> None:
    conv = {"layer": "Conv", "filters": 8, "kernel": 3}
    branch = {"layer": "Branch", "merge": "add", "body": [conv, {"layer": "ReLU"}], "shortcut": []}
    assert _layer_text(branch) == "Branch(add: Conv(8, 3x3) ReLU | identity)"


def test_a_dataset_is_printed_with_its_counts_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    print_dataset(make_tiny_dataset(), as_json=False, sheet=Path("sheet.png"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tiny: 3 classes, pictures 10x12 grey"
    assert lines[-1] == "contact sheet  sheet.png"
    table = [line.split() for line in lines[4:9]]
    assert table[0] == ["class", "train", "validation", "test"]
    assert table[1:] == [[name, "30", "10", "15"] for name in ("bottom", "middle", "top")] + [
        ["total", "90", "30", "45"]
    ]


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"COLORTERM": "truecolor", "TERM": "xterm-256color"}, True),
        ({"COLORTERM": "truecolor", "TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"COLORTERM": "", "TERM": "xterm-256color"}, False),
        ({"COLORTERM": "truecolor", "TERM": "dumb"}, False),
    ],
)
def test_pictures_are_shown_on_terminals_with_24_bit_colour(
    environment: dict[str, str], shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    print_pictures(make_tiny_dataset(), "train")
    assert ("▀" in terminal.getvalue()) is shown


def test_no_pictures_are_shown_off_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    print_pictures(make_tiny_dataset(), "train")
    assert capsys.readouterr().out == ""
