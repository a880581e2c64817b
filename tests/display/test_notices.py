"""What falls back or is left out: warnings at the user's line in Python, lines in the command line, never both."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagewise
from command_line import run as run_command
from imagewise.data.dataset import Dataset
from imagewise.display.notices import Note
from imagewise.evaluation.report.report import report_of_evaluation

QUICK: dict[str, Any] = {"recipe": "perceptron", "epochs": 1, "engine": "numpy", "verbose": False}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of noise, and three files that are no pictures."""
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{number}.png")
    for number in range(3):
        (tmp_path / "pets" / "cat" / f"broken_{number}.jpg").write_bytes(b"\xff\xd8 no picture")
    return tmp_path / "pets"


def load(folder: Path, tmp_path: Path) -> Any:
    return imagewise.load_data(folder, verbose=False)


def train(folder: Path, tmp_path: Path) -> Any:
    return imagewise.train(folder, out=tmp_path / "run", **QUICK)


def evaluate(folder: Path, tmp_path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = imagewise.train(folder, out=tmp_path / "run", report=False, **QUICK)
    return imagewise.evaluate(run.model, folder, verbose=False)


@pytest.mark.parametrize("call", [load, train, evaluate])
def test_pictures_that_cannot_be_read_are_a_warning_at_the_users_line(
    call: Callable[[Path, Path], Any], folder: Path, tmp_path: Path
) -> None:
    with pytest.warns(imagewise.ImagewiseWarning, match=r"left out 3 pictures.*strict=True") as seen:
        result = call(folder, tmp_path)
    assert [Path(each.filename) for each in seen] == [Path(__file__)] * len(seen)
    assert [name for name, _ in result.skipped] == [f"cat/broken_{number}.jpg" for number in range(3)]
    for name, _ in result.skipped:
        assert name in str(seen[-1].message)


def test_a_set_that_falls_back_is_a_warning_and_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.warns(imagewise.ImagewiseWarning, match="MNIST"):
        data = imagewise.load_data(offline=True, verbose=False)
    assert any("MNIST" in notice for notice in data.notices)
    with pytest.warns(imagewise.ImagewiseWarning, match="MNIST"):
        run = imagewise.train(offline=True, out=tmp_path / "run", report=False, **QUICK)
    assert any("MNIST" in notice for notice in run.notices)


def test_the_choice_of_an_input_size_is_a_note_and_no_warning(folder: Path) -> None:
    for number in range(3):
        (folder / "cat" / f"broken_{number}.jpg").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = imagewise.load_data(folder, verbose=False)
        again = imagewise.load_data(folder, verbose=False)  # whose choice comes from the cache
    for each in (data, again):
        assert [type(notice) for notice in each.notices] == [Note]


def test_a_warning_that_is_an_error_costs_no_training(folder: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", imagewise.ImagewiseWarning)
        with pytest.raises(imagewise.ImagewiseWarning, match="broken_0"):
            train(folder, tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_data_set_that_was_loaded_is_not_warned_of_again(folder: Path, tmp_path: Path) -> None:
    with pytest.warns(imagewise.ImagewiseWarning):
        data = imagewise.load_data(folder, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = imagewise.train(data, out=tmp_path / "run", report=False, **QUICK)
    assert run.skipped == data.skipped
    assert run.notices == data.notices


def test_run_json_and_the_report_hold_every_notice_and_every_skipped_file(folder: Path, tmp_path: Path) -> None:
    with pytest.warns(imagewise.ImagewiseWarning):
        run = train(folder, tmp_path)
    recorded = json.loads((run.folder / "run.json").read_text("utf-8"))["data"]
    page = (run.folder / "report.html").read_text("utf-8")
    assert recorded["notices"] == list(run.notices)
    assert [tuple(each) for each in recorded["skipped"]] == list(run.skipped)
    for number in range(3):
        assert f"cat/broken_{number}.jpg" in page
    assert "based on" in page


def test_the_page_of_an_evaluation_lists_skipped_files_escaped(folder: Path, tmp_path: Path) -> None:
    (folder / "cat" / "broken_0.jpg").rename(folder / "cat" / "<b>&.jpg")
    with pytest.warns(imagewise.ImagewiseWarning):
        evaluation = evaluate(folder, tmp_path)
    page = report_of_evaluation(evaluation)
    assert "skipped 3 pictures" in page
    assert "&lt;b&gt;&amp;.jpg" in page


def test_commands_print_notices_once_and_warn_of_nothing(folder: Path, tmp_path: Path) -> None:
    model, out = tmp_path / "run" / "model.onnx", tmp_path / "sheet.png"
    train_it = (
        "train",
        folder,
        "--engine",
        "numpy",
        "--recipe",
        "perceptron",
        "--epochs",
        1,
        "--out",
        tmp_path / "run",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for command in (train_it, ("evaluate", model, folder), ("show", folder, "--out", out)):
            result = run_command(*command)
            assert result.exit_code == 0, result.output
            assert result.stderr.count("left out 3 pictures") == 1, command
            assert result.stderr.count("broken_0.jpg") == 1, command


def test_a_script_is_told_in_short_lines_and_one_warning_at_its_line(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    call = f"imagewise.train({str(folder)!r}, recipe='perceptron', epochs=2, engine='numpy', report=False"
    for verbose in ("", ", verbose=False"):
        script.write_text(f"import imagewise\n\n{call}{verbose}, out={str(tmp_path / ('run' + verbose))!r})\n")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
        assert done.stdout == ""
        assert done.stderr.count("left out 3 pictures") == 1
        assert f"{script}:3: ImagewiseWarning" in done.stderr
        assert ("epoch 2/2" in done.stderr) == (not verbose)
        assert "\x1b" not in done.stderr
        assert max(map(len, done.stderr.splitlines())) < 400


def test_a_note_is_a_text_like_any_other(tiny_dataset: Dataset) -> None:
    told = tiny_dataset.with_notices(Note("chose ink framing."))
    assert told.notices == ("chose ink framing.",)
    assert json.dumps(told.notices) == '["chose ink framing."]'
