"""Notes, bars on a terminal and lines elsewhere, while imagewise works."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from imagewise.display.lines import log
from imagewise.display.notices import print_notices
from imagewise.display.progress import DownloadDisplay, Live
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord
from imagewise.training.recipes.files import load_recipe
from imagewise.training.reports.callbacks import TrainingCallbacks
from imagewise.training.reports.live import TrainingDisplay, _duration, epoch_line
from terminal import terminal

NO_CHECKPOINT = Checkpoint({}, {})


def record(epoch: int, validation: float | None = 0.97416) -> EpochRecord:
    return EpochRecord(epoch, 0.06204, 0.98, validation and 0.1, validation, 0.001, 1.149)


def plan(**recipe: Any) -> Any:
    """The parts of a plan that a display reads."""
    from conftest import make_tiny_dataset

    dataset = make_tiny_dataset().with_notices("chose photo framing.")
    return SimpleNamespace(
        dataset=dataset,
        recipe=load_recipe("perceptron").override({"epochs": 3, **recipe}),
        backbone=None,
        device="cpu (2 threads)",
        engine_name="pytorch",
        folder=SimpleNamespace(path="runs/tiny"),
    )


def test_an_epoch_is_a_line_of_the_agreed_form() -> None:
    assert epoch_line(record(3), 15, 5000) == "epoch 3/15  loss 0.0620  validation 97.42%  1.1 s"
    assert epoch_line(record(3, None), 15, 0) == "epoch 3/15  loss 0.0620  1.1 s"


def test_durations_are_written_as_on_a_clock() -> None:
    assert [_duration(seconds) for seconds in (0.4, 45, 801, 7510)] == ["0:00", "0:45", "13:21", "2:05:10"]


def test_the_bar_with_large_numbers_fits_a_terminal_of_80_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    with Live() as live:
        live.update("epoch 10/15", 550, 550, "550/550  loss 0.0596  lr 0.00025  60,000/s  13:21 left")
    assert "13:21 left" in stderr.getvalue()
    assert "…" not in stderr.getvalue()


def test_what_was_left_out_is_counted_and_the_first_ones_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [(f"cat/{number}.png", "damaged") for number in range(12)]
    print_notices(["look here."], skipped, all_in="run.json")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "note: look here."
    assert lines[1].startswith("note: left out 12 pictures ")
    assert "--strict" in lines[1]
    assert lines[2:12] == [f"  cat/{number}.png: damaged" for number in range(10)]
    assert lines[12:] == ["  and 2 more; run.json lists all"]


def test_one_picture_that_was_left_out_is_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    print_notices([], [("a.png", "damaged")])
    assert "left out 1 picture that" in capsys.readouterr().err


def test_where_nothing_was_left_out_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_notices([], [])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.ENOSPC, "No space left on device"), ValueError()])
def test_a_stderr_that_cannot_be_written_ends_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    monkeypatch.setattr(sys, "stderr", Gone())
    log("anyone there?")
    with DownloadDisplay() as display:
        display("images from a mirror", 1, 2)


def test_without_a_stderr_nothing_is_printed_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    log("anyone there?")
    with DownloadDisplay() as display:
        display("images from a mirror", 1, 2)
    assert capsys.readouterr().out == ""


def test_without_a_terminal_there_are_lines_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay() as display:
        display.on_plan(plan())
        display.on_batch(1, 5, 10, 0.5, 0.001)
        display.on_epoch([record(1)], 1, NO_CHECKPOINT)
    assert capsys.readouterr().err.splitlines() == [
        "note: chose photo framing.",
        "data    tiny: 90 train, 30 validation, 45 test; 3 classes, 10x12 grey",
        "recipe  perceptron: 3 epochs, batches of 100",
        "device  cpu (2 threads), pytorch",
        "run     runs/tiny",
        "epoch 1/3  loss 0.0620  validation 97%  1.1 s",
    ]


def test_a_change_of_the_number_of_threads_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay() as display:
        for threads in (1, 2):
            display.on_threads(threads, 2)
    assert capsys.readouterr().err.splitlines() == [
        "device  cpu (1 of 2 threads: this computer is busy)",
        "device  cpu (2 threads)",
    ]


def test_without_a_terminal_no_bar_is_imported() -> None:
    code = """
import sys
from imagewise.display.progress import DownloadDisplay
with DownloadDisplay() as display:
    display("images from a mirror", 1, 2)
print("rich.progress" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "images from a mirror\n")


def test_the_display_shows_all_that_training_reports() -> None:
    reported = {name for name in dir(TrainingCallbacks) if name.startswith("on_")}
    assert {"on_plan", "on_batch", "on_epoch"} <= reported
    assert reported <= set(vars(TrainingDisplay))


def test_epochs_are_up_to_so_many_where_training_may_stop_early(capsys: pytest.CaptureFixture[str]) -> None:
    TrainingDisplay().on_plan(plan(patience=2))
    TrainingDisplay().on_plan(plan(epochs=1))
    recipes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("recipe")]
    assert [line.split(": ")[1].split(",")[0] for line in recipes] == ["up to 3 epochs", "1 epoch"]


def test_on_a_terminal_a_bar_shows_epoch_batch_cost_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    with TrainingDisplay() as display:
        display.on_plan(plan())
        display.on_batch(1, 1, 10, 0.7, 0.001)
        display.on_batch(1, 5, 10, 0.5, 0.00025)
        display.on_epoch([record(1)], 1, NO_CHECKPOINT)
        display.on_batch(2, 10, 10, 0.4, 0.0001)
    text = stderr.getvalue()
    assert "epoch 1/3  loss 0.0620  validation 97%  1.1 s" in text
    assert "10/10  loss 0.4000  lr 0.0001" in text
    assert "/s  0:00 left" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, and shown again


def test_a_bar_is_taken_away_when_a_download_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)

    def interrupted() -> None:
        with TrainingDisplay() as display:
            display.on_download("fetching mnist", 500_000, 12_000_000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "fetching mnist" in stderr.getvalue()
    assert "0.5 of 12.0 MB" in stderr.getvalue()
    assert stderr.getvalue().count("\x1b[?25h") == 1


def test_no_color_keeps_the_bar_but_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with Live() as live:
        live.update("epoch 1/2", 1, 4, "batch 1/4")
    assert "batch 1/4" in stderr.getvalue()
    assert "\x1b[3" not in stderr.getvalue()


def test_a_download_is_a_line_a_file_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with DownloadDisplay() as display:
        for done in (0, 10, 20):
            display("images from a mirror", done, 20)
        display("labels from a mirror", 5, None)
    assert capsys.readouterr().err.splitlines() == ["images from a mirror", "labels from a mirror"]


def test_a_line_above_the_bar_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    with Live() as live:
        live.update("epoch 1/2", 1, 4, "batch 1/4")
        live.line("data :smile: [bold]x[/bold]")
    assert "data :smile: [bold]x[/bold]" in stderr.getvalue()


def test_names_above_the_bar_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    with Live() as live:
        live.update("epoch 1/2", 1, 4, "batch 1/4")
        live.line("data \x1b]0;owned\x07")
    assert "\\u001b]0;owned\\u0007" in stderr.getvalue()
