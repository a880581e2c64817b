"""The levels of an array of numbers: 0..255, where the range that they come in is clear."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-3  # by which resizing may leave 0..1


def bits_of(greatest: float) -> int:
    """How many bits numbers have of which this is the greatest: 8 up to 255, 12 for 4,095."""
    return 8 if greatest <= 255 else ceil(log2(greatest + 1))


def to_levels(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Levels 0..255, uint8, of an array of any shape; one of uint8 comes out as it is.

    Booleans are black and white. Integers are 0..255; if one is greater, they have as many bits as the greatest needs
    (4,095 is 12 bits). Floats are 0..1, or 0..255 where the greatest is 2 or more.

    Raises:
        ValueError: numbers of no clear range: negative, not finite, or from 1 to 2.
    """
    if array.dtype == np.uint8 or not array.size:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind in "ui" and low >= 0:
        top = 2 ** bits_of(high) - 1
        return array.astype(np.uint8) if top == 255 else _scaled(array, 255 / top)
    if array.dtype.kind == "f" and low >= -_SLACK:  # not so for NaN
        if high <= 1 + _SLACK:
            return _scaled(array, 255)
        if 2 <= high <= 255 + _SLACK:
            return _scaled(array, 1)
    advice = "Pass the picture as it was before it was normalised, or scale" if low < 0 else "Scale"
    raise ValueError(f"an array with values from {low:g} to {high:g}. {advice} it to 0..1 (float) or 0..255 (uint8).")


def _scaled(array: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    return (np.clip(array.astype(np.float64) * scale, 0, 255) + 0.5).astype(np.uint8)


def quantile(levels: NDArray[Any], share: float) -> float:
    """The level below which this share of them lies: one of them, so that any language finds the same."""
    return float(np.sort(levels, axis=None)[int(share * levels.size)])


def median(levels: NDArray[Any]) -> float:
    """The level in the middle; the upper one of two."""
    return quantile(levels, 0.5)
