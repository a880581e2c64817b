"""Progress of a run: a line for each epoch and, on a terminal or in a notebook, a live bar within it."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.display.formatting import percent
from imagewise.display.lines import counted
from imagewise.display.notices import Note, print_notices
from imagewise.display.progress import DownloadDisplay, Live
from imagewise.framing.framing import describe_size
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.class_weights import class_weights
from imagewise.training.engines.threads import cpu_text
from imagewise.training.head.facts import head_text, seconds_text
from imagewise.training.head.record import HeadRecord
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import AnyRecipe, Plan
from imagewise.training.recipe import Recipe
from imagewise.training.reports.callbacks import TrainingCallbacks

WEIGHTS_SHOWN = 12  # classes


class TrainingDisplay(TrainingCallbacks, Live):
    """Shows the plan of a run, a live bar for the current epoch, and a line for each finished epoch.

    Args:
        warned: the caller warns of fallbacks and skipped pictures, so that only notices of type `Note` are printed.
    """

    def __init__(self, *, warned: bool = False) -> None:
        Live.__init__(self)
        self._warned = warned
        self.on_download = DownloadDisplay()
        self._epochs = 0
        self._pictures = 0
        self._validated = 0
        self._started = 0.0
        self._batches_before = 0

    def close(self) -> None:
        """Remove the bars."""
        self.on_download.close()
        super().close()

    def on_plan(self, plan: Plan) -> None:
        """Print data, recipe, device and folder."""
        self.on_download.close()
        dataset, recipe = plan.dataset, plan.recipe
        if self._warned:
            for note in dataset.notices:
                if isinstance(note, Note):
                    self.line(f"note    {note}")
        else:
            print_notices(dataset.notices, dataset.skipped, all_in="run.json")
        counts = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
        classes = counted(len(dataset.class_names), "class", "classes")
        self.line(f"data    {dataset.name}: {counts}; {classes}, {describe_size(dataset.shape)}")
        self.line(f"recipe  {recipe.name}: {_recipe_text(recipe)}")
        if plan.backbone is not None:
            self.line(
                f"network {plan.backbone.card().name}, pretrained ({plan.backbone.card().licence or 'no licence'})"
            )
        weights = class_weights(recipe, dataset)
        if weights is not None:
            chosen = "auto" if recipe.class_weights == "auto" else "as set"
            self.line(f"weights {chosen}: {_weights_text(dataset.class_names, weights)}")
        self.line(f"device  {plan.device}, {plan.engine_name}")
        self.line(f"run     {plan.folder.path}")
        self._epochs = recipe.epochs if isinstance(recipe, Recipe) else 0
        self._validated = len(dataset["validation"]) if "validation" in dataset else 0
        self._pictures = sum(len(dataset[name]) for name in recipe.fitted_splits if name in dataset)

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
        """Move the bar: batches, loss, learning rate, pictures a second, time left."""
        now, done = perf_counter(), (epoch - 1) * batches + batch
        if not self._started:
            self._started, self._batches_before = now, done
        speed = (done - self._batches_before) / max(now - self._started, 1e-9)
        detail = f"{batch}/{batches}  loss {loss:.4f}  lr {learning_rate:.2g}"
        if speed:
            left = (self._epochs * batches - done) / speed
            detail += f"  {speed * self._pictures / batches:,.0f}/s  {_duration(left)} left"
        self.update(f"epoch {epoch}/{self._epochs}", batch, batches, detail)

    def on_progress(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """Move the bar of the features."""
        self.on_download(description, done, total, unit)

    def on_head(self, record: HeadRecord) -> None:
        """Print how the head was fitted."""
        self.on_download.close()
        self.line(f"head    {head_text(record)}  {seconds_text(record)}")

    def on_threads(self, threads: int, most: int) -> None:
        """Print that the number of threads has changed."""
        self.line(f"device  {cpu_text(threads, most)}")

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """Print the line of the epoch that has ended."""
        self.line(epoch_line(history[-1], self._epochs, self._validated))


def _recipe_text(recipe: AnyRecipe) -> str:
    """`15 epochs, batches of 100`, or what a recipe without epochs does."""
    if not isinstance(recipe, Recipe):
        return "a head on the features of a pretrained network"
    epochs = f"{'up to ' if recipe.patience else ''}{counted(recipe.epochs, 'epoch')}"
    return f"{epochs}, batches of {recipe.batch_size}"


def epoch_line(record: EpochRecord, epochs: int, validated: int) -> str:
    """`epoch 3/15  loss 0.0620  validation 97.42%  1.1 s`; `validated` is the number of validation pictures."""
    validation = record.validation_accuracy
    scored = "" if validation is None else f"  validation {percent(validation, validated)}"
    return f"epoch {record.epoch}/{epochs}  loss {record.cost:.4f}{scored}  {record.seconds:.1f} s"


def _weights_text(names: Sequence[str], weights: Sequence[float] | NDArray[np.float32]) -> str:
    """`daisy 1.2, rose 0.8`; if there are many classes, the lightest and the heaviest."""
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
