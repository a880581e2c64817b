"""L-BFGS for the penalised cross-entropy of a linear model (Nocedal and Wright 2006, "Numerical Optimization",
algorithms 7.4 and 7.5).

Logits are linear along a line. So the search along it needs no product with the features, and an iteration has two:
one forward, one for the gradient.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from imagewise.training.head.rows import Rows

MEMORY = 30  # steps, and changes of the gradient, that are remembered
MOST_ITERATIONS = 1_000
SMALLEST_GAIN = 1e-9  # share of the loss; where an iteration gains less, float32 products allow no more
MOST_TRIALS = 30  # of a search along a line
FLAT = 0.1  # share of the slope that may be left at the end of the search

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


class CrossEntropy:
    """Weighted sum of the cross-entropies of N pictures."""

    def __init__(self, labels: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Keep labels (N,) and weights (N,)."""
        self._pictures = np.arange(len(labels))
        self._labels = labels
        self._weights = weights

    def at(self, logits: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """Loss of logits (N, classes), and its gradient by them."""
        residuals, log_sums = _softmax(logits)
        losses = log_sums - logits[self._pictures, self._labels]
        residuals[self._pictures, self._labels] -= 1
        residuals *= self._weights[:, None]
        return float(self._weights @ losses), residuals.astype(np.float32)

    def slopes(self, logits: NDArray[np.float32], along: NDArray[np.float32]) -> tuple[float, float]:
        """First and second derivative of the loss where the logits move by `along`, both (N, classes)."""
        probabilities, _ = _softmax(logits)
        probabilities *= along
        means = probabilities.sum(axis=1)
        probabilities *= along
        variances = probabilities.sum(axis=1) - means**2
        return float(self._weights @ (means - along[self._pictures, self._labels])), float(self._weights @ variances)


def minimise(
    rows: Rows, loss: CrossEntropy, strength: float, weight: NDArray[np.float64], tolerance: float
) -> NDArray[np.float64]:
    """Weights (classes, D + 1), the last column the bias, where loss + strength / 2 ||weights||^2 is smallest.

    Args:
        weight: where to start; it stays as it is.
        tolerance: largest component of the gradient at the end.
    """
    penalty = np.full(weight.shape[1], strength)
    penalty[-1] = 0  # the bias is free
    logits = rows.logits(weight)
    value, residuals = loss.at(logits)
    value += 0.5 * float((penalty * weight**2).sum())
    gradient = rows.gradient(residuals) + penalty * weight
    memory: deque[Pair] = deque(maxlen=MEMORY)
    for _ in range(MOST_ITERATIONS):
        if np.abs(gradient).max() <= tolerance:
            break
        direction = -_times_inverse_hessian(gradient, memory)
        along = rows.logits(direction)
        step = _search(
            loss, logits, along, float((penalty * weight * direction).sum()), float((penalty * direction**2).sum())
        )
        moved = step * direction
        weight = weight + moved
        logits += np.float32(step) * along
        before = value
        value, residuals = loss.at(logits)
        value += 0.5 * float((penalty * weight**2).sum())
        change = -gradient
        gradient = rows.gradient(residuals) + penalty * weight
        change += gradient
        if (moved * change).sum() > 0:
            memory.append((moved, change))
        if before - value <= SMALLEST_GAIN * value:
            break
    return weight


def _search(
    loss: CrossEntropy,
    logits: NDArray[np.float32],
    along: NDArray[np.float32],
    penalty_slope: float,
    penalty_curvature: float,
) -> float:
    """The length of a step where the slope is nearly 0: Newton's method, kept between bounds, as all is convex."""
    low, high, step, first = 0.0, np.inf, 0.0, 0.0
    for trial in range(MOST_TRIALS):
        slope, curvature = loss.slopes(logits + np.float32(step) * along, along)
        slope += penalty_slope + step * penalty_curvature
        if trial == 0:
            first = abs(slope)
        elif abs(slope) <= FLAT * first:
            break
        low, high = (step, high) if slope < 0 else (low, step)
        step -= slope / (curvature + penalty_curvature)
        if not low < step < high:
            step = 0.5 * (low + high) if np.isfinite(high) else 2 * low
    return step


def _times_inverse_hessian(gradient: NDArray[np.float64], memory: deque[Pair]) -> NDArray[np.float64]:
    """The two loops of algorithm 7.4."""
    out = gradient.copy()
    shares: list[float] = []
    for moved, change in reversed(memory):
        shares.append(float((moved * out).sum() / (moved * change).sum()))
        out -= shares[-1] * change
    if memory:
        moved, change = memory[-1]
        out *= (moved * change).sum() / (change * change).sum()
    for (moved, change), share in zip(memory, reversed(shares), strict=True):
        out += (share - float((change * out).sum() / (moved * change).sum())) * moved
    return out


def _softmax(logits: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities (N, classes), and the logarithm of the sum of the exponentials (N,)."""
    largest = logits.max(axis=1)
    out = np.subtract(logits, largest[:, None], dtype=np.float64)
    np.exp(out, out=out)
    sums = out.sum(axis=1)
    out /= sums[:, None]
    return out, np.log(sums) + largest
