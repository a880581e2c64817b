"""Lines of a pen to pixels: how much of each pixel is ink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .splines import Points

FINE = 900  # pixels at which the strokes are drawn before they are reduced, where the picture is smaller than that
ENOUGH = 0.4  # of a pixel: from this on it counts as true ink


@dataclass(frozen=True)
class Ink:
    """Ink of a picture, in the box of the picture that holds all of it."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom: pixels of the picture, right and bottom excluded."""
    coverage: Image.Image
    """How much of each pixel of the box is ink: mode L, 0 to 255."""
    spine: Image.Image
    """The pixels that the middle of the pen went through: mode L, 0 or 255."""

    def true(self, width: int, height: int) -> NDArray[np.bool_]:
        """Ink of the whole picture, bool (height, width)."""
        covered = np.asarray(self.coverage) >= ENOUGH * 255
        left, top, right, bottom = self.box
        out = np.zeros((height, width), np.bool_)
        out[top:bottom, left:right] = covered | (np.asarray(self.spine) > 0)
        return out


def rasterise(lines: list[Points], widths: list[NDArray[np.float64]], width: int, height: int) -> Ink:
    """Ink of round pens of the given widths along the lines, all in pixels of a picture of that size."""
    reach = [np.maximum(w, 1)[:, None] / 2 + 1 for w in widths]
    low = np.min([(line - r).min(axis=0) for line, r in zip(lines, reach, strict=True)], axis=0)
    high = np.max([(line + r).max(axis=0) for line, r in zip(lines, reach, strict=True)], axis=0)
    left, top = (int(v) for v in np.maximum(np.floor(low), 0))
    right, bottom = (int(v) for v in np.minimum(np.ceil(high), (width, height)))
    side = max(right - left, bottom - top)
    fine = max(1, min(16, round(FINE / side))) if side < FINE else (2 if side < 1200 else 1)
    canvas = Image.new("L", ((right - left) * fine, (bottom - top) * fine))
    pen = ImageDraw.Draw(canvas)
    spine = Image.new("L", (right - left, bottom - top))
    middle = ImageDraw.Draw(spine)
    for line, wide in zip(lines, widths, strict=True):
        at = line - (left, top)
        draw_line(pen, at * fine - 0.5, wide * fine)
        middle.line([tuple(p) for p in np.floor(at).tolist()], fill=255)
    return Ink((left, top, right, bottom), canvas.reduce(fine) if fine > 1 else canvas, spine)


def draw_line(pen: ImageDraw.ImageDraw, line: Points, widths: NDArray[np.float64]) -> None:
    """A round pen of changing width along the line: a disc at each point, and between two points the strip."""
    radii = np.maximum(widths, 1) / 2
    along = np.diff(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    a, b = across * radii[:-1, None], across * radii[1:, None]
    strips = np.stack([line[:-1] + a, line[1:] + b, line[1:] - b, line[:-1] - a], axis=1)
    for strip in strips.reshape(-1, 8).tolist():
        pen.polygon(strip, fill=255)
    discs = np.concatenate([line - radii[:, None], line + radii[:, None]], axis=1)
    for disc in discs[radii > 0.8].tolist():
        pen.ellipse(disc, fill=255)
