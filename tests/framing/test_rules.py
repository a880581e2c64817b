"""Rules and frames are taken away, and no stroke of a character with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagewise.framing.finding.windows import largest_around
from imagewise.framing.ink import INK, character_ink

Draw = Callable[[ImageDraw.ImageDraw], None]
SIDE = 240


def kept_of(*draws: Draw, paper: int = 235) -> tuple[float, float]:
    """Shares of the first drawing's ink that is kept, and of what is kept that is not the first drawing's."""
    picture = Image.new("L", (SIDE, SIDE), paper)
    for draw in draws[1:]:
        draw(ImageDraw.Draw(picture))
    draws[0](ImageDraw.Draw(picture))
    alone = Image.new("L", (SIDE, SIDE), paper)
    draws[0](ImageDraw.Draw(alone))
    true_ink = np.asarray(alone) != paper
    kept = character_ink(picture)[0] >= INK
    return share(true_ink, largest_around(kept, 3)), share(kept, ~largest_around(true_ink, 3))


def share(of: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    return float((of & inside).sum()) / max(float(of.sum()), 1.0)


def four(width: int = 9, margin: int = 0, scale: float = SIDE / 128) -> Draw:
    """A 4 whose stem goes from near the upper to near the lower edge."""

    def draw(pen: ImageDraw.ImageDraw) -> None:
        places = [(60, margin), (20, 80), (100, 80)], [(78, margin), (78, 127 - margin)]
        for line in places:
            pen.line([(x * scale, y * scale) for x, y in line], fill=40, width=round(width * scale))

    return draw


def two(width: int = 9) -> Draw:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.line([(85, 70), (120, 50), (150, 80), (85, 170), (155, 170)], fill=40, width=width, joint="curve")

    return draw


def rules(width: int, level: int, apart: int = 60, first: int = 50, upright: bool = False, slope: int = 0) -> Draw:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        for y in range(first, SIDE, apart):
            ends = [(0, y), (SIDE, y + slope)]
            pen.line([(b, a) for a, b in ends] if upright else ends, fill=level, width=width)

    return draw


def box(left: int, top: int, right: int, bottom: int, width: int, level: int) -> Draw:
    return lambda pen: pen.rectangle((left, top, right, bottom), outline=level, width=width)


@pytest.mark.parametrize("margin", [0, 4, 8, 12, 16, 20])
@pytest.mark.parametrize("width", [5, 9])
def test_a_4_that_fills_its_picture_keeps_its_stem(margin: int, width: int) -> None:
    found, other = kept_of(four(width, margin))
    assert found > 0.98
    assert other < 0.03


def test_the_bar_of_a_7_from_edge_to_edge_stays() -> None:
    found, _ = kept_of(lambda pen: pen.line([(0, 10), (SIDE, 10), (100, SIDE)], fill=40, width=18))
    assert found > 0.98


@pytest.mark.parametrize("blocks", [((60, 30, 180, 210),), ((60, 30, 180, 120), (60, 120, 180, 210))])
def test_block_digits_of_straight_strokes_stay(blocks: tuple[tuple[int, int, int, int], ...]) -> None:
    """A 0 and an 8 of a display: no stroke of theirs has a free end."""

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for block in blocks:
            pen.rectangle(block, outline=40, width=16)

    found, _ = kept_of(draw)
    assert found > 0.98


@pytest.mark.parametrize("width", [3, 8, 16])
def test_block_digits_that_are_cropped_to_their_ink_stay(width: int) -> None:
    picture, middle = Image.new("L", (120, 180), 235), 90 - width // 2
    for stroke in (
        (0, 0, 119, width),
        (0, middle, 119, middle + width),
        (0, 179 - width, 119, 179),
        (119 - width, 0, 119, 90),
        (0, 90, width, 179),
    ):  # a 2 of a display
        ImageDraw.Draw(picture).rectangle(stroke, fill=40)
    kept = character_ink(picture)[0] >= INK
    assert share(np.asarray(picture) == 40, largest_around(kept, 3)) > 0.98


RULED = {
    "one thin rule through it": [rules(3, 120, SIDE, 120)],
    "one faint rule as wide as the pen": [rules(9, 205, SIDE, 120)],
    "one rule below, like the pen": [rules(9, 40, SIDE, 215)],
    "thin lines": [rules(3, 90)],
    "sloping lines": [rules(3, 90, slope=14)],
    "lines like the pen": [rules(7, 60, 70, 20)],
    "squares": [rules(2, 120, 40, 25), rules(2, 120, 40, 15, upright=True)],
    "a margin": [rules(3, 120, SIDE, 40, upright=True)],
    "a box": [box(40, 25, 200, 200, 3, 60)],
    "a box that it touches": [box(75, 40, 162, 178, 3, 60)],
    "boxes that touch": [box(-40, 25, 60, 200, 3, 60), box(60, 25, 180, 200, 3, 60), box(180, 25, 300, 200, 3, 60)],
    "a frame along the edge": [box(0, 0, SIDE - 1, SIDE - 1, 5, 40)],
}


@pytest.mark.parametrize("name", RULED)
def test_rules_and_frames_go_and_the_strokes_stay(name: str) -> None:
    found, other = kept_of(two(), *RULED[name])
    assert found > 0.95
    assert other < 0.06
