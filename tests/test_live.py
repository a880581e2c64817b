"""What is shown while imagewise works: notes, bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from imagewise.checkpoint import Checkpoint
from imagewise.history import EpochRecord
from imagewise.live import DownloadDisplay, Live, describe, say, tell_of
from imagewise.recipe import load_recipe
from imagewise.training_display import TrainingDisplay, _duration, epoch_line

NO_CHECKPOINT = Checkpoint({}, {})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A stderr that is a terminal. Called in the test itself: pytest sets its own after the fixtures."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def record(epoch: int, validation: float | None = 0.97416) -> EpochRecord:
    return EpochRecord(epoch, 0.06204, 0.98, validation and 0.1, validation, 0.001, 1.149)


def plan(**recipe: Any) -> Any:
    """What a display reads of a plan."""
    from conftest import make_tiny_dataset

    dataset = make_tiny_dataset().with_notices("chose photo framing.")
    return SimpleNamespace(
        dataset=dataset,
        recipe=load_recipe("perceptron").override({"epochs": 3, **recipe}),
        engine=SimpleNamespace(device="cpu (2 threads)"),
        engine_name="pytorch",
        folder=SimpleNamespace(path="runs/tiny"),
    )


def test_an_epoch_is_a_line_of_the_agreed_form() -> None:
    assert epoch_line(record(3), 15) == "epoch 3/15  cost 0.0620  validation 97.42%  1.1 s"
    assert epoch_line(record(3, None), 15) == "epoch 3/15  cost 0.0620  1.1 s"


def test_times_are_read_as_on_a_clock() -> None:
    assert [_duration(seconds) for seconds in (0.4, 45, 801, 7510)] == ["0:00", "0:45", "13:21", "2:05:10"]


def test_the_bar_with_large_numbers_fits_a_terminal_of_80_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    with Live() as live:
        live.update("epoch 10/15", 550, 550, "550/550  cost 0.0596  rate 0.00025  60,000/s  13:21 left")
    assert "13:21 left" in stderr.getvalue()
    assert "…" not in stderr.getvalue()


def test_sizes_are_width_by_height() -> None:
    assert describe((10, 20, 3)) == "20x10 colour"
    assert describe((28, 28, 1)) == "28x28 grey"


def test_what_was_left_out_is_counted_and_the_first_ones_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [(f"cat/{number}.png", "damaged") for number in range(12)]
    tell_of(["look here."], skipped, all_in="run.json")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "note: look here."
    assert lines[1] == "note: left out 12 pictures that cannot be read (--strict refuses them):"
    assert lines[2:12] == [f"  cat/{number}.png: damaged" for number in range(10)]
    assert lines[12:] == ["  and 2 more; run.json lists all"]


def test_where_nothing_was_left_out_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    tell_of([], [])
    assert capsys.readouterr().err == ""


def test_a_reader_of_stderr_that_has_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    say("anyone there?")


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
        "epoch 1/3  cost 0.0620  validation 97.42%  1.1 s",
    ]
    assert "rich.progress" not in vars(display)


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
    assert "epoch 1/3  cost 0.0620  validation 97.42%  1.1 s" in text
    assert "10/10  cost 0.4000  rate 0.0001" in text
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
