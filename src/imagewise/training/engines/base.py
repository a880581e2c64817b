"""The seam between what to train and what trains it: an `Engine` makes a `Learner`, and `loop.fit` drives it.

    engine = open_engine("pytorch", device="auto")
    learner = engine.learner(job, training)             # network, optimiser, pictures, in the engine's framework
    results = learner.steps([Step(indices, seed, learning_rate=0.001, number=0)])
    learner.read()["0.weight"]                          # canonical weights, whichever engine

An engine holds arithmetic only. Epochs, schedule, validation, early stopping, checkpoints and callbacks are the
loop's. Batch order, dropout and augmentation derive from (seed, epoch, step), never from a global generator, so that a
run can be resumed at any epoch and gives what it would have given uninterrupted (same machine, CPU).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.networks.network import Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord
from imagewise.training.job import TrainingJob


class StopTraining(Exception):  # noqa: N818 - not an error, as StopIteration
    """Raised by a callback to end the training: the best model so far is kept and scored, as at a regular end."""


class Callbacks:
    """What training reports. Every method may be overridden; these do nothing."""

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
        """After some batches, about ten times a second; `loss` is the epoch's mean so far."""

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """After each epoch and its validation: all epochs so far, and the state to resume from."""

    def on_threads(self, threads: int, most: int) -> None:
        """After a change of the number of threads on the CPU, to `threads` of `most`: the load has changed."""


@dataclass(frozen=True, eq=False)
class Step:
    """One training step.

    Attributes:
        indices: (n,) int64, the pictures of the batch.
        seed: of everything random in the step: dropout, augmentation.
        learning_rate: the rate of the schedule.
        number: steps before this one, over the whole run.
    """

    indices: NDArray[np.int64]
    seed: int
    learning_rate: float
    number: int


@dataclass(frozen=True, eq=False)
class StepResults:
    """What some steps came to.

    Attributes:
        losses: (steps,) float, the mean loss of each batch before its step.
        correct: (steps,), pictures of each batch that were classified correctly before its step.
    """

    losses: Sequence[float]
    correct: Sequence[float]


class Learner(Protocol):
    """A network, its optimiser and its training pictures, in an engine's framework."""

    def steps(self, steps: Sequence[Step]) -> StepResults:
        """Take these steps, one after the other. Several at a time, since a call costs some engines milliseconds."""
        ...

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of a few framed pictures (n, H, W, C), as at inference: float32 (n, classes)."""
        ...

    def read(self) -> Weights:
        """Canonical weights, copied: those that `logits` recognises by, averages where the recipe has `ema`."""
        ...

    def load(self, weights: Weights) -> None:
        """Take these canonical weights."""
        ...

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        """Arrays of the optimiser's state, copied: with `read`, all that the next step depends on."""
        ...

    def load_optimizer(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `read_optimizer`. Raises ValueError or IndexError where it is another optimiser's state."""
        ...


class Engine(Protocol):
    """Makes learners on a device. Its class takes `device` and `threads`, as `registry.open_engine` passes them."""

    @property
    def device(self) -> str:
        """The device for people: `cpu (2 threads)`, `cuda (NVIDIA H200)`."""
        ...

    @property
    def threads(self) -> int:
        """Threads on the CPU that wait for each other; 1 where another device does the work."""
        ...

    @property
    def most_threads(self) -> int:
        """What `threads` is on a quiet computer."""
        ...

    def use_threads(self, count: int) -> None:
        """Use `count` threads, 1 to `most_threads`, from now on. No effect where the framework cannot change it."""
        ...

    def settle(self, job: TrainingJob) -> TrainingJob:
        """The job with what this computer decides: a precision of `auto` becomes the one that is faster here."""
        ...

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        """A learner of the settled job on these pictures, with its starting weights. Called within `active()`.

        Raises:
            EngineError: the job asks for what this engine cannot do; names the field.
        """
        ...

    def active(self) -> AbstractContextManager[None]:
        """What must hold while this engine's learners work: a device, a floating-point mode."""
        ...


def with_precision(job: TrainingJob, choose: Callable[[], str]) -> TrainingJob:
    """The job with the precision that `choose` gives, where its own is `auto`."""
    if job.recipe.precision != "auto":
        return job
    return replace(job, recipe=job.recipe.override({"precision": choose()}))


@dataclass(frozen=True)
class FitResult:
    """What training made.

    Attributes:
        weights: canonical, of the epoch that the recipe keeps.
        history: one record an epoch, those before a resume included.
        best_epoch: the epoch of `weights`; 0 if Ctrl-C came before the first one ended.
        interrupted: Ctrl-C ended training.
        reference: pictures (n, H, W, C) uint8 and their logits (n, classes) float32 by the engine's own network with
            `weights`: the model file is checked against them.
    """

    weights: Weights
    history: tuple[EpochRecord, ...]
    best_epoch: int
    interrupted: bool
    reference: tuple[NDArray[np.uint8], NDArray[np.float32]]
