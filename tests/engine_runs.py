"""What the tests of engines share: recipes, a watch on callbacks, and `fit` from a recipe's values. No framework."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contract import reference_logits
from fake_engine import FakeEngine
from imagewise.data.dataset import Dataset, Split
from imagewise.networks.network import Network, Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines import loop
from imagewise.training.engines.base import Callbacks, Engine, FitResult
from imagewise.training.history import EpochRecord
from imagewise.training.job import TrainingJob
from imagewise.training.planning.jobs import make_job
from imagewise.training.planning.plan import Plan
from imagewise.training.recipe import Recipe
from imagewise.training.run import TrainingCallbacks
from imagewise.training.run_folder import RunFolder
from keras_process import RemoteEngine

LINEAR: dict[str, Any] = {
    "name": "linear",
    "network": {"name": "perceptron", "params": {"hidden": []}},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "batch_size": 16,
    "epochs": 4,
}
RESTLESS: dict[str, Any] = {  # all that remembers or draws: dropout, augmentation, batch normalisation, momentum
    "name": "restless",
    "network": {"name": "convnet", "params": {"filters": [3], "dense": 8, "dropout": 0.3}},
    "schedule": {"name": "cosine", "warmup": 0.2},
    "normalize": "standard",
    "augment": {"rotate": 10, "translate": 0.1, "scale": 0.1, "shear": 5, "flip": True},
    "batch_size": 16,
    "epochs": 4,
    "keep": "last",
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"name": "adam", "learning_rate": 0.01},
    "adamw": {"name": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "sgd": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
}


class Watch(Callbacks):
    """Notes what is reported; presses Ctrl-C in a given epoch, at its first batch or at its end."""

    def __init__(self, stop_in_batch: int = 0, stop_after: int = 0) -> None:
        self.batches: list[tuple[int, int, int, float, float]] = []
        self.epochs: list[tuple[int, int]] = []
        self.checkpoints: list[Checkpoint] = []
        self._stop_in_batch, self._stop_after = stop_in_batch, stop_after

    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        self.batches.append((epoch, batch, batches, cost, learning_rate))
        if epoch == self._stop_in_batch:
            raise KeyboardInterrupt

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        self.epochs.append((len(history), best_epoch))
        self.checkpoints.append(checkpoint)
        if len(history) == self._stop_after:
            raise KeyboardInterrupt


def fit(
    engine: Engine,
    values: dict[str, Any],
    dataset: Dataset,
    watch: Callbacks | None = None,
    resume: Any = None,
    **changes: Any,
) -> tuple[Network, FitResult]:
    """A whole `loop.fit` of a recipe's values; `changes` replace fields of its job."""
    job = replace(make_job(Recipe.parse(values, "test"), dataset), **changes)
    return job.network, fit_job(engine, job, dataset, watch or Callbacks(), resume)


def fit_job(
    engine: Engine, job: TrainingJob, dataset: Dataset, watch: Callbacks | None = None, resume: Any = None
) -> FitResult:
    if isinstance(engine, RemoteEngine):  # the loop, too, runs where TensorFlow is
        return engine.fit(job, dataset, watch or Callbacks(), resume)
    return loop.fit(job, dataset, callbacks=watch, resume=resume, engine=engine)


def same_weights(one: Weights, other: Weights) -> bool:
    """To the last bit."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def without_seconds(history: Sequence[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, seconds=0.0) for record in history]


def accuracy(network: Network, weights: Weights, split: Split) -> float:
    return float((reference_logits(network, weights, split.images).argmax(1) == split.labels).mean())


# ---- whole runs

MODEL_FILES = {"model.onnx", "history.csv", "run.json", "checkpoint.safetensors"}
ENGINE_SETTINGS: dict[str, Any] = {"device": "cpu", "report": False}


def a_plan(dataset: Dataset, folder: Path, lie: float = 0.0, **changes: Any) -> Plan:
    recipe = Recipe.parse(LINEAR, "linear").override(changes)
    job = make_job(recipe, dataset, "fake")
    return Plan(None, dataset, job, FakeEngine(lie), RunFolder.create(folder), None)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def record(folder: Path) -> dict[str, Any]:
    values = json.loads((folder / "run.json").read_text("utf-8"))
    assert isinstance(values, dict)
    return values


class StopAfter(TrainingCallbacks):
    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        if len(history) == self._epoch:
            raise KeyboardInterrupt
