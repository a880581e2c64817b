"""The loss that training minimises: cross-entropy as PyTorch defines it, with label smoothing and class weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.training.engines.tensorflow.framework import tf


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """The mean over a batch.

    Attributes:
        smoothing: the fraction of the target that is spread over all classes.
        weights: (classes,) float32, how much each class counts; None: all alike.
    """

    smoothing: float = 0.0
    weights: NDArray[np.float32] | None = None

    def __call__(self, logits: Any, labels: Any) -> Any:
        """The loss () of logits (N, classes) and labels (N,)."""
        if self.weights is None:
            return tf.reduce_mean(self.of_each(logits, labels))
        return tf.reduce_sum(self.of_each(logits, labels)) / tf.reduce_sum(tf.gather(self.weights, labels))

    def of_each(self, logits: Any, labels: Any) -> Any:
        """The loss of each picture, (N,)."""
        if not self.smoothing and self.weights is None:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        classes = logits.shape[1]
        target = tf.one_hot(labels, classes) * (1 - self.smoothing) + self.smoothing / classes
        if self.weights is None:
            return tf.nn.softmax_cross_entropy_with_logits(target, logits)
        # not TensorFlow's own, whose gradient takes for granted that a target's sum is 1
        return -tf.reduce_sum(target * self.weights * tf.nn.log_softmax(logits), 1)
