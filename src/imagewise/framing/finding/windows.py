"""The largest value and the mean of square windows: what other libraries have as filters, the same in JavaScript."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", np.uint8, np.float32, np.bool_)


def largest_around(levels: NDArray[Kind], reach: int) -> NDArray[Kind]:
    """The largest value of each square window of `reach` (odd) pixels; windows end at the picture's edge."""
    return largest_above(largest_above(levels, reach).T, reach).T


def largest_above(levels: NDArray[Kind], reach: int) -> NDArray[Kind]:
    """Over windows of `reach` (odd) rows: of two, then of four ..., so that a wide one takes little more time."""
    height, half, rows = len(levels), reach // 2, 1
    found = np.empty((height + 2 * half, levels.shape[1]), dtype=levels.dtype)  # np.pad takes longer than the rest
    found[:half], found[half : half + height], found[half + height :] = levels[0], levels, levels[-1]
    while rows < reach:
        step = min(rows, reach - rows)
        found = np.maximum(found[:-step], found[step:])
        rows += step
    return found


def sum_around(levels: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """The sum of each square window of `reach` (odd) pixels; windows end at the picture's edge."""
    return _sum_above(_sum_above(levels, reach).T, reach).T


def _sum_above(levels: NDArray[np.float32] | NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    height, half = len(levels), reach // 2
    sums = np.zeros((height + reach, levels.shape[1]))
    np.cumsum(levels, axis=0, out=sums[half + 1 : half + 1 + height])
    sums[half + 1 + height :] = sums[half + height]
    return sums[reach:] - sums[:-reach]


def window_sizes(height: int, width: int, reach: int) -> NDArray[np.float64]:
    """How many pixels each of those windows has, (height, width)."""
    half = reach // 2
    tall, wide = (
        np.minimum(np.arange(side) + half, side - 1) - np.maximum(np.arange(side) - half, 0) + 1.0
        for side in (height, width)
    )
    return tall[:, None] * wide


def framed_by(levels: NDArray[Kind], value: int) -> NDArray[Kind]:
    """(H + 2, W + 2): with one more pixel of this value all around."""
    framed = np.full((levels.shape[0] + 2, levels.shape[1] + 2), value, dtype=levels.dtype)
    framed[1:-1, 1:-1] = levels
    return framed
