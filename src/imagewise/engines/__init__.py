"""The seam between what to train and what trains it: one method, `fit`.

    engine = open_engine("pytorch", device="auto")
    fitted = engine.fit(network, recipe, dataset, callbacks=Callbacks(), resume=None)
    fitted.weights["0.weight"]          # canonical, whichever engine

Batch order, dropout and augmentation derive from (seed, epoch, step), never from a global generator, so that a run
can be taken up at any epoch and gives what it would have given uninterrupted (same machine, CPU).
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset
from imagewise.errors import EngineError
from imagewise.history import EpochRecord
from imagewise.network import Network, Weights
from imagewise.recipe import Recipe

# engine to the framework that it imports, and the extra that installs it; numpy needs none
_FRAMEWORKS = {"pytorch": ("torch", "train"), "tensorflow": ("tensorflow", "tensorflow")}


class Callbacks:
    """What an engine reports while it trains. Every method may be overridden; these do nothing."""

    def on_batch(self, epoch: int, batch: int, batches: int, cost: float, learning_rate: float) -> None:
        """After some batches (ten times a second is plenty); `cost` is the epoch's mean so far."""

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """After each epoch and its validation: all epochs so far, and all that is needed to go on from here."""


@dataclass(frozen=True)
class Fitted:
    """What training made.

    Attributes:
        weights: canonical, of the epoch that the recipe keeps.
        history: one record an epoch, those before a resume included.
        best_epoch: the epoch that `weights` are from; 0 if Ctrl-C came before the first one ended.
        interrupted: Ctrl-C ended training.
        reference: pictures (n, H, W, C) uint8 and the logits (n, classes) float32 that the engine's own network makes
            of them with `weights`: what the model file is held to.
    """

    weights: Weights
    history: tuple[EpochRecord, ...]
    best_epoch: int
    interrupted: bool
    reference: tuple[NDArray[np.uint8], NDArray[np.float32]]


class Engine(Protocol):
    """Recipe, network and data in; weights out."""

    @property
    def device(self) -> str:
        """Where it computes, as people say it: `cpu (2 threads)`, `cuda (NVIDIA H200)`."""
        ...

    def fit(
        self,
        network: Network,
        recipe: Recipe,
        dataset: Dataset,
        *,
        callbacks: Callbacks,
        resume: Checkpoint | None = None,
    ) -> Fitted:
        """Train. Ctrl-C (KeyboardInterrupt) ends it with what there is.

        Raises:
            EngineError: the recipe asks for what this engine cannot do; the field is named.
            TrainingError: the cost is no longer a finite number.
        """
        ...


@runtime_checkable
class TriesRates(Protocol):
    """What an engine may offer beside `fit`: the learning-rate range test."""

    def try_rates(
        self, network: Network, recipe: Recipe, dataset: Dataset, rates: Sequence[float]
    ) -> Generator[float, None, None]:
        """Train from the first weights, one batch at each of `rates` in turn; yields each batch's cost.

        Everything but the rate is as in `fit`. Stop asking to end it.
        """
        ...


def open_engine(name: str, device: str = "auto") -> Engine:
    """The engine of that name on `auto`, `cpu` or `cuda`.

    Raises:
        EngineError: unknown, not installed (the extra is named), the device is not there, or this process has loaded
            the other framework.
    """
    if name == "numpy":
        from imagewise.engines.numpy import NumPyEngine

        return NumPyEngine(device)
    if name not in _FRAMEWORKS:
        raise EngineError(f"unknown engine {name!r}; there are {', '.join(_FRAMEWORKS)} and numpy.")
    require_framework(name)
    if name == "tensorflow":
        from imagewise.engines.tensorflow import TensorFlowEngine

        return TensorFlowEngine(device)
    from imagewise.engines.pytorch import PyTorchEngine

    return PyTorchEngine(device)


def require_framework(engine: str) -> None:
    """Refuse where the framework of `engine` is not installed, or where this process has loaded another one.

    The two do not go together: each brings libraries and threads of its own, which then collide.

    Raises:
        EngineError: names the extra, or the way out.
    """
    module, extra = _FRAMEWORKS[engine]
    if find_spec(module) is None:
        raise EngineError(f"this needs {module}, which is not installed: pip install 'imagewise[{extra}]'.")
    for other, (other_module, _) in _FRAMEWORKS.items():
        if other != engine and other_module in sys.modules:
            raise EngineError(
                f"this needs {module}, but this process has loaded {other_module}, and the two do not go together. "
                f"Start another process, or stay with the {other} engine."
            )
