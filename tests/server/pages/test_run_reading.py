"""Runs as recorded in their folders: whole, half-written, broken, gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_runs import StopAfter, a_plan
from imagewise.data.dataset import Dataset
from imagewise.errors import ModelError
from imagewise.server.pages.run_reading import (
    COLUMNS,
    RunFiles,
    RunsFolder,
    check_folder,
    read_history,
    state_of,
    summary,
)
from imagewise.server.pages.run_reading import details as details_of
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord, best_validated, history_csv
from imagewise.training.run import TrainingCallbacks, execute

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
MAYBE = st.none() | NUMBERS
EPOCHS = st.builds(EpochRecord, st.integers(1, 9999), NUMBERS, NUMBERS, MAYBE, MAYBE, NUMBERS, NUMBERS)
HEAD = ",".join(COLUMNS)


def run_in(folder: Path, name: str) -> RunFiles:
    found = RunsFolder(folder).get(name)
    assert found is not None
    return found


def write(folder: Path, record: object = None, history: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    if record is not None:
        (folder / "run.json").write_text(record if isinstance(record, str) else json.dumps(record))
    if history is not None:
        (folder / "history.csv").write_text(history)
    return folder


@given(st.lists(EPOCHS, max_size=5))
def test_a_history_is_read_as_it_was_written(history: list[EpochRecord]) -> None:
    rows, problem = read_history(history_csv(history).encode())
    assert problem is None
    assert len(rows) == len(history)
    for row, record in zip(rows, history, strict=True):
        assert row == [None if value is None else pytest.approx(value, rel=1e-5) for value in vars(record).values()]


@given(st.lists(EPOCHS, min_size=1, max_size=4), st.data())
def test_of_a_history_cut_off_anywhere_the_whole_rows_are_read(history: list[EpochRecord], data: st.DataObject) -> None:
    content = history_csv(history).encode()
    cut = content[: data.draw(st.integers(0, len(content)))]
    rows, problem = read_history(cut)
    assert rows == read_history(content)[0][: max(cut.count(b"\n") - 1, 0)]
    assert (problem is None) == (cut.endswith(b"\n") or not cut)


@given(st.binary() | st.binary().map(lambda rest: f"{HEAD}\n".encode() + rest))
def test_bytes_that_are_no_history_break_nothing(content: bytes) -> None:
    try:
        rows, _ = read_history(content)
    except ValueError:
        return
    assert all(len(row) == len(COLUMNS) for row in rows)


def test_a_real_run_is_told_of(tiny_dataset: Dataset, tmp_path: Path) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "mine"), TrainingCallbacks())
    (found,) = RunsFolder(tmp_path).all()
    told = summary(found).as_dict()
    assert (told["name"], told["state"], told["problems"]) == ("mine", "finished", [])
    assert (told["epochs"], told["planned_epochs"], told["recipe"], told["data"]) == (4, 4, "linear", "tiny")
    best = max(record.validation_accuracy or 0 for record in run.history)
    assert told["validation_accuracy"] == pytest.approx(best, rel=1e-5)
    assert told["best_epoch"] == told["model_epoch"] == run.best_epoch
    assert (told["validation_count"], told["test_count"]) == (30, 45)
    assert run.test is not None
    assert told["test_accuracy"] == run.test.metrics.accuracy
    whole = details_of(found, 0).as_dict()
    names = whole["test"].pop("class_names")
    assert whole["test"] == json.loads(json.dumps(run.test.metrics.as_dict()))
    assert names == list(run.test.metrics.classes)
    assert whole["settings"]["optimizer.learning_rate"] == 0.01
    assert whole["counts"] == {"train": 90, "validation": 30, "test": 45}
    assert [row[0] for row in whole["history"]] == [1, 2, 3, 4]
    assert details_of(found, 3).history == whole["history"][3:]
    assert details_of(found, 5).first == 0


MERITS = st.tuples(st.sampled_from([0.5, 0.6, 0.7]), st.sampled_from([0.1, 0.2, 0.3, 1 / 3, 1 / 3 + 1e-9]))


@settings(max_examples=25)
@given(st.lists(MERITS, min_size=1, max_size=8), st.sampled_from(["best", "last"]))
def test_the_page_and_the_report_name_the_same_best_epoch(merits: list[tuple[float, float]], keep: str) -> None:
    """Of epochs with equal accuracy the one with the lowest loss, of equal ones the first: as training keeps it."""
    history = [EpochRecord(i, 1.0, 0.5, loss, accuracy, 0.1, 0.0) for i, (accuracy, loss) in enumerate(merits, 1)]
    best = best_validated(history)
    assert best is not None
    assert best.epoch == min(range(len(merits)), key=lambda i: (-merits[i][0], merits[i][1], i)) + 1
    kept = best.epoch if keep == "best" else len(merits)
    record = {"status": "finished", "recipe": {"keep": keep}, "results": {"best_epoch": kept}}
    with TemporaryDirectory() as folder:
        write(Path(folder) / "mine", record, history_csv(history))
        shown = summary(run_in(Path(folder), "mine"))
    assert shown.model_epoch == kept
    if keep == "best" or len(set(merits)) == len({(a, round(loss, 6)) for a, loss in merits}):  # the file is rounded
        assert shown.best_epoch == best.epoch
    assert shown.validation_accuracy == best.validation_accuracy


def test_while_it_trains_a_run_is_training_and_after_ctrl_c_interrupted(tiny_dataset: Dataset, tmp_path: Path) -> None:
    states: list[str] = []

    class Look(StopAfter):
        def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
            states.append(state_of(run_in(tmp_path, "mine"))[0])
            super().on_epoch(history, best_epoch, checkpoint)

    execute(a_plan(tiny_dataset, tmp_path / "mine"), Look(2))
    assert states == ["training", "training"]
    assert state_of(run_in(tmp_path, "mine")) == ("interrupted", None)


def test_a_run_whose_process_was_killed_is_interrupted_and_says_so(tmp_path: Path) -> None:
    host = os.uname().nodename
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write(tmp_path / "killed", {"status": "running", "process": {"id": ended.pid, "host": host}})
    write(tmp_path / "alive", {"status": "running", "process": {"id": os.getpid(), "host": host}})
    write(tmp_path / "elsewhere", {"status": "running", "process": {"id": ended.pid, "host": "another"}})
    state, note = state_of(run_in(tmp_path, "killed"))
    assert state == "interrupted"
    assert "--resume DIR/killed" in (note or "")
    assert state_of(run_in(tmp_path, "alive")) == ("training", None)
    assert state_of(run_in(tmp_path, "elsewhere")) == ("training", None)
    os.utime(tmp_path / "elsewhere" / "run.json", (0, 0))
    assert state_of(run_in(tmp_path, "elsewhere"))[0] == "interrupted"


@pytest.mark.parametrize("number", [0, -1, 10**30, "7", None, 1.5, True])
def test_a_process_that_cannot_be_is_taken_for_unknown(tmp_path: Path, number: object) -> None:
    write(tmp_path / "odd", {"status": "running", "process": {"id": number, "host": os.uname().nodename}})
    assert state_of(run_in(tmp_path, "odd")) == ("training", None)


@pytest.mark.parametrize(
    ("record", "history", "said"),
    [
        ('{"a', None, "run.json is damaged"),
        ("[" * 100_000, None, "run.json is damaged: nested too deeply"),
        ("[1, 2]", None, "run.json does not describe a run"),
        (None, f"{HEAD}\n", "run.json cannot be read: it is missing"),
        ({"status": 3}, "a,b\n1,2\n", "history.csv is damaged: its columns are not epoch"),
        ({"recipe": 7, "data": [], "results": "x"}, f"{HEAD}\n1,2,3\n", "history.csv, line 2: it has 3 values, not 7"),
        ({}, f"{HEAD}\n1,.5,.5,.5,.5,.1,1\nx,.5,.5,.5,.5,.1,1\n", "history.csv, line 3:"),
        ({}, f"{HEAD}\n1,.5,.5,.5,.5,.1,1\n2,.4", "The last line of history.csv is incomplete."),
    ],
)
def test_what_is_broken_is_said_and_the_rest_is_shown(
    tmp_path: Path, record: object, history: str | None, said: str
) -> None:
    write(tmp_path / "odd", record, history)
    write(tmp_path / "whole", {"status": "finished"})
    broken = run_in(tmp_path, "odd")
    assert any(said in problem for problem in broken.problems)
    assert str(tmp_path) not in "".join(broken.problems)
    json.dumps(details_of(broken, 0).as_dict(), allow_nan=False)
    assert {run.name for run in RunsFolder(tmp_path).all()} == {"odd", "whole"}
    assert summary(broken).state == "unknown"


def test_a_named_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path / "odd") / "run.json")
    assert "not a file" in run_in(tmp_path, "odd").problems[0]


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    write(tmp_path / "mine", {"status": "finished"}, f"{HEAD}\n")
    runs = RunsFolder(tmp_path)
    first = runs.get("mine")
    assert runs.get("mine") is first
    with (tmp_path / "mine" / "history.csv").open("a") as file:
        file.write("1,0.5,0.5,,,0.1,1\n")
    second = runs.get("mine")
    assert second is not None
    assert second.history == [[1, 0.5, 0.5, None, None, 0.1, 1]]
    shutil.rmtree(tmp_path / "mine")
    assert runs.get("mine") is None
    assert runs.all() == []


def test_only_folders_right_in_the_folder_that_hold_a_run_are_runs(tmp_path: Path) -> None:
    shown = tmp_path / "runs"
    write(tmp_path / "outside", {"status": "finished"})
    write(shown)
    write(shown / "mine", {"status": "finished"})
    write(shown / ".hidden", {"status": "finished"})
    (shown / "other").mkdir()
    (shown / "file").write_text("x")
    write(shown / os.fsdecode(b"\xff"), {"status": "finished"})
    runs = RunsFolder(shown)
    assert [run.name for run in runs.all()] == ["mine"]
    for name in ("../outside", "..", ".", "", ".hidden", "other", "file", "mine/", str(tmp_path / "outside"), "mi\0ne"):
        assert runs.get(name) is None


def test_what_is_no_folder_of_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    write(tmp_path / "mine", {"status": "finished"})
    for path, said in (("none", "no such folder"), ("file", "Not a directory"), ("mine", "is a run itself")):
        with pytest.raises(ModelError, match=said):
            check_folder(tmp_path / path)
    check_folder(tmp_path)
