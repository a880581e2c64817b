"""What is put on a picture: handwriting as lines of a pen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .layout import Layout
from .pens import Pen, jagged, widths
from .rasterising import Ink, rasterise
from .splines import Points

WIDEST_ON_SMALL = 1 / 7  # of a digit of less than 26 pixels: its loops would fill


class Subject(Protocol):
    """Something to put on a picture: where its ink reaches to, in its own units, and its ink once it has a place.

    A subject of another kind, such as a printed digit, needs these two and nothing else.
    """

    def extent(self) -> tuple[Points, Points]:
        """Least and greatest x and y of the ink, (2,) each, in units of the subject."""

    def ink(self, layout: Layout, rng: np.random.Generator) -> tuple[Ink, float]:
        """The ink on the picture, and the usual width of its strokes in pixels."""


@dataclass(frozen=True)
class Handwriting:
    """Lines of a pen, in heights of the digit."""

    lines: list[Points]
    pen: Pen
    wide: float
    """Width of the pen, in heights of the digit; on a picture it is at least a pixel wide."""
    room: Points | None = None
    """Points that need a place on the picture without being ink: the rest of the line that a full stop is on."""

    def extent(self) -> tuple[Points, Points]:
        """Least and greatest x and y of the ink."""
        every = np.concatenate(self.lines if self.room is None else [*self.lines, self.room])
        return every.min(axis=0) - self.wide / 2, every.max(axis=0) + self.wide / 2

    def ink(self, layout: Layout, rng: np.random.Generator) -> tuple[Ink, float]:
        """The ink on the picture, and the pen's width in pixels."""
        width = max(min(self.wide, WIDEST_ON_SMALL if layout.scale < 26 else 1) * layout.scale, 1.0)
        placed = [layout.place(line) for line in self.lines]
        wide = [widths(line, self.pen, width, rng) for line in placed]
        return rasterise(placed, wide, layout.width, layout.height), width


def with_pen(lines: list[Points], pen: Pen, rng: np.random.Generator, room: Points | None = None) -> Handwriting:
    """The lines as this pen, at a width drawn by chance, makes them."""
    wide = float(np.exp(rng.uniform(*np.log(pen.width))))
    return Handwriting([jagged(line, rng) for line in lines] if pen.shape == "jagged" else lines, pen, wide, room)
