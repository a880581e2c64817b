"""An engine without a framework: nearest class mean, written as the weights of Flatten, Dense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.base import Learner, Step, StepResults
from imagewise.training.job import TrainingJob


class FakeEngine:
    """Its learner knows the first n-th part of the pictures in epoch n.

    `lie` is added to the logits of the weights that are loaded in the end: those that the model file is held to.
    """

    device = "fake"
    threads = 1
    most_threads = 1

    def __init__(self, lie: float = 0.0) -> None:
        self._lie = lie

    def settle(self, job: TrainingJob) -> TrainingJob:
        return job

    def learner(self, job: TrainingJob, training: Split) -> Learner:
        return FakeLearner(job, training, self._lie)

    def use_threads(self, count: int) -> None:
        assert 1 <= count <= self.most_threads
        self.threads = count

    def active(self) -> AbstractContextManager[None]:
        return nullcontext()


class FakeLearner:
    def __init__(self, job: TrainingJob, training: Split, lie: float) -> None:
        self._job, self._training, self._lie = job, training, np.float32(lie)
        self._loaded = False
        self._weights = nearest_mean(job.network, training, 0)

    def steps(self, steps: Sequence[Step]) -> StepResults:
        count, epochs = len(self._training), self._job.recipe.epochs
        epoch = steps[-1].number // -(-count // self._job.recipe.batch_size) + 1
        self._weights = nearest_mean(self._job.network, self._training, count * epoch // epochs)
        scores = [_score(self._weights, self._training.take(step.indices)) for step in steps]
        return StepResults([loss for loss, _ in scores], [correct for _, correct in scores])

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = _logits(self._weights, images)
        return logits + self._lie if self._loaded else logits

    def read(self) -> Weights:
        return {name: value.copy() for name, value in self._weights.items()}

    def load(self, weights: Weights) -> None:
        self._weights, self._loaded = weights, True

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        return {}

    def load_optimizer(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        if arrays:
            raise ValueError("there is no optimiser")


def nearest_mean(network: Network, split: Split, known: int | None = None) -> Weights:
    """-|x - mean|^2 without the |x|^2 that all classes share is 2 mean x - |mean|^2. All 0 for an unknown class.

    Of the first `known` pictures, or all.
    """
    pixels, labels = _pixels(split.images[:known]), split.labels[:known]
    means = np.zeros(network.weight_shapes()["1.weight"], dtype=np.float32)
    for label in np.unique(labels):
        means[label] = pixels[labels == label].mean(0)
    return {"1.weight": 2 * means, "1.bias": -(means**2).sum(1)}


def _pixels(images: np.ndarray) -> np.ndarray:
    return (images.transpose(0, 3, 1, 2).reshape(len(images), int(np.prod(images.shape[1:]))) / np.float32(255)).astype(
        np.float32
    )


def _logits(weights: Weights, images: np.ndarray) -> NDArray[np.float32]:
    return np.asarray(_pixels(images) @ weights["1.weight"].T + weights["1.bias"], dtype=np.float32)


def _score(weights: Weights, split: Split) -> tuple[float, int]:
    """Mean cross-entropy, and how many are classified correctly."""
    logits = _logits(weights, split.images).astype(np.float64)
    log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    right = logits[np.arange(len(split)), split.labels]
    return float((log_sum - right).mean()), int((logits.argmax(1) == split.labels).sum())
