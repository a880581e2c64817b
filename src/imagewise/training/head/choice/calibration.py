"""Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks", section 4.2), in the weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.training.head.logistic import Head

COLDEST, HOTTEST = 0.05, 20.0
MOST_TRIALS = 60
PRECISION = 1e-6  # of the inverse temperature, relative


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64], pictures: int | None = None) -> float:
    """The temperature, in 0.05..20, that logits are best divided by: the smallest cross-entropy of held-out pictures.

    Each picture counts as its class by 1 - 1 / (N + 2), and as the others by the rest: otherwise a few pictures that
    are all right would ask for infinite certainty (Platt 1999, "Probabilistic outputs for support vector machines",
    section 2.2). 1.0 where there are no pictures.

    Args:
        logits: float32 (N, classes), of pictures that the head was not fitted on.
        labels: int64 (N,).
        pictures: how many different ones there are; None: N.
    """
    count, classes = logits.shape
    if count == 0 or classes < 2:
        return 1.0
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    doubt = 1 / ((pictures or count) + 2)
    of_class = exact[np.arange(count), labels]
    wanted = float(((1 - doubt) * of_class + doubt * (exact.sum(axis=1) - of_class) / (classes - 1)).sum())
    low, high, inverse = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(MOST_TRIALS):  # Newton's method between bounds: the loss is convex in the inverse temperature
        probabilities = np.exp(inverse * exact)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        means = (probabilities * exact).sum(axis=1)
        slope = float(means.sum()) - wanted
        curvature = float((probabilities * exact**2).sum() - (means**2).sum())
        low, high = (inverse, high) if slope < 0 else (low, inverse)
        step = inverse - slope / curvature if curvature > 0 else np.nan
        new = step if low < step < high else 0.5 * (low + high)
        if abs(new - inverse) <= PRECISION * inverse:
            break
        inverse = new
    return 1 / inverse


def cooled(head: Head, temperature: float) -> Head:
    """The head whose logits are those of `head` divided by the temperature."""
    factor = np.float32(1 / temperature)
    return Head(head.weight * factor, head.bias * factor)
