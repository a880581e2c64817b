"""Pens: how wide, how dark and how even the line is that each of them leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .splines import Points

Width = Literal["even", "pressure", "direction", "jagged"]


@dataclass(frozen=True)
class Pen:
    """A kind of pen."""

    width: tuple[float, float]
    """Least and greatest width, in heights of the digit; the picture's pixels set a least width, too."""
    contrast: tuple[float, float]
    """Least and greatest difference to the paper, in levels of 255."""
    shape: Width = "even"
    grain: tuple[float, float] = (0.0, 0.0)
    """Share of the ink that the paper's grain takes away: 0 none, 1 all of it in the deepest places."""
    colours: tuple[str, ...] = ("black", "blue")


PENS = {
    "hairline": Pen((1 / 200, 1 / 200), (90, 220), colours=("black", "black", "blue", "grey")),
    "fineliner": Pen((1 / 45, 1 / 24), (100, 225), colours=("black", "black", "blue", "red", "green")),
    "ball pen": Pen((1 / 55, 1 / 24), (70, 190), "pressure", (0.0, 0.35), ("blue", "blue", "black", "red")),
    "pencil": Pen((1 / 50, 1 / 20), (45, 150), "pressure", (0.2, 0.6), ("grey", "grey", "grey", "red", "green")),
    "fountain pen": Pen((1 / 30, 1 / 13), (80, 210), "direction", (0.0, 0.15), ("blue", "blue", "black", "violet")),
    "marker": Pen((1 / 13, 1 / 5.5), (90, 230), colours=("black", "black", "blue", "red", "green", "violet")),
    "felt pen": Pen((1 / 20, 1 / 11), (80, 220), "pressure", colours=("black", "blue", "red", "green", "violet")),
    "brush": Pen((1 / 14, 1 / 6), (110, 230), "direction", (0.0, 0.2), ("black", "black", "blue")),
    "tablet": Pen((1 / 30, 1 / 9), (110, 255), colours=("black", "black", "blue", "red", "green", "violet")),
    "mouse": Pen((1 / 40, 1 / 8), (150, 255), "jagged", colours=("black", "black", "black", "blue", "red")),
    "chalk": Pen((1 / 24, 1 / 10), (100, 210), "pressure", (0.3, 0.65), ("white",)),
}
INKS = {  # darkest colour of each ink; light inks, for dark grounds, are mixed from the same hues
    "black": (12, 12, 16),
    "grey": (60, 60, 64),
    "blue": (20, 36, 130),
    "red": (176, 20, 28),
    "green": (10, 96, 48),
    "violet": (90, 30, 130),
    "white": (235, 235, 230),
}


def widths(line: Points, pen: Pen, width: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Width of the line at each of its points, in the units of `width`, float64 (n,)."""
    count = len(line)
    match pen.shape:
        case "pressure":  # slow changes, and less of it where the pen comes down and leaves
            at = np.linspace(0, 1, count)
            wave = np.sin(2 * np.pi * (rng.uniform(0.6, 2.2) * at + rng.uniform()))
            ends = np.minimum(1, 0.55 + 6 * np.minimum(at, 1 - at))
            return np.asarray(width * (1 + rng.uniform(0, 0.25) * wave) * ends)
        case "direction":  # a broad nib held at an angle: wide across it, narrow along it
            along = np.gradient(line, axis=0)
            nib = np.deg2rad(rng.uniform(20, 60))
            across = np.abs(np.sin(np.arctan2(-along[:, 1], along[:, 0]) - nib))
            even = np.convolve(np.pad(across, 3, "edge"), np.ones(7) / 7, "valid")
            return np.asarray(width * (0.4 + 0.6 * even))
        case _:
            return np.full(count, width)


def jagged(line: Points, rng: np.random.Generator) -> Points:
    """The line as a mouse gives it: few points with small errors, straight between them."""
    step = int(rng.integers(4, 9))
    kept = np.unique(np.append(np.arange(0, len(line), step), len(line) - 1))
    return np.asarray(line[kept] + rng.normal(0, 0.006, (len(kept), 2)))


def ink_colour(name: str, paper: float, contrast: float) -> tuple[int, int, int]:
    """A colour of this hue that differs from the paper's lightness (0..255) by `contrast`, as far as there is room.

    Darker than the paper where the paper is lighter than middle grey, else lighter.
    """
    hue = np.array(INKS[name], np.float64)
    dark = luma(hue)
    if paper >= 128:
        wanted = max(paper - contrast, 4.0)
        colour = hue * wanted / dark if wanted <= dark else hue + (255 - hue) * (wanted - dark) / (255 - dark)
    else:
        wanted = min(paper + contrast, 252.0)
        colour = hue + (255 - hue) * max(wanted - dark, 0) / (255 - dark)
    red, green, blue = np.clip(colour, 0, 255).round().astype(int).tolist()
    return red, green, blue


def luma(colour: NDArray[np.float64] | tuple[int, int, int]) -> float:
    """Lightness of a colour, 0..255 (ITU-R 601)."""
    return float(np.dot(np.asarray(colour, np.float64), (0.299, 0.587, 0.114)))
