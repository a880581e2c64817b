"""Pictures without ink come out empty: that is an answer of its own."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagewise.framing.ink import frame_ink

Field = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
EMPTY: dict[str, Field] = {
    "black": lambda y, x: 0 * x,
    "white": lambda y, x: 255 + 0 * x,
    "grey": lambda y, x: 128 + 0 * x,
    "a gradient": lambda y, x: 40 + 180 * x + 0 * y,
    "a gradient across": lambda y, x: 40 + 90 * x + 90 * y,
    "a lamp": lambda y, x: 240 - 150 * ((x - 0.4) ** 2 + (y - 0.5) ** 2),
    "a soft shadow": lambda y, x: 220 - 60 / (1 + np.exp((x - 0.5 + 0.3 * y) / 0.2)),
}


@pytest.mark.parametrize("side", [40, 64, 300])
@pytest.mark.parametrize("name", EMPTY)
def test_what_shows_no_ink_comes_out_empty(name: str, side: int) -> None:
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    assert not frame_ink(Image.fromarray(np.clip(EMPTY[name](y, x), 0, 255).astype(np.uint8)), 28, 28).any()


@pytest.mark.parametrize("deviation", [1, 4, 12])
@pytest.mark.parametrize("side", [100, 200, 600])
def test_blank_paper_with_the_noise_of_a_camera_comes_out_empty(side: int, deviation: float) -> None:
    rng = np.random.default_rng(side)
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    levels = 220 - 40 * x - 20 * y + rng.normal(0, deviation, x.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=80)
    assert not frame_ink(Image.open(file), 28, 28).any()


@pytest.mark.parametrize("radius", [1, 3, 8, 20, 30])
@pytest.mark.parametrize("colours", [(255, 0), (0, 255), (180, 90)])
def test_a_dot_is_no_character(radius: int, colours: tuple[int, int]) -> None:
    picture = Image.new("L", (200, 200), colours[0])
    ImageDraw.Draw(picture).ellipse((90 - radius, 110 - radius, 90 + radius, 110 + radius), fill=colours[1])
    assert not frame_ink(picture, 28, 28).any()


def test_squared_paper_is_no_character() -> None:
    picture = Image.new("L", (300, 240), 240)
    for place in range(20, 300, 40):
        ImageDraw.Draw(picture).line((place, 0, place, 240), fill=150, width=2)
        ImageDraw.Draw(picture).line((0, place, 300, place), fill=150, width=2)
    assert not frame_ink(picture, 28, 28).any()
