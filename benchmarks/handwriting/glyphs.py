"""Printed digits, and the digits of seven-segment displays, as subjects to put on a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .layout import Layout
from .rasterising import Ink
from .splines import Points

EM = 256  # pixels of the size at which a glyph is measured
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
OTHERS = {6: "fgedc", 7: "abcf", 9: "abfgc"}  # displays that leave a segment out, or have one more


@dataclass(frozen=True)
class Glyph:
    """A character of a font, turned a little."""

    file: Path
    text: str
    turn: float
    """Degrees, anticlockwise."""

    def mask(self, size: float) -> Image.Image:
        """The character at that size of an em in pixels, mode L, cropped to its ink."""
        font = ImageFont.truetype(self.file, size)
        left, top, right, bottom = (int(v) for v in font.getbbox(self.text))
        canvas = Image.new("L", (right - left + 4, bottom - top + 4))
        ImageDraw.Draw(canvas).text((2 - left, 2 - top), self.text, fill=255, font=font)
        if self.turn:
            canvas = canvas.rotate(self.turn, Image.Resampling.BICUBIC, expand=True)
        return canvas.crop(canvas.getbbox() or (0, 0, 1, 1))

    def extent(self) -> tuple[Points, Points]:
        """Zero, and width and height of the character, in ems."""
        return np.zeros(2), np.array(self.mask(EM).size) / EM

    def ink(self, layout: Layout, rng: np.random.Generator) -> tuple[Ink, float]:
        """The ink on the picture, and the usual width of its strokes in pixels."""
        fine = 4 if layout.scale < 200 else 2 if layout.scale < 600 else 1
        mask = self.mask(layout.scale * fine)
        canvas, box, (x, y) = canvas_of(layout, np.zeros(2), np.array(mask.size) / (layout.scale * fine), fine)
        canvas.paste(mask, (round(float(x)), round(float(y))))
        ink = ink_on(canvas, box, fine)
        return ink, stroke_width(ink)


@dataclass(frozen=True)
class SevenSegments:
    """A digit of a display, in heights of the digit."""

    digit: int
    other: bool
    """As displays of the other kind show 6, 7 and 9."""
    thickness: float
    gap: float
    slant: float
    """How far the top is to the right of the foot."""
    ghost: float
    """How much of the ink the segments that are off show, 0..0.2."""
    width: float

    def lit(self) -> str:
        """Names of the segments that are on: a to f clockwise from the top, g in the middle."""
        return OTHERS.get(self.digit, SEGMENTS[self.digit]) if self.other else SEGMENTS[self.digit]

    def segment(self, name: str) -> Points:
        """The six corners of a segment."""
        w, t = self.width, self.thickness / 2
        places = {
            "tl": (t, t),
            "tr": (w - t, t),
            "ml": (t, 0.5),
            "mr": (w - t, 0.5),
            "bl": (t, 1 - t),
            "br": (w - t, 1 - t),
        }
        ends = {"a": "tl tr", "b": "tr mr", "c": "mr br", "d": "bl br", "e": "ml bl", "f": "tl ml", "g": "ml mr"}
        a, b = (np.array(places[end]) for end in ends[name].split())
        along = (b - a) / np.hypot(*(b - a))
        across = np.array([-along[1], along[0]]) * t
        a, b = a + along * self.gap, b - along * self.gap
        inside_a, inside_b = a + along * t, b - along * t
        shape = np.array([a, inside_a + across, inside_b + across, b, inside_b - across, inside_a - across])
        return np.asarray(shape + np.outer(1 - shape[:, 1], (self.slant, 0)))

    def extent(self) -> tuple[Points, Points]:
        """Least and greatest x and y of the segments that are on."""
        every = np.concatenate([self.segment(name) for name in self.lit()])
        return every.min(axis=0), every.max(axis=0)

    def ink(self, layout: Layout, rng: np.random.Generator) -> tuple[Ink, float]:
        """The ink on the picture, and the width of a segment in pixels."""
        fine = 4 if layout.scale < 300 else 2
        every = np.concatenate([self.segment(name) for name in "abcdefg"])
        canvas, box, at = canvas_of(layout, every.min(axis=0), every.max(axis=0), fine)
        pen = ImageDraw.Draw(canvas)
        for name in sorted("abcdefg", key=lambda name: name in self.lit()):
            corners = self.segment(name) * layout.scale * fine + at - 0.5
            fill = 255 if name in self.lit() else round(255 * self.ghost)
            pen.polygon([tuple(corner) for corner in corners.tolist()], fill=fill)
        return ink_on(canvas, box, fine), self.thickness * layout.scale


Box = tuple[int, int, int, int]


def canvas_of(layout: Layout, low: Points, high: Points, fine: int) -> tuple[Image.Image, Box, Points]:
    """A canvas `fine` times as fine as the picture for ink from `low` to `high`; its box; where (0, 0) is on it."""
    left, top = (int(v) for v in np.maximum(np.floor(layout.place(low)) - 1, 0))
    right, bottom = (int(v) for v in np.minimum(np.ceil(layout.place(high)) + 1, (layout.width, layout.height)))
    canvas = Image.new("L", ((right - left) * fine, (bottom - top) * fine))
    return canvas, (left, top, right, bottom), (layout.origin - (left, top)) * fine


def ink_on(canvas: Image.Image, box: Box, fine: int) -> Ink:
    """The ink of a canvas; print has no middle line of a pen."""
    coverage = canvas.reduce(fine) if fine > 1 else canvas
    return Ink(box, coverage, Image.new("L", coverage.size))


def stroke_width(ink: Ink) -> float:
    """Usual width of the strokes in pixels: twice their area by the length of their outline."""
    levels = np.asarray(ink.coverage, np.float32) / 255
    outline = float(np.abs(np.diff(levels, axis=0)).sum() + np.abs(np.diff(levels, axis=1)).sum()) * np.pi / 4
    return float(max(1.0, 2 * levels.sum() / max(outline, 1)))
