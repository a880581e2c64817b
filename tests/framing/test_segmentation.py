"""Several characters in one picture: found, put together, in reading order, and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from contract import a_network, random_weights, write_model
from imagewise.errors import ModelError
from imagewise.framing.segmentation import Box, segment
from imagewise.model.model import Model, load_model
from imagewise.model.text_recognition import read
from imagewise.networks.layers import Dense, Flatten

PAPER, INK = 235, 30


def page(width: int = 900, height: int = 400, paper: int = PAPER) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (width, height), paper)
    return picture, ImageDraw.Draw(picture)


def hook(pen: ImageDraw.ImageDraw, left: int, top: int, ink: int = INK, size: int = 60) -> Box:
    """A 7: one stroke, as wide as half its height."""
    pen.line([(left, top), (left + size // 2, top), (left + size // 4, top + size)], fill=ink, width=7, joint="curve")
    return Box(left, top, size // 2, size)


def boxes(picture: Image.Image) -> list[Box]:
    return [character.box for character in segment(picture)]


def assert_near(found: list[Box], wanted: list[Box], pixels: int = 8) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert [a.left, a.top, a.width, a.height] == pytest.approx([b.left, b.top, b.width, b.height], abs=pixels)


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    colours=st.sampled_from([(235, 30), (20, 230), (150, 90)]),
    jitter=st.integers(0, 10),
)
def test_characters_come_line_by_line_from_left_to_right(
    counts: list[int], colours: tuple[int, int], jitter: int
) -> None:
    paper, ink = colours
    picture, pen = page(paper=paper)
    wanted = [
        hook(pen, 40 + 90 * column, 40 + 120 * line + jitter * (column % 2), ink)
        for line, count in enumerate(counts)
        for column in range(count)
    ]
    assert_near(boxes(picture), wanted)
    lines = [line for line, count in enumerate(counts) for _ in range(count)]
    assert [character.line for character in segment(picture)] == lines


def test_boxes_are_in_the_pixels_of_a_large_picture() -> None:
    picture, pen = page(4000, 3000)
    wanted = [Box(600, 900, 250, 500), Box(1500, 900, 250, 500)]
    for box in wanted:
        points = [(box.left, box.top), (box.left + 250, box.top), (box.left + 125, box.top + 500)]
        pen.line(points, fill=INK, width=50, joint="curve")
    assert_near(boxes(picture), wanted, pixels=45)


def test_strokes_of_one_character_are_one_box() -> None:
    picture, pen = page()
    pen.line([(100, 100), (150, 100)], fill=INK, width=7)  # the bar of a 5, apart from its body
    pen.line([(102, 116), (102, 140), (140, 140), (145, 165), (100, 175)], fill=INK, width=7)
    hook(pen, 250, 105)
    assert len(boxes(picture)) == 2


def test_specks_dashes_and_the_paper_edge_are_no_characters() -> None:
    picture, pen = page()
    wanted = [hook(pen, 100, 150), hook(pen, 200, 150)]
    pen.rectangle((300, 200, 303, 203), fill=INK)
    pen.rectangle((330, 180, 360, 185), fill=INK)
    pen.rectangle((0, 0, 899, 8), fill=60)
    assert_near(boxes(picture), wanted)


def test_a_gap_starts_a_new_word() -> None:
    picture, pen = page()
    for left in (40, 90, 140, 400, 450):
        hook(pen, left, 100)
    assert [character.starts_word for character in segment(picture)] == [True, False, False, True, False]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_page_has_no_characters(level: int) -> None:
    assert segment(Image.new("L", (300, 200), level)) == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.integers(1, 300), height=st.integers(1, 300))
def test_noise_gives_boxes_inside_the_picture(seed: int, width: int, height: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    for box in boxes(Image.fromarray(levels)):
        assert 0 <= box.left < width
        assert 0 <= box.top < height
        assert box.left + box.width <= width
        assert box.top + box.height <= height


def test_the_digits_that_ship_read_a_row_of_sevens() -> None:
    picture, pen = page()
    for left in (40, 100, 160, 400):
        hook(pen, left, 100, size=80)
    reading = read(load_model(), picture)
    assert reading.label == "777 7"
    assert 0 < reading.probability <= 1
    assert [c.as_dict()["label"] for c in reading.characters] == ["7"] * 4


def test_a_model_for_photographs_is_refused(tmp_path: Path) -> None:
    network = a_network(Flatten(), Dense(5), shape=(6, 8, 3))
    model = Model.open(write_model(tmp_path / "photo.onnx", network, random_weights(network)))
    with pytest.raises(ModelError, match="recognises whole pictures"):
        read(model, Image.new("L", (30, 30)))
