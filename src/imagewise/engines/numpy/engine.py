"""The loop: epochs, batches, validation. It holds no number; they live in the recipe."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset, Split
from imagewise.engines import Callbacks, Fitted
from imagewise.engines.course import Course
from imagewise.engines.dense_stack import is_dense_stack
from imagewise.engines.driver import Material, drive
from imagewise.engines.numpy.cost import Cost
from imagewise.engines.numpy.optimization import build_optimizer, load_state
from imagewise.engines.numpy.stack import Stack
from imagewise.engines.ordering import endless_order, epoch_order
from imagewise.errors import EngineError
from imagewise.initialization import initial_weights
from imagewise.mapped import gather, release
from imagewise.network import Network, Weights
from imagewise.recipe import Augment, Recipe
from imagewise.schedule import learning_rate

SCORING_BATCH = 1000
REPORT_SECONDS = 0.1


class NumPyEngine:
    """Trains plain Dense stacks (Flatten, Dense and ReLU in turn) without augmentation, on the CPU.

    Args:
        device: `auto` or `cpu`.

    Raises:
        EngineError: the device is another one.
    """

    def __init__(self, device: str = "auto") -> None:
        if device not in ("auto", "cpu"):
            raise EngineError(f"device {device}: the numpy engine computes on the CPU; use --engine pytorch.")

    @property
    def device(self) -> str:
        """`cpu (2 threads)`: as many as there are processors that this process may use."""
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"cpu ({threads} threads)"

    def fit(
        self,
        network: Network,
        recipe: Recipe,
        dataset: Dataset,
        *,
        callbacks: Callbacks,
        resume: Checkpoint | None = None,
    ) -> Fitted:
        """Train; see `imagewise.engines.Engine`."""
        course = Course(recipe, dataset, resume)
        material = Material.choose(network, recipe, dataset)
        with np.errstate(all="ignore"):  # a cost that is no finite number ends the run, in the course's words
            return drive(_Learner(network, recipe, material), network, material, course, callbacks, resume)

    def try_rates(
        self, network: Network, recipe: Recipe, dataset: Dataset, rates: Sequence[float]
    ) -> Generator[float, None, None]:
        """See `imagewise.engines.TriesRates`."""
        material = Material.choose(network, recipe, dataset)
        learner = _Learner(network, recipe, material)
        batches = endless_order(len(material.training), recipe.batch_size, recipe.seed)
        for rate, (indices, _) in zip(rates, batches, strict=False):
            with np.errstate(all="ignore"):
                cost, _ = learner.step(indices, rate)
            yield cost


class _Learner:
    """The stack, its optimiser and the training pictures; see `imagewise.engines.driver.Learner`."""

    def __init__(self, network: Network, recipe: Recipe, material: Material) -> None:
        if not is_dense_stack(network.layers):
            raise EngineError(
                f"network {recipe.network.name!r}: the numpy engine trains plain perceptrons only: Dense and ReLU in "
                "turn, without batch normalisation and dropout. Use --engine pytorch."
            )
        if recipe.augment != Augment():
            raise EngineError(
                f"recipe {recipe.name}: the numpy engine has no augmentation (augment); use --engine pytorch."
            )
        self.recipe, self.training = recipe, material.training
        self.scale, self.shift = network.scale_and_shift
        self.stack = Stack(network)
        self.load(initial_weights(network, recipe.initialization, recipe.seed))
        self.optimizer = build_optimizer(self.stack.values, self.stack.matrices, recipe.optimizer)
        self.cost = Cost(recipe.label_smoothing, material.class_weights)

    def read(self) -> Weights:
        return self.stack.read()

    def load(self, weights: Weights) -> None:
        self.stack.load(weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        return {name: value.copy() for name, value in self.optimizer.state.items()}

    def load_optimizer(self, arrays: dict[str, NDArray[Any]]) -> None:
        load_state(self.optimizer, arrays)

    def train(self, epoch: int, callbacks: Callbacks) -> tuple[float, float, float]:
        """Mean cost and accuracy over the epoch's batches, and the last rate."""
        recipe, count = self.recipe, len(self.training)
        order, _ = epoch_order(count, recipe.batch_size, recipe.seed, epoch)
        total, first = len(order) * recipe.epochs, len(order) * (epoch - 1)
        costs, right, rate, reported, seen = 0.0, 0, 0.0, 0.0, 0
        for number, indices in enumerate(order):
            rate = learning_rate(recipe.schedule, recipe.optimizer.learning_rate, first + number, total)
            cost, hits = self.step(indices, rate)
            costs, right, seen = costs + cost * len(indices), right + hits, seen + len(indices)
            if (now := perf_counter()) - reported >= REPORT_SECONDS:
                reported = now
                callbacks.on_batch(epoch, number + 1, len(order), costs / seen, rate)
        return costs / count, right / count, rate

    def step(self, indices: NDArray[np.int64], rate: float) -> tuple[float, int]:
        """One step on these pictures: their mean cost before it, and how many were recognised."""
        labels = np.take(self.training.labels, indices)
        logits = self.stack.forward(self._normalized(gather(self.training.images, indices)))
        cost, upstream = self.cost(logits, labels)
        self.stack.backward(upstream)
        self.optimizer.step(self.stack.gradients, rate)
        return cost, int((logits.argmax(1) == labels).sum())

    def _normalized(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, C) to (N, H * W * C)."""
        values = np.multiply(images, self.scale, dtype=np.float32)
        if self.shift.any():
            values += self.shift
        return values.reshape(len(values), -1)

    def _in_order(self, split: Split) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Logits and labels from first to last."""
        for start in range(0, len(split), SCORING_BATCH):
            part = slice(start, start + SCORING_BATCH)
            yield self.logits(split.images[part]), np.asarray(split.labels[part])
            release(split.images)

    def score(self, split: Split) -> tuple[float, float]:
        cost, right = 0.0, 0
        for logits, labels in self._in_order(split):
            cost += Cost(0.0)(logits, labels)[0] * len(labels)
            right += int((logits.argmax(1) == labels).sum())
        return cost / len(split), right / len(split)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.stack.forward(self._normalized(images))
