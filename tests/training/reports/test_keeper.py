"""The record of a run holds the numbers of threads from the start on, and the run says so where there were fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine_runs import a_plan, record
from fake_engine import FakeEngine
from fake_load import FakeLoad
from imagewise.data.dataset import Dataset
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines import loop, threads
from imagewise.training.engines.threads import BUSY_LOOKS, CALM_LOOKS
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import Plan
from imagewise.training.reports.callbacks import TrainingCallbacks
from imagewise.training.run import execute, write_report

BUSY, CALM = [0.5] * BUSY_LOOKS, [2.0] * CALM_LOOKS


def beside(monkeypatch: pytest.MonkeyPatch, *loads: float) -> None:
    """Each look during training finds the next of these numbers of free processors."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(loop, "SystemLoad", lambda: FakeLoad(None, *loads))


def two_threads(dataset: Dataset, folder: Path, at_the_start: int = 2) -> Plan:
    engine = FakeEngine()
    engine.most_threads, engine.threads = 2, at_the_start
    return replace(a_plan(dataset, folder), engine=engine)


@pytest.mark.parametrize(
    ("at_the_start", "loads", "used"),
    [
        pytest.param(2, CALM, [2], id="quiet"),
        pytest.param(2, BUSY, [2, 1], id="busy from the first epoch on"),
        pytest.param(2, [*BUSY, *CALM], [2, 1, 2], id="busy for a while"),
        pytest.param(1, [0.0], [1], id="always busy"),
        pytest.param(1, CALM, [1, 2], id="busy at the start"),
    ],
)
def test_the_record_notices_and_report_of_a_run_hold_its_numbers_of_threads(
    tiny_dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_the_start: int,
    loads: list[float],
    used: list[int],
) -> None:
    beside(monkeypatch, *loads)
    run = execute(two_threads(tiny_dataset, tmp_path / "run", at_the_start), TrainingCallbacks())
    assert record(run.folder)["threads"] == {"chosen": None, "used": used}
    numbers = f"{' then '.join(map(str, used))} of 2 threads"
    told = [notice for notice in run.notices if numbers in notice and "--threads 2" in notice]
    assert len(told) == (1 in used)
    assert (numbers in write_report(run).read_text("utf-8")) == (1 in used)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_run_that_is_killed_leaves_its_numbers_of_threads(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    found: list[Any] = []

    class Killed(TrainingCallbacks):
        """What is on disk at the end of an epoch is all that a killed run leaves."""

        def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
            if len(history) == epoch:
                found.append(record(tmp_path / "run"))

    beside(monkeypatch, *BUSY)
    execute(two_threads(tiny_dataset, tmp_path / "run"), Killed())
    assert [(each["status"], each["threads"]["used"]) for each in found] == [("running", [2, 1])]


@pytest.mark.parametrize(("before", "used"), [((), [2, 1]), ((2,), [2, 1]), ((1,), [1, 2, 1]), ((2, 1), [2, 1, 2, 1])])
def test_the_numbers_of_a_resumed_run_follow_those_before(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: tuple[int, ...], used: list[int]
) -> None:
    beside(monkeypatch, *BUSY)
    plan = replace(two_threads(tiny_dataset, tmp_path / "run"), threads_before=before)
    run = execute(plan, TrainingCallbacks())
    assert record(run.folder)["threads"]["used"] == used
