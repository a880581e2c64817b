"""Whether a model's confidence can be trusted: a test of its calibration error."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from imagewise.evaluation.metrics import CALIBRATION_BINS, calibration_error
from imagewise.evaluation.significance import ERROR_RATE

SIMULATIONS, MOST_SIMULATIONS = 199, 9_999
DRAWN_AT_ONCE = 1_000_000  # random numbers


def is_miscalibrated(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], error_rate: float = ERROR_RATE
) -> bool:
    """Whether the calibration error is larger than chance explains.

    The calibration error is above 0 for a perfectly calibrated model, too. So it is compared with those of simulated
    models that are right exactly as often as they say (a Monte Carlo test, exact at `error_rate`). Seeded.

    Args:
        probabilities: float32 (N, classes); each row adds up to 1.
        labels: int64 (N,), true classes.
        error_rate: how often a perfectly calibrated model may be called miscalibrated. Below 0.0001, none is.
    """
    confidence = probabilities.max(axis=1)
    found = calibration_error(confidence, probabilities.argmax(axis=1) == labels)
    count = len(confidence)
    confidence = np.sort(confidence)
    bins = np.ceil(confidence * CALIBRATION_BINS)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    simulations = min(max(SIMULATIONS, ceil(2 / error_rate)), MOST_SIMULATIONS)
    allowed = error_rate * (simulations + 1) - 1  # simulated models that may be as far off
    rng = np.random.default_rng(0)
    as_far_off = 0
    for start in range(0, simulations, step := max(1, DRAWN_AT_ONCE // count)):
        if as_far_off > allowed:
            return False
        right = rng.random((min(step, simulations - start), count), dtype=np.float32) < confidence
        gaps = np.add.reduceat(right - confidence, starts, axis=1)
        errors = np.abs(gaps).sum(axis=1) / count
        as_far_off += int((errors >= found - 1e-6).sum())
    return as_far_off <= allowed
