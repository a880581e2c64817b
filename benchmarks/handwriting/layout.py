"""How large a picture is, and where on it the digit is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .splines import Points

SMALLEST, LARGEST = 20, 4000  # pixels of a picture's longer side
USUAL = 1500  # few are larger, so that a set stays cheap
LEAST_DIGIT = 16  # pixels of the digit's longer side


@dataclass(frozen=True)
class Layout:
    """A picture's size in pixels, and the place of the digit on it."""

    width: int
    height: int
    scale: float
    """Pixels of one height of the digit."""
    origin: Points
    """Where the digit's point (0, 0) is on the picture, (2,)."""

    def place(self, line: Points) -> Points:
        """The line in pixels of the picture."""
        return line * self.scale + self.origin


def longer_side(rng: np.random.Generator) -> int:
    """Log-uniform from 20 to 1,500 pixels; 2 of 100 from there to 4,000."""
    low, high = (USUAL, LARGEST) if rng.random() < 0.02 else (SMALLEST, USUAL)
    return int(np.clip(round(np.exp(rng.uniform(np.log(low), np.log(high)))), SMALLEST, LARGEST))


def lay_out(low: Points, high: Points, side: int, room: float, rng: np.random.Generator) -> Layout:
    """A place for a digit whose ink reaches from `low` to `high` (x, y in heights) on a picture of that longer side.

    The ink is nowhere cut, and never nearer than a pixel and 2% of the picture to two opposite edges.
    """
    kind = str(rng.choice(["centred", "off centre", "tight", "edge", "small"], p=[0.42, 0.26, 0.14, 0.09, 0.09]))
    if kind == "tight" and room < 1:
        kind = "off centre"
    extent = high - low
    size = shape_of(kind, extent, side, rng)
    parts = {
        "centred": (0.42, 0.85),
        "off centre": (0.22, 0.6),
        "tight": (1, 1),
        "edge": (0.35, 0.85),
        "small": (0.1, 0.3),
    }
    part = min(float(rng.uniform(*parts[kind])), room)
    margin = max(1.0, 0.02 * side) if kind != "tight" else float(rng.uniform(1, 1 + 0.05 * side)) + 0.02 * side
    fit = float(((size - 2 * margin) / extent).min())
    readable = LEAST_DIGIT / float(extent.max())
    scale = min(fit, max(part * float((size / extent).min()), readable))
    space = size - extent * scale - 2 * margin
    if kind in ("centred", "tight"):
        at = margin + space * np.clip(0.5 + rng.normal(0, 0.08, 2), 0, 1)
    else:
        at = margin + space * rng.uniform(0, 1, 2)
    if room < 1:  # what is around the digit must fit, too
        at = margin + space * np.clip(0.5 + rng.normal(0, 0.12, 2), 0.2, 0.8)
    elif kind == "edge":
        axis = int(rng.integers(2))
        at[axis] = 0.5 if rng.random() < 0.5 else size[axis] - extent[axis] * scale - 0.5
    return Layout(int(size[0]), int(size[1]), scale, np.asarray(at - low * scale))


def shape_of(kind: str, extent: Points, side: int, rng: np.random.Generator) -> Points:
    """Width and height of the picture (2,): cropped to the digit, square, or as sheets and screens are."""
    if kind == "tight":
        ratio = float(np.clip(extent[0] / extent[1], 0.35, 1 / 0.35)) * float(np.exp(rng.normal(0, 0.05)))
    elif rng.random() < 0.5:
        ratio = 1.0
    else:
        ratio = float(rng.uniform(0.6, 1)) ** float(rng.choice([-1, 1]))
    shorter = max(min(side, SMALLEST), side * min(ratio, 1 / ratio))
    return np.round(np.array([side, shorter] if ratio > 1 else [shorter, side]))
