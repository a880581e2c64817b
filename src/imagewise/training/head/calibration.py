"""Temperature scaling of a head (Guo et al. 2017, arXiv:1706.04599, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import log_softmax
from imagewise.training.head.logistic import Head

LOWEST, HIGHEST = 0.05, 20.0
PRECISION = 1e-3  # of the temperature's logarithm


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature by which logits (N, classes) are to be divided for the smallest mean cross-entropy.

    Args:
        logits: of pictures that the head was not fitted on.
        labels: (N,).
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = (logits / np.exp(log_temperature)).astype(np.float32)
        return -float(log_softmax(scaled)[rows, labels].mean(dtype=np.float64))

    # the loss has one minimum in the inverse temperature: it is convex there
    ratio = (np.sqrt(5) - 1) / 2
    low, high = float(np.log(LOWEST)), float(np.log(HIGHEST))
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > PRECISION:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return float(np.exp((low + high) / 2))


def cooled(head: Head, temperature: float) -> Head:
    """The head whose logits are divided by the temperature."""
    return Head(
        (head.weight / temperature).astype(np.float32, copy=False),
        (head.bias / temperature).astype(np.float32, copy=False),
    )
