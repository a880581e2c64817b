"""What is printed on paper: squares, lines, dots, and the boxes of forms.

A rule is never like a stroke of the pen in all respects: it is thinner, or fainter, or of another colour, or it goes on
to both edges of the picture and repeats, or it is the frame of a box and the digit in it touches nothing. Only then can
anybody say which is which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .papers import Rules
from .pens import ink_colour
from .splines import Points


@dataclass(frozen=True)
class Written:
    """What the rules must differ from: the digit on the picture, in pixels, and its ink."""

    box: tuple[float, float, float, float]
    height: float
    width: float
    """Of the pen."""
    contrast: float
    """Of the ink, in levels of 255."""
    ink: str


@dataclass(frozen=True)
class Look:
    """How a rule looks: width in pixels, colour."""

    width: float
    colour: tuple[int, int, int]
    equal: bool
    """As wide and as dark as the pen's strokes."""


def choose_look(by: Written, paper: float, grey: bool, like_strokes: bool, rng: np.random.Generator) -> Look:
    """A look that differs from the pen's, drawn by chance from those that are possible here.

    Some look `like_strokes` if that is allowed, and if the pen is at most 1/11 of the digit wide.
    """
    ways = ["fainter", "fainter"]
    ways += ["equal"] if like_strokes and by.width < by.height / 11 else []
    ways += ["thinner", "thinner"] if by.width >= 2.2 else []
    ways += [] if grey else ["colour", "colour"]
    way = rng.choice(ways)
    hue = "grey" if grey else str(rng.choice([name for name in ("blue", "grey", "green", "red") if name != by.ink]))
    width, contrast = by.width, by.contrast
    match way:
        case "fainter":
            width *= rng.uniform(0.3, 0.9)
            contrast *= rng.uniform(0.15, 0.45)
        case "thinner":
            width *= rng.uniform(0.2, 0.5)
            contrast *= rng.uniform(0.4, 1)
        case "colour":
            hues = {"red": ("blue", "green"), "green": ("red", "blue"), "blue": ("red", "green")}
            hue = str(rng.choice(hues.get(by.ink, ("red", "blue", "green"))))
            width *= rng.uniform(0.3, 0.8)
            contrast *= rng.uniform(0.3, 0.75)
        case _:
            width *= rng.uniform(0.7, 1.1)
            contrast *= rng.uniform(0.8, 1)
            hue = by.ink
    return Look(float(max(width, 0.7)), ink_colour(hue, paper, float(contrast)), way == "equal")


def print_rules(
    ground: Image.Image, rules: Rules, by: Written, look: Look, tilt: float, rng: np.random.Generator
) -> None:
    """Print the rules onto the picture of the paper, turned by `tilt` (radians)."""
    width, height = ground.size
    fine = 4 if max(ground.size) <= 300 else 2 if max(ground.size) <= 800 else 1
    mask = Image.new("L", (width * fine, height * fine))
    printer = Printer(ImageDraw.Draw(mask), fine, look.width, tilt, (width, height))
    if rules == "box":
        boxes(printer, by, look, rng)
    elif rules == "dotted":
        printer.dots(spacing(by, look, (0.3, 0.6), ground.size, rng), rng.uniform(0, 1, 2))
    else:
        across = spacing(by, look, (0.9, 2.0) if rules == "lined" else (0.4, 1.2), ground.size, rng)
        foot = by.box[3] / across + rng.normal(0, 0.06)  # people write on a line
        printer.lines(across, 0.0, float(foot if rng.random() < 0.6 else rng.random()))
        if rules == "squared":
            printer.lines(across, np.pi / 2, float(rng.random()))
    ground.paste(look.colour, mask=mask.reduce(fine) if fine > 1 else mask)


def spacing(
    by: Written, look: Look, range_: tuple[float, float], size: tuple[int, int], rng: np.random.Generator
) -> float:
    """Pixels from rule to rule; a rule that looks like a stroke repeats at least three times."""
    apart = by.height * float(rng.uniform(*range_))
    if look.equal:
        apart = min(apart, min(size) / 3.2)
    return max(apart, 4 * look.width, 4.0)


@dataclass(frozen=True)
class Printer:
    """Draws rules on a mask that is `fine` times as fine as the picture."""

    pen: ImageDraw.ImageDraw
    fine: int
    width: float
    tilt: float
    size: tuple[int, int]

    def lines(self, across: float, direction: float, phase: float) -> None:
        """Parallel lines through to both edges; `phase` is where the first is, in distances."""
        angle = self.tilt + direction
        along, normal = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        if direction:
            normal = -normal
        reach = float(np.hypot(*self.size))
        for number in range(-int(reach / across) - 1, int(reach / across) + 2):
            middle = normal * across * (number + phase % 1)
            self.bar(middle - along * 2 * reach, middle + along * 2 * reach)

    def bar(self, start: Points, end: Points) -> None:
        """A straight line from start to end."""
        along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
        half = np.array([-along[1], along[0]]) * self.width / 2
        corners = np.array([start + half, end + half, end - half, start - half]) * self.fine - 0.5
        self.pen.polygon([tuple(corner) for corner in corners.tolist()], fill=255)

    def dots(self, across: float, phase: Points) -> None:
        """A grid of dots, as wide as lines would be, or a little wider."""
        reach = int(np.hypot(*self.size) / across) + 2
        turn = np.array([[np.cos(self.tilt), -np.sin(self.tilt)], [np.sin(self.tilt), np.cos(self.tilt)]])
        grid = np.stack(np.meshgrid(np.arange(-reach, reach), np.arange(-reach, reach)), axis=-1).reshape(-1, 2)
        at = ((grid + phase) * across) @ turn.T
        at = at[((at > -across) & (at < np.array(self.size) + across)).all(axis=1)] * self.fine - 0.5
        radius = max(self.width * 0.6, 0.6) * self.fine
        for x, y in at.tolist():
            self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def boxes(printer: Printer, by: Written, look: Look, rng: np.random.Generator) -> None:
    """The box around the digit, alone or as one of a row whose frames touch, or just what a cut left of it."""
    if rng.random() < 0.3:
        edges(printer, rng)
        return
    left, top, right, bottom = by.box
    gap = max(by.width / 2 + look.width + 2, 0.06 * by.height)
    least = gap if look.equal else -0.06 * by.height  # a frame like a stroke must not touch the digit
    margins = np.maximum(rng.uniform(0.02, 0.4, 4) * by.height, least)
    if not look.equal and rng.random() < 0.25:  # the digit touches or crosses its frame
        margins[rng.integers(4)] = rng.uniform(-0.06, 0.02) * by.height
    x0, y0, x1, y1 = left - margins[0], top - margins[1], right + margins[2], bottom + margins[3]
    cell = x1 - x0
    row = rng.random() < 0.5
    reach = int(printer.size[0] / cell) + 2 if row else 0
    ends = (x0 - reach * cell, x1 + reach * cell)
    for y in (y0, y1):
        printer.bar(np.array([ends[0], y]), np.array([ends[1], y]))
    for number in range(-reach, reach + 2):
        x = x0 + number * cell
        printer.bar(np.array([x, y0 - look.width / 2]), np.array([x, y1 + look.width / 2]))


def edges(printer: Printer, rng: np.random.Generator) -> None:
    """The frame of a box that the picture was cut along: lines near some of its edges, through to both ends."""
    width, height = printer.size
    inside = np.where(rng.random(4) < 0.6, rng.uniform(0, 0.03 * min(printer.size) + 1, 4), -2 * printer.width - 2)
    for y in (inside[0], height - inside[1]):
        printer.bar(np.array([-width, y]), np.array([2 * width, y]))
    for x in (inside[2], width - inside[3]):
        printer.bar(np.array([x, -height]), np.array([x, 2 * height]))


def print_dust(ground: Image.Image, by: Written, colour: tuple[int, int, int], rng: np.random.Generator) -> None:
    """A few specks on the paper, at most a third as wide as the pen."""
    pen = ImageDraw.Draw(ground)
    for _ in range(int(rng.integers(1, 7))):
        x, y = rng.uniform(0, ground.size, 2).tolist()
        side = max(0.0, by.width * float(rng.uniform(0.1, 0.33)) - 1)
        pen.ellipse((x, y, x + side, y + side), fill=colour)
