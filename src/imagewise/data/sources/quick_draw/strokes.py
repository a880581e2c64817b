"""Strokes of a pen as a picture, drawn as Quick Draw draws its own bitmaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 28  # pixels of Quick Draw's own bitmaps
_SQUARE = 256.0  # units that a drawing is brought into, those of Quick Draw's simplified drawings
_PEN = 16.0  # units, of Quick Draw's bitmaps
_MARGIN = 24.0  # units on each side: 16 and half of the pen
_FINER = 4  # times as many pixels are drawn, and averaged

Points = NDArray[np.float64]


def draw(strokes: Sequence[Points], side: int = SIDE) -> NDArray[np.uint8]:
    """White strokes on black, antialiased, (side, side) uint8.

    The drawing's bounding box is in the centre. Drawings that are larger than 256 units (raw ones) are made smaller.

    Args:
        strokes: (n, 2) x and y of each stroke's points; y goes down. At least one point in all.
        side: of the picture, in pixels.
    """
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    shrink = min(1.0, (_SQUARE - 1) / max(float((high - low).max()), 1.0))
    offset = (_SQUARE - (high - low) * shrink) / 2 + _MARGIN
    unit = side * _FINER / (_SQUARE + 2 * _MARGIN)
    canvas = Image.new("L", (side * _FINER, side * _FINER))
    pen = ImageDraw.Draw(canvas)
    width = max(1, round(_PEN * unit))
    radius = width / 2
    for stroke in strokes:
        placed = ((stroke - low) * shrink + offset) * unit
        pen.line(placed.ravel().tolist(), fill=255, width=width, joint="curve")
        for x, y in placed[[0, -1]].tolist() if len(placed) else ():  # round ends, and a dot of a single point
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas.reduce(_FINER))
