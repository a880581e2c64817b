"""Printed digits and pictures of no digit, for training and judging the digit model."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from benchmarks.handwriting.drawing import Drawn
from benchmarks.handwriting.font_packages import PACKAGES
from benchmarks.handwriting.glyphs import SEGMENTS, Glyph, SevenSegments
from benchmarks.handwriting.junk import draw_junk, generate_junk
from benchmarks.handwriting.layout import Layout
from benchmarks.handwriting.letters import LETTERS
from benchmarks.handwriting.papers import PAPERS
from benchmarks.handwriting.printed import SPLITS, TABLE, fonts, generate_printed, split_of
from scipy.ndimage import label

KINDS = ("blank", "even", "dot", "gradient", "letter", "scribble", "several", "sign", "texture")


@pytest.fixture(scope="module")
def junk() -> list[Drawn]:
    return list(generate_junk(300, 7))


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same(one: Drawn, other: Drawn) -> bool:
    return one.way == other.way and np.array_equal(np.asarray(one.picture), np.asarray(other.picture))


def test_junk_is_the_same_from_the_same_seed_and_has_all_kinds(junk: list[Drawn]) -> None:
    assert same(draw_junk(123, 7), junk[123])
    assert not same(draw_junk(123, 8), junk[123])
    assert {drawn.way.split()[1] for drawn in junk} == set(KINDS)
    assert {drawn.label for drawn in junk} == {-1}
    assert {drawn.paper for drawn in junk if drawn.paper != "none"} == set(PAPERS)
    assert len({drawn.paper for drawn in junk if "blank" in drawn.way}) >= 10


def test_blank_paper_even_pictures_gradients_and_textures_have_no_ink_and_the_rest_has_some(junk: list[Drawn]) -> None:
    for drawn in junk:
        assert drawn.true_ink.shape == drawn.picture.size[::-1]
        empty = drawn.way.split()[1] in ("blank", "even", "gradient", "texture")
        assert drawn.true_ink.any() != empty, drawn.way


def test_a_dot_is_one_small_piece(junk: list[Drawn]) -> None:
    for drawn in junk:
        if drawn.way == "junk dot":
            assert label(drawn.true_ink, np.ones((3, 3)))[1] == 1
            assert drawn.true_ink.mean() < 0.2


def test_no_letter_is_a_look_alike_of_a_digit() -> None:
    assert not set(LETTERS) & set("OoIl|SsZzBGgqbyQ")
    assert len(LETTERS) >= 30


def test_a_glyph_covers_what_its_font_draws() -> None:
    import matplotlib as mpl

    file = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for size in (40.0, 250.0, 900.0):
        glyph = Glyph(file, "8", 0)
        low, high = glyph.extent()
        width, height = (np.ceil((high - low) * size) + 8).astype(int).tolist()
        ink, stroke = glyph.ink(Layout(width, height, size, np.array([4.0, 4.0])), np.random.default_rng(0))
        reference = np.asarray(glyph.mask(size), np.float64).sum()
        assert np.asarray(ink.coverage, np.float64).sum() == pytest.approx(reference, rel=0.03)
        assert 0.05 * size < stroke < 0.2 * size
        holes = label(~ink.true(width, height))[1] - 1
        assert holes == 2


@pytest.mark.parametrize("digit", range(10))
def test_a_display_lights_the_segments_of_its_digit(digit: int) -> None:
    shown = SevenSegments(digit, False, 0.12, 0.02, 0.0, 0.1, 0.5)
    layout = Layout(150, 240, 200.0, np.array([20.0, 20.0]))
    ink, _ = shown.ink(layout, np.random.default_rng(0))
    true = ink.true(150, 240)
    lit = ""
    for name in "abcdefg":
        x, y = layout.place(shown.segment(name).mean(axis=0)).astype(int)
        lit += name if true[y, x] else ""
    assert set(lit) == set(SEGMENTS[digit])
    assert label(true)[1] == len(lit)


def test_each_font_of_the_table_has_a_licence_and_one_split(table: list[dict[str, str]]) -> None:
    assert all(row["licence"] and row["files"] and row["group"] for row in table)
    assert {row["package"] for row in table} <= {"matplotlib", *(f"fonts-{name}" for name in PACKAGES)}
    files = Counter(name for row in table for name in row["files"].split("|"))
    assert set(files.values()) == {1}
    groups = Counter(split_of(group) for group in {row["group"] for row in table})
    assert groups["test"] >= 20
    assert groups["validation"] >= 10
    assert groups["train"] > groups["test"]


def test_the_split_of_a_group_stays_for_ever() -> None:
    assert [split_of(group) for group in ("Helvetica", "Times", "Vera", "Averia")] == [
        "test",
        "test",
        "train",
        "validation",
    ]


def test_printed_digits_come_from_fonts_of_their_split_alone() -> None:
    for split in SPLITS:
        here = fonts(split)
        assert all(split_of(group) == split for group in here)
        made = list(generate_printed(40, 7, split))
        assert {drawn.way for drawn in made} <= {"display", *(f"font {group}" for group in here)}
        assert set(Counter(drawn.label for drawn in made).values()) == {4}
        assert all(drawn.true_ink.any() for drawn in made)
        assert same(next(generate_printed(1, 7, split, start=33)), made[33])


def test_displays_are_as_many_as_asked_for() -> None:
    assert {drawn.way for drawn in generate_printed(20, 7, "train", displays=1)} == {"display"}
    made = list(generate_printed(20, 7, "train", displays=0))
    assert "display" not in {drawn.way for drawn in made}  # matplotlib's own fonts are always there
