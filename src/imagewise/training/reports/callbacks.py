"""Callbacks of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Callbacks
from imagewise.training.head.record import HeadRecord
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import Plan


class TrainingCallbacks(Callbacks):
    """The reports of a run: an engine's callbacks, and the plan before training starts.

    Every method may be overridden. One that raises `imagewise.StopTraining` ends the training; the best model so far
    is kept and scored.
    """

    def on_plan(self, plan: Plan) -> None:
        """Data, recipe, device and folder are known; training begins."""

    def on_progress(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """How far the computing of features is, as `fetch.Progress`."""

    def on_head(self, record: HeadRecord) -> None:
        """A head has been fitted."""


class SeveralCallbacks(TrainingCallbacks):
    """Reports to each of `listeners`, in order."""

    def __init__(self, *listeners: TrainingCallbacks) -> None:
        self._listeners = listeners

    def on_plan(self, plan: Plan) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_plan(plan)

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_batch(epoch, batch, batches, loss, learning_rate)

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_epoch(history, best_epoch, checkpoint)

    def on_progress(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_progress(description, done, total, unit)

    def on_head(self, record: HeadRecord) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_head(record)

    def on_threads(self, threads: int, most: int) -> None:
        """Call each listener."""
        for listener in self._listeners:
            listener.on_threads(threads, most)
