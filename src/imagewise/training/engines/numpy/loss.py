"""Cross-entropy with PyTorch's meaning of label smoothing and class weights, and its gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import log_softmax

Array = NDArray[np.float32]


class TrainingLoss:
    """The mean over a batch, each picture by its class's weight.

    Args:
        label_smoothing: the share of each label that is spread over all classes.
        class_weights: (classes,) float32, or None where all count alike.
    """

    def __init__(self, label_smoothing: float, class_weights: Array | None = None) -> None:
        self._smoothing, self._weights = label_smoothing, class_weights

    def __call__(self, logits: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
        """The loss, and d loss / d logits (N, classes): probabilities times the target's sum, minus the target."""
        log_probabilities = log_softmax(logits)
        target, mass = self._target(labels, logits.shape[1])
        loss = -float(np.vdot(target, log_probabilities))
        gradient = np.exp(log_probabilities, out=log_probabilities)
        gradient *= mass
        gradient -= target
        return loss, gradient

    def _target(self, labels: NDArray[np.int64], classes: int) -> tuple[Array, Array | np.float32]:
        """What log-probabilities are multiplied by, (N, classes), and its sum for a picture: (N, 1), or one for all."""
        count, right = len(labels), 1 - self._smoothing
        rows = np.arange(count)
        if self._weights is None:
            target = np.full((count, classes), self._smoothing / classes / count, dtype=np.float32)
            target[rows, labels] += np.float32(right / count)
            return target, np.float32(1 / count)
        weights = self._weights[labels]
        target = np.tile(self._weights * np.float32(self._smoothing / classes), (count, 1))
        target[rows, labels] += np.float32(right) * weights
        target /= weights.sum()
        return target, target.sum(axis=1, keepdims=True)
