"""Characters, and the papers that they are written on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.framing_sets.canvas import Dice, Plane, Points, clouds, grid, mix, shares, spline, strokes
from PIL import Image, ImageDraw, ImageFont

# How people write: each character as lines of points, x to the right and y down, in a square of side 1.
CHARACTERS: dict[str, Sequence[Points]] = {
    "0": [[(0.5, 0.05), (0.2, 0.3), (0.2, 0.7), (0.5, 0.95), (0.8, 0.7), (0.8, 0.3), (0.5, 0.05)]],
    "1": [[(0.35, 0.25), (0.55, 0.05), (0.55, 0.95)]],
    "2": [[(0.2, 0.25), (0.5, 0.05), (0.8, 0.28), (0.5, 0.65), (0.2, 0.93), (0.82, 0.93)]],
    "3": [[(0.2, 0.12), (0.6, 0.07), (0.7, 0.28), (0.42, 0.47), (0.78, 0.68), (0.55, 0.94), (0.18, 0.88)]],
    "4": [[(0.6, 0.05), (0.2, 0.62), (0.85, 0.62)], [(0.66, 0.35), (0.64, 0.95)]],
    "5": [[(0.75, 0.07), (0.3, 0.07), (0.26, 0.45), (0.62, 0.42), (0.78, 0.68), (0.55, 0.93), (0.2, 0.88)]],
    "6": [[(0.7, 0.07), (0.35, 0.35), (0.22, 0.72), (0.5, 0.95), (0.77, 0.72), (0.52, 0.52), (0.25, 0.7)]],
    "7": [[(0.18, 0.08), (0.82, 0.08), (0.45, 0.95)], [(0.3, 0.5), (0.72, 0.48)]],
    "8": [[(0.72, 0.2), (0.5, 0.05), (0.28, 0.25), (0.74, 0.7), (0.5, 0.95), (0.24, 0.72), (0.72, 0.2)]],
    "9": [[(0.76, 0.3), (0.5, 0.06), (0.26, 0.3), (0.5, 0.5), (0.76, 0.3), (0.7, 0.95)]],
    "A": [[(0.15, 0.95), (0.5, 0.05), (0.85, 0.95)], [(0.28, 0.62), (0.72, 0.62)]],
    "E": [[(0.78, 0.06), (0.25, 0.06), (0.24, 0.95), (0.8, 0.94)], [(0.25, 0.5), (0.68, 0.48)]],
    "K": [[(0.25, 0.05), (0.25, 0.95)], [(0.78, 0.06), (0.28, 0.52), (0.8, 0.95)]],
    "a": [[(0.72, 0.4), (0.4, 0.35), (0.25, 0.68), (0.5, 0.92), (0.72, 0.6), (0.72, 0.35), (0.78, 0.94)]],
    "x": [[(0.2, 0.3), (0.8, 0.95)], [(0.8, 0.3), (0.2, 0.95)]],
}
PRINT = "0123456789ABCDEFGHKLMNPRSTUVXYZabdefghknprtu"
SYMBOLS = "∑∫√∞≠≤≥±÷∂∆π∈∩∀∃βδθλμφω∇⊂→⇒"


def handwritten(dice: Dice, height: int, width: int, pen: float | None = None) -> Plane:
    """One character by hand, 0..1: anywhere near the middle, a little slanted, by any pen."""
    lines = dice.pick(list(CHARACTERS.values()))
    tall = dice.between(0.45, 0.85)
    wide = tall * dice.between(0.6, 0.95) * height / width
    left, top = dice.between(0.05, max(0.06, 0.95 - wide)), dice.between(0.05, max(0.06, 0.95 - tall))
    slant = dice.between(-0.15, 0.25)

    def shaken(x: float, y: float) -> tuple[float, float]:
        x, y = x + dice.between(-0.04, 0.04) + slant * (0.5 - y), y + dice.between(-0.03, 0.03)
        return left + wide * min(max(x, 0.02), 0.98), top + tall * y

    placed = [[shaken(x, y) for x, y in line] for line in lines]
    across = pen if pen is not None else max(1.0, tall * height * dice.between(0.03, 0.14))
    return strokes(height, width, [spline(line) for line in placed], across)


def printed(dice: Dice, text: str, height: int, width: int, fonts: Sequence[Path], tall: float) -> Plane:
    """Text in a font, 0..1, in the middle."""
    fine = 2
    font = ImageFont.truetype(str(dice.pick(fonts)), max(6, round(tall * height * fine)))
    picture = Image.new("L", (width * fine, height * fine))
    place = (width * fine * dice.between(0.45, 0.55), height * fine * dice.between(0.45, 0.55))
    ImageDraw.Draw(picture).text(place, text, fill=255, font=font, anchor="mm", align="center")
    return shares(picture.resize((width, height), Image.Resampling.BOX))


def fonts(symbols: bool = False) -> list[Path]:
    """Fonts that come with matplotlib; for `symbols` those that have them."""
    names = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "STIXGeneral.ttf"]
    if not symbols:
        names += ["DejaVuSansMono.ttf", "DejaVuSerif-Italic.ttf", "DejaVuSans-Oblique.ttf", "STIXGeneralBol.ttf"]
    return [_font(name) for name in names]


def bold_fonts() -> list[Path]:
    return [_font(name) for name in ("DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono-Bold.ttf")]


def _font(name: str) -> Path:
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


# ---- paper and light


def white(dice: Dice, height: int, width: int) -> Plane:
    """A scan: white or nearly so."""
    return np.full((height, width), dice.between(235, 255))


def grey(dice: Dice, height: int, width: int) -> Plane:
    """Paper in a room's light, which falls off to one side."""
    y, x = grid(height, width)
    paper = dice.between(120, 225) + dice.between(-45, 45) * x + dice.between(-35, 35) * y
    return paper + 5 * clouds(dice, height, width, 12)


def shadowed(dice: Dice, height: int, width: int) -> Plane:
    """The shadow of a hand or a phone lies over a part of the paper; it takes up to half of the light."""
    y, x = grid(height, width)
    turn = dice.between(0, 6.3)
    far = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn) + 0.1 * (clouds(dice, height, width, 3) - 0.5)
    edge = dice.between(0.01, 0.25)
    shade = np.clip((far - dice.between(-0.25, 0.25)) / edge + 0.5, 0, 1)
    return np.asarray(dice.between(190, 240) * (1 - dice.between(0.25, 0.5) * shade))


def lined(dice: Dice, height: int, width: int) -> Plane:
    """School paper: lines a third to an eighth of the picture apart."""
    paper = grey(dice, height, width) + 20
    return mix(_rules(dice, height, width, across=False), paper, paper * dice.between(0.6, 0.85))


def squared(dice: Dice, height: int, width: int) -> Plane:
    """Paper with squares."""
    paper = grey(dice, height, width) + 20
    return mix(_rules(dice, height, width, across=True), paper, paper * dice.between(0.65, 0.9))


def _rules(dice: Dice, height: int, width: int, across: bool) -> Plane:
    pitch, thick = dice.between(0.12, 0.33), max(1.0, height * dice.between(0.004, 0.012))
    lines: list[Points] = []
    start = dice.between(0, pitch)
    lines += [[(-0.1, start + pitch * n), (1.1, start + pitch * n)] for n in range(9)]
    if across:
        lines += [[(start + pitch * n, -0.1), (start + pitch * n, 1.1)] for n in range(9)]
    return strokes(height, width, lines, thick)


def written_on(paper: Callable[[Dice, int, int], Plane], pens: tuple[float, float]) -> Callable[[Dice], Plane]:
    """Levels of a character on this paper; the pen lets the given shares of the light through."""

    def make(dice: Dice) -> Plane:
        side = dice.side()
        height, width = side, round(side * dice.between(0.75, 1.3))
        ground = paper(dice, height, width)
        return mix(handwritten(dice, height, width), ground, ground * dice.between(*pens))

    return make
