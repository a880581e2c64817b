"""Framing ink: what people draw, photograph and scan comes out as MNIST's makers would have made it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from imagewise.framing.finding.grey import grey_levels
from imagewise.framing.finding.ground import ink_map
from imagewise.framing.finding.rules import stroke_width
from imagewise.framing.ink import character_ink, frame_ink, place, thicken

Pixels = NDArray[np.uint8]
PHOTOS = Path(os.environ.get("IMAGEWISE_DATA", "/nowhere"), "ink-photos")


def digit(
    size: int = 200, width: int = 14, paper: int = 255, ink: int = 0, shift: tuple[int, int] = (0, 0)
) -> Image.Image:
    """A 7 of straight strokes, drawn four times as large and reduced."""
    big = Image.new("L", (size * 4, size * 4), paper)
    points = [(0.32, 0.25), (0.68, 0.25), (0.42, 0.75)]
    places = [((x * size + shift[0]) * 4, (y * size + shift[1]) * 4) for x, y in points]
    ImageDraw.Draw(big).line(places, fill=ink, width=width * 4, joint="curve")
    return big.resize((size, size), Image.Resampling.BOX)


WANTED = frame_ink(digit(), 28, 28)


def difference(picture: Image.Image) -> float:
    """Least absolute difference to the clean drawing, both framed, as a share of its ink.

    Of those for each shift by at most a pixel: a centre of mass between two pixels is rounded either way.
    """
    framed = frame_ink(picture, 28, 28).astype(int)
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(np.roll(framed, shift, (0, 1)) - WANTED).sum() / WANTED.sum()) for shift in shifts)


def with_light(picture: Image.Image, least: float) -> Image.Image:
    """Lit from the upper left: down to `least` of the light at the lower right."""
    levels = np.asarray(picture, dtype=np.float32)
    y, x = np.mgrid[0 : 1 : levels.shape[0] * 1j, 0 : 1 : levels.shape[1] * 1j]
    return Image.fromarray((levels * (1 - (1 - least) * (x + y) / 2)).astype(np.uint8))


def with_noise(picture: Image.Image, deviation: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, deviation, (picture.height, picture.width))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def with_lines(picture: Image.Image, level: int, *boxes: tuple[int, int, int, int]) -> Image.Image:
    picture = picture.copy()
    for box in boxes:
        ImageDraw.Draw(picture).rectangle(box, fill=level)
    return picture


def on_pattern(pattern: str, period: int) -> Image.Image:
    """The digit on a tablecloth of two or three levels, all lighter than the pen."""
    levels = np.asarray(digit(paper=230, ink=40)).astype(np.float32)
    place = np.arange(200) // period % 2 * 60  # levels that the stripes are darker
    down, across = np.meshgrid(place, place, indexing="ij")
    cloth = {"stripes": across, "stripes across": down, "checks": (down + across) / 2}[pattern]
    return Image.fromarray(np.minimum(levels, np.maximum(levels - cloth, 40)).astype(np.uint8))


def with_creases(picture: Image.Image, *angles: float) -> Image.Image:
    """Crumpled paper: light on one side of each crease, darker on the other."""
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    sides = [np.cos(angle) * x + np.sin(angle) * y - 0.1 for angle in angles]
    light = sum(np.sign(side) * np.exp(-np.abs(side) / 0.25) * 22 for side in sides)
    return Image.fromarray(np.clip(np.asarray(picture) + light, 0, 255).astype(np.uint8))


CASES = {
    "white on black": digit(paper=0, ink=255),
    "grey on grey": digit(paper=150, ink=90),
    "elsewhere on the paper": digit(shift=(40, 35)),
    "light from one side": with_light(digit(paper=230, ink=40), 0.45),
    "light from one side on a blackboard": with_light(digit(paper=60, ink=240), 0.6),
    "noise": with_noise(digit(paper=210, ink=60), 8),
    "blur": digit().filter(ImageFilter.GaussianBlur(2)),
    "a ruled line below": with_lines(with_noise(digit(paper=230, ink=40), 3), 120, (0, 170, 199, 172)),
    "a ruled line through it": with_lines(with_noise(digit(paper=230, ink=40), 3), 120, (0, 118, 199, 120)),
    "a frame along the edge": with_lines(
        digit(), 0, (0, 0, 199, 3), (0, 0, 3, 199), (196, 0, 199, 199), (0, 196, 199, 199)
    ),
    "a box around it": with_lines(
        digit(), 0, (20, 20, 180, 22), (20, 178, 180, 180), (20, 20, 22, 180), (178, 20, 180, 180)
    ),
    "specks": with_lines(digit(), 0, (10, 10, 12, 12), (185, 20, 187, 22), (30, 180, 33, 182)),
    "stripes": with_noise(on_pattern("stripes", 12), 3),
    "stripes across": with_noise(on_pattern("stripes across", 20), 3),
    "checks": with_noise(on_pattern("checks", 16), 3),
    "crumpled paper": with_noise(with_creases(digit(width=14, paper=200, ink=120), 1.0, 2.0, 2.7), 3),
    "a shadow along one side": with_lines(with_noise(digit(paper=230, ink=40), 3), 90, (0, 0, 12, 199)),
    "a neighbour cut off at the edge": with_lines(digit(), 0, (190, 60, 199, 140)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_digit_comes_out_the_same(name: str) -> None:
    assert difference(CASES[name]) < 0.35  # what is blurred is cut off a pixel from the solid ink


@pytest.mark.parametrize("side", [60, 120, 400, 1500])
def test_the_size_of_the_picture_does_not_matter(side: int) -> None:
    assert difference(digit(side, width=max(1, round(side * 0.07)))) < 0.35


def test_a_thin_pen_is_widened_to_a_readable_stroke() -> None:
    framed = frame_ink(digit(width=2), 28, 28)
    assert framed.max() > 200
    assert framed.sum() > 0.4 * WANTED.sum()


def test_strokes_that_do_not_touch_stay_together() -> None:
    picture = Image.new("L", (200, 200), 255)
    draw = ImageDraw.Draw(picture)
    draw.line([(80, 50), (130, 50)], fill=0, width=10)  # the bar of a 5, a little apart
    draw.line([(75, 64), (75, 95), (115, 95), (120, 125), (75, 145)], fill=0, width=10)
    ink, _ = character_ink(picture)
    rows = np.flatnonzero(ink.any(axis=1))
    assert rows[0] <= 47
    assert rows[-1] >= 140


def test_a_digit_cropped_to_its_ink_is_whole() -> None:
    levels = np.asarray(digit())
    rows, columns = np.flatnonzero((levels < 128).any(axis=1)), np.flatnonzero((levels < 128).any(axis=0))
    cropped = Image.fromarray(levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    assert difference(cropped) < 0.15
    assert difference(with_noise(cropped, 4)) < 0.3


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_any_levels_give_ink_of_the_same_size(grey: Pixels) -> None:
    picture = Image.fromarray(grey)
    for made in (ink_map(grey.astype(np.float32)), character_ink(picture)[0], thicken(grey, 28, 28)):
        assert made.dtype == np.uint8
        assert made.shape == grey.shape or character_ink(picture)[1] != (0, 0, *picture.size)  # a sheet


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, (28, 28), elements=st.sampled_from([0, 0, 0, 90, 255])))
def test_what_is_placed_already_stays(levels: Pixels) -> None:
    once = place(levels, 28, 28)
    assume(np.array_equal(place(once, 28, 28), once))  # a centre of mass between two pixels may move at each placing
    assert np.array_equal(frame_ink(Image.fromarray(once), 28, 28), once)


def test_grey_levels_are_reduced_to_the_side_and_never_enlarged() -> None:
    assert grey_levels(Image.new("RGB", (3000, 1000)), 256).shape == (85, 256)
    assert grey_levels(Image.new("L", (30, 20)), 256).shape == (20, 30)


def test_grey_levels_are_those_that_pillow_finds() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    picture = Image.fromarray(colours)
    assert np.abs(grey_levels(picture, 256) - np.asarray(picture.convert("L"))).max() <= 1
    reduced = picture.convert("L").reduce(3)
    assert np.abs(grey_levels(picture, 30) - np.asarray(reduced)).max() <= 1.5


@pytest.mark.parametrize("quality", [30, 80])
def test_a_small_faint_jpeg_comes_out_large_and_strong(quality: int) -> None:
    """What JPEG adds to white paper, a few levels, is no ink."""
    picture = Image.new("L", (32, 32), 255)
    ImageDraw.Draw(picture).line((11, 12, 15, 10, 17, 13, 11, 21, 19, 21), fill=120, width=2)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    framed = frame_ink(Image.open(file), 28, 28)
    rows = np.flatnonzero(framed.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 19
    assert framed.max() >= 220


@pytest.mark.parametrize("width", [3, 8, 20])
def test_stroke_width_is_about_that_of_the_pen(width: int) -> None:
    solid = np.asarray(digit(width=width)) < 128
    assert stroke_width(solid) == pytest.approx(width, rel=0.25)


@pytest.mark.real_data
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="IMAGEWISE_DATA names no folder with ink-photos")
def test_every_photographed_digit_is_found() -> None:
    for file in sorted(PHOTOS.glob("*.png")):
        framed = frame_ink(Image.open(file), 28, 28)
        rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20), file.name
        assert 0.05 < (framed > 100).mean() < 0.35, file.name
