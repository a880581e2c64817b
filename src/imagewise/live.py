"""What a person sees while imagewise works: a live display on a terminal, a line an epoch elsewhere. On stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset
from imagewise.history import EpochRecord
from imagewise.training import TrainingCallbacks

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from imagewise.planning import Plan

SKIPPED_SHOWN = 10


def tell(*notices: str) -> None:
    """What the user should know, on stderr."""
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)


def tell_of(dataset: Dataset) -> None:
    """A data set's notices, and the pictures that were left out."""
    tell(*dataset.notices)
    if not dataset.skipped:
        return
    tell(f"left out {len(dataset.skipped)} pictures that cannot be read (--strict refuses them):")
    for path, reason in dataset.skipped[:SKIPPED_SHOWN]:
        print(f"  {path}: {reason}", file=sys.stderr)
    if len(dataset.skipped) > SKIPPED_SHOWN:
        print(f"  and {len(dataset.skipped) - SKIPPED_SHOWN} more; run.json lists all", file=sys.stderr)


class Live:
    """A bar on a terminal, nothing elsewhere; a context manager."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def update(self, description: str, done: float, total: float | None, detail: str) -> None:
        """Draw the bar, where stderr is a terminal."""
        if not sys.stderr.isatty():
            return
        if self._progress is None:
            self._progress = _progress()
            self._progress.start()
        if self._task is None:
            self._task = self._progress.add_task(description, total=total, detail=detail)
        self._progress.update(self._task, description=description, completed=done, total=total, detail=detail)

    def line(self, text: str) -> None:
        """A line that stays, above the bar if there is one."""
        if self._progress is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._progress.console.print(text, highlight=False, markup=False)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[detail]}"))
    return Progress(*columns, console=Console(stderr=True), transient=True)


class DownloadDisplay(Live):
    """Shows how far a download is; one line a file where there is no terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._named: str | None = None

    def __call__(self, description: str, done: int, total: int | None, /) -> None:
        """A `sources.download.Progress`."""
        if description != self._named:
            self._named = description
            self.line(description)
        size = f"{done / 1e6:.1f}" + (f" of {total / 1e6:.1f} MB" if total else " MB")
        self.update("", done, total, size)


class TrainingDisplay(TrainingCallbacks, Live):
    """Shows a run: the plan, a live bar for the epoch, and a line for each that has ended."""

    def __init__(self) -> None:
        Live.__init__(self)
        self.on_download = DownloadDisplay()
        self._epochs = 0
        self._pictures = 0
        self._started = 0.0
        self._batches_before = 0

    def on_plan(self, plan: Plan) -> None:
        """What will be done, on what, where."""
        self.on_download.close()
        dataset, recipe = plan.dataset, plan.recipe
        tell_of(dataset)
        counts = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
        self.line(f"data    {dataset.name}: {counts}; {len(dataset.class_names)} classes, {describe(dataset.shape)}")
        self.line(f"recipe  {recipe.name}: up to {recipe.epochs} epochs, batches of {recipe.batch_size}")
        self.line(f"device  {plan.engine.device}, {plan.engine_name}")
        self.line(f"run     {plan.folder.path}")
        self._epochs = recipe.epochs
        self._pictures = sum(len(dataset[name]) for name in recipe.fitted_splits if name in dataset)

    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        """Move the bar."""
        now, done = perf_counter(), (epoch - 1) * batches + batch
        if not self._started:
            self._started, self._batches_before = now, done
        speed = (done - self._batches_before) / max(now - self._started, 1e-9)
        detail = f"batch {batch}/{batches}  cost {cost:.4f}  rate {learning_rate:.2g}"
        if speed:
            left = (self._epochs * batches - done) / speed
            detail += f"  {speed * self._pictures / batches:,.0f} pictures/s  {_duration(left)} left"
        self.update(f"epoch {epoch}/{self._epochs}", batch, batches, detail)

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """A line for the epoch that has ended."""
        self.line(epoch_line(history[-1], self._epochs))


def epoch_line(record: EpochRecord, epochs: int) -> str:
    """`epoch 3/15  cost 0.0620  validation 97.42%  1.1 s`."""
    number = f"{record.epoch:>{len(str(epochs))}}/{epochs}"
    validation = record.validation_accuracy
    scored = "" if validation is None else f"  validation {validation:.2%}"
    return f"epoch {number}  cost {record.cost:.4f}{scored}  {record.seconds:.1f} s"


def describe(shape: tuple[int, int, int]) -> str:
    """`28x28 grey`: width x height, as people say picture sizes."""
    height, width, channels = shape
    return f"{width}x{height} {'colour' if channels == 3 else 'grey'}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
