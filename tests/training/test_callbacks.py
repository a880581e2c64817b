"""Callbacks: several listen to one run, and one of them may stop it."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import imagewise
from engine_runs import a_plan, files, record
from imagewise.data.dataset import Dataset
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import Plan
from imagewise.training.reports.callbacks import SeveralCallbacks, TrainingCallbacks
from imagewise.training.run import execute


class Stop(TrainingCallbacks):
    """Stops the training at the plan, in the first batch, or after an epoch."""

    def __init__(self, where: str, after: int = 0) -> None:
        self._where, self._after = where, after

    def on_plan(self, plan: Plan) -> None:
        if self._where == "plan":
            raise imagewise.StopTraining

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
        if self._where == "batch":
            raise imagewise.StopTraining

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        if self._where == "epoch" and len(history) == self._after:
            raise imagewise.StopTraining


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_callback_that_stops_after_an_epoch_leaves_a_whole_run(
    tiny_dataset: Dataset, tmp_path: Path, after: int
) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), Stop("epoch", after))
    assert len(run.history) == after
    assert run.best_epoch in range(1, after + 1)
    assert not run.interrupted
    assert record(run.folder)["status"] == "finished"
    assert run.test is not None
    assert imagewise.load_model(run.folder).class_names == tiny_dataset.class_names


def test_a_run_that_a_callback_stopped_can_be_resumed(tiny_dataset: Dataset, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"engine": "numpy", "report": False, "verbose": False}
    run = imagewise.train(
        tiny_dataset, recipe="perceptron", epochs=4, out=tmp_path / "run", callbacks=Stop("epoch", 2), **settings
    )
    assert len(run.history) == 2
    resumed = imagewise.train(tiny_dataset, resume=run.folder, report=False, verbose=False)
    assert len(resumed.history) == 4


def test_a_callback_that_stops_in_the_first_epoch_leaves_the_model_as_it_is(
    tiny_dataset: Dataset, tmp_path: Path
) -> None:
    run = execute(a_plan(tiny_dataset, tmp_path / "run"), Stop("batch"))
    assert (run.history, run.best_epoch) == ((), 0)
    assert (run.folder / "model.onnx").exists()


def test_a_callback_that_refuses_the_plan_leaves_no_folder(tiny_dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(imagewise.StopTraining):
        execute(a_plan(tiny_dataset, tmp_path / "run"), Stop("plan"))
    assert not (tmp_path / "run").exists()


def test_all_callbacks_are_told_of_all(tiny_dataset: Dataset, tmp_path: Path) -> None:
    class Told(TrainingCallbacks):
        def __init__(self) -> None:
            self.of: list[str] = []

        def on_plan(self, plan: Plan) -> None:
            self.of.append("plan")

        def on_batch(self, *arguments: Any) -> None:
            self.of.append("batch")

        def on_epoch(self, *arguments: Any) -> None:
            self.of.append("epoch")

    one, other = Told(), Told()
    execute(a_plan(tiny_dataset, tmp_path / "run"), SeveralCallbacks(one, other))
    assert one.of == other.of
    assert one.of[0] == "plan"
    assert one.of.count("epoch") == 4
    assert set(files(tmp_path / "run")) >= {"model.onnx"}


@pytest.mark.parametrize("method", [name for name in dir(TrainingCallbacks) if name.startswith("on_")])
def test_whatever_a_run_reports_reaches_each_of_several(method: str) -> None:
    one, other = Mock(spec=TrainingCallbacks), Mock(spec=TrainingCallbacks)
    arguments = [object() for _ in list(signature(getattr(TrainingCallbacks, method)).parameters)[1:]]
    getattr(SeveralCallbacks(one, other), method)(*arguments)
    for listener in (one, other):
        getattr(listener, method).assert_called_once_with(*arguments)
