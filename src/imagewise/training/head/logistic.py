"""Multinomial logistic regression in NumPy: the linear head on the features of a pretrained network.

Minimises sum_i s_i cross_entropy_i + strength / 2 ||W||^2 over weights W of centred features in units of their common
spread, with an unpenalised bias.

scikit-learn and SciPy are not used: a head must train with the base installation, and importing them takes seconds.
The tests compare with scikit-learn's LogisticRegression, whose C is 1 / strength.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import RecipeError, TrainingError
from imagewise.training.head.lbfgs import CrossEntropy, minimise
from imagewise.training.head.rows import Rows

TOLERANCE = 1e-5  # of the gradient's largest component, a share of the sum of the sample weights
CERTAINLY_NOT = 20.0  # logits that a class without pictures is below the mean of the others


class Head(NamedTuple):
    """A linear classifier of features.

    Attributes:
        weight: float32 (classes, F).
        bias: float32 (classes,).
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 (N, classes) of features (N, F)."""
        return features @ self.weight.T + self.bias


def fit_logistic(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: int,
    strength: float,
    sample_weights: NDArray[np.float64] | None = None,
    start: Head | None = None,
) -> Head:
    """The head with the smallest penalised loss. Deterministic. Memory for features is bounded by `rows.IN_MEMORY`.

    Args:
        features: float32 (N, F), may be memory-mapped.
        labels: int64 (N,), in 0..classes - 1. A class without pictures gets a probability below 1e-8 everywhere.
        classes: number of classes.
        strength: of the L2 penalty, above 0.
        sample_weights: (N,), at least 0; None: all 1. An integer weight equals so many copies.
        start: a head to start from, such as that of another strength.

    Raises:
        RecipeError: the strength is not above 0.
        TrainingError: features are not finite, or no picture has a weight.
    """
    return LogisticProblem([features], labels, classes, sample_weights).fit(strength, start)


class LogisticProblem:
    """Features prepared once, to be fitted with several strengths."""

    def __init__(
        self,
        parts: Sequence[NDArray[np.float32]],
        labels: NDArray[np.int64],
        classes: int,
        sample_weights: NDArray[np.float64] | None = None,
        depths: Sequence[int] | None = None,
    ) -> None:
        """Measure the features of the parts, each (n, F). For the rest see `Rows` and `fit_logistic`."""
        weights = np.ones(len(labels)) if sample_weights is None else sample_weights
        self._labels = labels
        self._classes = classes
        self._weigh(weights)
        self._rows = Rows(parts, weights, depths)

    def weighted(self, sample_weights: NDArray[np.float64]) -> Self:
        """The same features with other weights of the pictures; their mean and spread stay as they were measured."""
        other = copy(self)
        other._weigh(sample_weights)
        return other

    def _weigh(self, weights: NDArray[np.float64]) -> None:
        self._total = float(weights.sum())
        if not self._total > 0:
            raise TrainingError("no picture counts: all weights are 0. Give some classes a weight above 0.")
        self._present = np.unique(self._labels[weights > 0])
        targets = np.searchsorted(self._present, self._labels).clip(max=len(self._present) - 1)  # of others: no weight
        self._loss = CrossEntropy(targets, np.asarray(weights, dtype=np.float64))

    def fit(self, strength: float, start: Head | None = None, tolerance: float = TOLERANCE) -> Head:
        """The head of one strength, from `start`; `tolerance` as `TOLERANCE`."""
        if not strength > 0:
            raise RecipeError(f"the strength of the regularisation must be above 0, not {strength:g}")
        rows, present = self._rows, self._present
        if start is None:
            weight = np.zeros((len(present), rows.width + 1))
        else:
            weight = rows.inward(start.weight[present].astype(np.float64), start.bias[present].astype(np.float64))
        weight = minimise(rows, self._loss, strength, weight, tolerance * self._total)
        weight -= weight.mean(axis=0)  # so the mean of a picture's logits is 0, and its largest is at least 0
        found = Head(
            np.zeros((self._classes, len(rows.mean)), np.float32), np.full(self._classes, -CERTAINLY_NOT, np.float32)
        )
        found.weight[present], found.bias[present] = rows.outward(weight)
        return found
