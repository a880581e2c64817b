"""A stack of Dense layers, its optimiser and the training pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.data.memmap import take
from imagewise.errors import EngineError
from imagewise.networks.network import Weights
from imagewise.training.engines.base import Step, StepResults
from imagewise.training.engines.numpy.loss import TrainingLoss
from imagewise.training.engines.numpy.optimization import build_optimizer, load_state
from imagewise.training.engines.numpy.scope import refusal
from imagewise.training.engines.numpy.stack import Stack
from imagewise.training.job import TrainingJob


class NumPyLearner:
    """Trains a stack with its gradients written out; see `base.Learner`."""

    def __init__(self, job: TrainingJob, training: Split) -> None:
        recipe, network = job.recipe, job.network
        if (reason := refusal(recipe, network)) is not None:
            raise EngineError(f"{reason} Use --engine pytorch.")
        self._training = training
        self._scale, self._shift = network.scale_and_shift
        self._stack = Stack(network)
        self.load(job.starting_weights())
        multipliers = self._stack.spread(job.rate_multiplier) if job.rate_multipliers else None
        self._optimizer = build_optimizer(self._stack.values, self._stack.matrices, recipe.optimizer, multipliers)
        self._loss = TrainingLoss(recipe.label_smoothing, job.class_weights)

    def read(self) -> Weights:
        """Canonical weights, copied."""
        return self._stack.read()

    def load(self, weights: Weights) -> None:
        """Take these canonical weights."""
        self._stack.load(weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        """Arrays of the optimiser's state, copied."""
        return {name: value.copy() for name, value in self._optimizer.state.items()}

    def load_optimizer(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `read_optimizer`."""
        load_state(self._optimizer, arrays)

    def steps(self, steps: Sequence[Step]) -> StepResults:
        """Take these steps."""
        taken = [self._step(step) for step in steps]
        return StepResults([loss for loss, _ in taken], [correct for _, correct in taken])

    def _step(self, step: Step) -> tuple[float, int]:
        """Loss and correct predictions of the batch before the step."""
        labels = np.take(self._training.labels, step.indices)
        logits = self.logits(take(self._training.images, step.indices))
        loss, upstream = self._loss(logits, labels)
        self._stack.backward(upstream)
        self._optimizer.step(self._stack.gradients, step.learning_rate)
        return loss, int((logits.argmax(1) == labels).sum())

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of framed pictures (n, H, W, C): float32 (n, classes)."""
        return self._stack.forward(self._normalized(images))

    def _normalized(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures (N, H, W, C) as the first layer's input, (N, H * W * C)."""
        values = np.multiply(images, self._scale, dtype=np.float32)
        if self._shift.any():
            values += self._shift
        return values.reshape(len(values), -1)
