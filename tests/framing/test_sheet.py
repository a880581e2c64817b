"""A sheet of paper on a desk: what is written on it is found, and the desk is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagewise.framing.finding.sheet import find_sheet
from imagewise.framing.ink import WORKING_SIDE, character_ink, frame_ink
from imagewise.framing.segmentation import segment

Field = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
SHEET = [(90, 110), (700, 95), (870, 990), (55, 1070)]


def on_desk(desk: int = 140, paper: int = 225, noise: float = 3) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (900, 1200), desk)
    ImageDraw.Draw(picture).polygon(SHEET, fill=paper)
    grain = np.random.default_rng(0).normal(0, noise, (1200, 900))
    picture = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
    return picture, ImageDraw.Draw(picture)


def seven(pen: ImageDraw.ImageDraw, left: int, top: int, size: int = 200, ink: int = 60) -> None:
    points = [(left, top), (left + size // 2, top), (left + size // 4, top + size)]
    pen.line(points, fill=ink, width=max(3, size // 12), joint="curve")


@pytest.mark.parametrize("desk", [20, 90, 140])
def test_a_digit_on_a_sheet_on_a_desk_is_framed_as_on_paper_alone(desk: int) -> None:
    picture, pen = on_desk(desk)
    seven(pen, 300, 400)
    alone = Image.new("L", (500, 500), 225)
    seven(ImageDraw.Draw(alone), 150, 150)
    difference = np.abs(frame_ink(picture, 28, 28).astype(int) - frame_ink(alone, 28, 28)).sum()
    assert difference < 0.35 * frame_ink(alone, 28, 28).astype(int).sum()


def test_the_ink_is_where_it_is_in_the_picture() -> None:
    picture, pen = on_desk()
    seven(pen, 300, 400)
    ink, (left, top, right, _) = character_ink(picture)
    scale = (right - left) / ink.shape[1]
    assert max(ink.shape) == WORKING_SIDE
    rows, columns = np.flatnonzero((ink > 128).any(axis=1)), np.flatnonzero((ink > 128).any(axis=0))
    assert left + columns[0] * scale == pytest.approx(300, abs=16)
    assert top + rows[-1] * scale == pytest.approx(600, abs=16)


def test_every_character_on_the_sheet_is_found_where_it_is() -> None:
    picture, pen = on_desk()
    places = [(150 + 130 * column, 300 + 250 * line) for line in range(2) for column in range(4)]
    for left, top in places:
        seven(pen, left, top, 84, 90)
    found = segment(picture)
    assert len(found) == len(places)
    for character, (left, top) in zip(found, places, strict=True):
        assert [character.box.left, character.box.top] == pytest.approx([left, top], abs=10)


NOT_SHEETS: dict[str, Field] = {
    "paper alone": lambda y, x: 230 - 0 * x,
    "light from one side": lambda y, x: 230 - 90 * x - 60 * y,
    "light from the middle": lambda y, x: 230 - 150 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
    "half in shadow": lambda y, x: np.where(x > 0.5 + 0.2 * y, 130, 230),
}


@pytest.mark.parametrize("name", NOT_SHEETS)
def test_light_and_shadow_are_no_sheet(name: str) -> None:
    y, x = np.mgrid[0:1:64j, 0:1:48j]
    levels = NOT_SHEETS[name](y, x)
    levels = np.where((abs(y - 0.5) < 0.2) & (abs(x - 0.5 - 0.1 * y) < 0.03), 60, levels)
    assert find_sheet(levels.astype(np.float32)) is None


def test_a_thick_light_digit_on_black_is_no_sheet() -> None:
    picture = Image.new("L", (48, 64), 0)
    ImageDraw.Draw(picture).rectangle((8, 8, 40, 56), outline=255, width=9)
    assert find_sheet(np.asarray(picture, dtype=np.float32)) is None
