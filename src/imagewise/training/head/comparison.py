"""Whether training a whole network further was worth it: the validation pictures decide, as far as they can tell."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.5  # standard deviations by which the trained network must win: its epoch is the best of several


def beats(trained: NDArray[np.float32], head: NDArray[np.float32], labels: NDArray[np.int64]) -> bool:
    """Whether logits (N, classes) of a network that was trained further beat those of the head that it started from.

    Only pictures that one of them classifies correctly and the other does not tell the two apart (McNemar 1947). If
    they were equally good, their difference would have the square root of their number as its standard deviation, so
    that few validation pictures ask for a larger difference in accuracy.
    """
    right, before = trained.argmax(1) == labels, head.argmax(1) == labels
    gained, lost = int((right & ~before).sum()), int((before & ~right).sum())
    return gained - lost > MARGIN * sqrt(gained + lost)
