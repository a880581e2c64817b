"""A run as it goes: a live bar for the epoch on a terminal, a line an epoch anywhere. On stderr."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from imagewise.checkpoint import Checkpoint
from imagewise.class_weights import class_weights
from imagewise.history import EpochRecord
from imagewise.live import DownloadDisplay, Live, describe, tell_of
from imagewise.planning import Plan
from imagewise.training import TrainingCallbacks

WEIGHTS_SHOWN = 12  # classes


class TrainingDisplay(TrainingCallbacks, Live):
    """Shows a run: the plan, a live bar for the epoch, and a line for each that has ended."""

    def __init__(self) -> None:
        Live.__init__(self)
        self.on_download = DownloadDisplay()
        self._epochs = 0
        self._pictures = 0
        self._started = 0.0
        self._batches_before = 0

    def close(self) -> None:
        """Take the bars away."""
        self.on_download.close()
        super().close()

    def on_plan(self, plan: Plan) -> None:
        """What will be done, on what, where."""
        self.on_download.close()
        dataset, recipe = plan.dataset, plan.recipe
        tell_of(dataset.notices, dataset.skipped, all_in="run.json")
        epochs = f"{'up to ' if recipe.patience else ''}{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
        counts = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
        self.line(f"data    {dataset.name}: {counts}; {len(dataset.class_names)} classes, {describe(dataset.shape)}")
        self.line(f"recipe  {recipe.name}: {epochs}, batches of {recipe.batch_size}")
        weights = class_weights(recipe, dataset)
        if weights is not None:
            chosen = "auto" if recipe.class_weights == "auto" else "as set"
            self.line(f"weights {chosen}: {_weights(dataset.class_names, weights)}")
        self.line(f"device  {plan.engine.device}, {plan.engine_name}")
        self.line(f"run     {plan.folder.path}")
        self._epochs = recipe.epochs
        self._pictures = sum(len(dataset[name]) for name in recipe.fitted_splits if name in dataset)

    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        """Move the bar: batches, cost, learning rate, pictures a second, time left."""
        now, done = perf_counter(), (epoch - 1) * batches + batch
        if not self._started:
            self._started, self._batches_before = now, done
        speed = (done - self._batches_before) / max(now - self._started, 1e-9)
        detail = f"{batch}/{batches}  cost {cost:.4f}  rate {learning_rate:.2g}"
        if speed:
            left = (self._epochs * batches - done) / speed
            detail += f"  {speed * self._pictures / batches:,.0f}/s  {_duration(left)} left"
        self.update(f"epoch {epoch}/{self._epochs}", batch, batches, detail)

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """A line for the epoch that has ended."""
        self.line(epoch_line(history[-1], self._epochs))


def epoch_line(record: EpochRecord, epochs: int) -> str:
    """`epoch 3/15  cost 0.0620  validation 97.42%  1.1 s`."""
    validation = record.validation_accuracy
    scored = "" if validation is None else f"  validation {validation:.2%}"
    return f"epoch {record.epoch}/{epochs}  cost {record.cost:.4f}{scored}  {record.seconds:.1f} s"


def _weights(names: Sequence[str], weights: Sequence[float] | NDArray[np.float32]) -> str:
    """`daisy 1.2, rose 0.8`; of many classes the lightest and the heaviest."""
    pairs = [f"{name} {weight:.3g}" for name, weight in zip(names, weights, strict=True)]
    if len(pairs) <= WEIGHTS_SHOWN:
        return ", ".join(pairs)
    order = np.argsort(weights, kind="stable")
    return f"from {pairs[order[0]]} to {pairs[order[-1]]}"


def _duration(seconds: float) -> str:
    """`0:45`, `13:21`, `2:05:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
