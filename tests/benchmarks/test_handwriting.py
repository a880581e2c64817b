"""The generator of handwriting: the same pictures from the same seed, all ways, and a truth that is true."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from benchmarks.handwriting.agreement import agreement
from benchmarks.handwriting.drawing import JUDGING, TRAINING, VALIDATION, Drawn, draw, generate
from benchmarks.handwriting.papers import PAPERS
from benchmarks.handwriting.pens import PENS, ink_colour, luma
from benchmarks.handwriting.rasterising import rasterise
from benchmarks.handwriting.splines import evenly, line_through, parse
from benchmarks.handwriting.ways import WAYS
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

COUNT = 400


@pytest.fixture(scope="module")
def pictures() -> list[Drawn]:
    return list(generate(COUNT, 7))


def levels(drawn: Drawn) -> NDArray[np.float64]:
    return np.asarray(drawn.picture.convert("L"), np.float64)


def test_a_line_through_points_of_a_circle_is_a_circle() -> None:
    angles = np.linspace(0, 2 * np.pi, 13)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = line_through(points, (False,) * 13)
    for point in points:
        assert np.abs(line - point).sum(axis=1).min() < 1e-9
    assert np.abs(np.hypot(*line.T) - 1).max() < 0.03
    inner = line[20:-20]  # the ends have no neighbours to bend by
    assert np.abs(np.hypot(*inner.T) - 1).max() < 0.002


def test_a_line_is_straight_between_corners() -> None:
    stroke = parse("0,20~6! 24~3,0~1! 24,100!", 2.5)
    assert stroke.jitter.tolist() == [[0.025, 0.06], [0.03, 0.01], [0.025, 0.025]]
    line = evenly(line_through(stroke.points, stroke.corners), 0.01)
    assert np.hypot(*np.diff(line, axis=0).T).max() <= 0.01
    assert line[[0, -1]].tolist() == [[0, 0.2], [0.24, 1]]
    flag, stem = np.abs(line @ (20, 24) - 4.8) / np.hypot(20, 24), np.abs(line[:, 0] - 0.24)
    assert np.minimum(flag, stem).max() < 0.005


def test_a_pen_covers_the_area_of_its_stroke() -> None:
    line = np.array([[20.0, 30.0], [120.0, 80.0]])
    for width in (1.0, 4.0, 15.0):
        ink = rasterise([line], [np.full(2, width)], 200, 150)
        area = np.asarray(ink.coverage).sum() / 255
        exact = width * np.hypot(100, 50) + np.pi * width**2 / 4
        assert area == pytest.approx(exact, rel=0.08)
        true = ink.true(200, 150)
        assert true.sum() == pytest.approx(exact, rel=0.12 if width > 1 else 0.6)
        assert label(true, np.ones((3, 3)))[1] == 1  # in one piece, however thin
        y, x = np.nonzero(true)
        distance = np.abs((x + 0.5 - 20) * 50 - (y + 0.5 - 30) * 100) / np.hypot(100, 50)
        assert distance.max() <= width / 2 + 1


def test_the_same_seed_makes_the_same_pictures_in_any_order(pictures: list[Drawn]) -> None:
    for index in (0, 17, 399):
        again = draw(index, 7)
        first = pictures[index]
        assert (again.way, again.pen, again.paper, again.label) == (first.way, first.pen, first.paper, first.label)
        assert np.array_equal(np.asarray(again.picture), np.asarray(first.picture))
        assert np.array_equal(again.true_ink, first.true_ink)
    assert np.array_equal(np.asarray(next(generate(1, 7, start=17)).picture), np.asarray(pictures[17].picture))


def test_another_seed_makes_other_pictures() -> None:
    assert len({TRAINING, VALIDATION, JUDGING}) == 3
    for one, other in zip(generate(10, TRAINING), generate(10, JUDGING), strict=True):
        assert not np.array_equal(np.asarray(one.picture), np.asarray(other.picture))


def test_labels_are_balanced_and_every_way_pen_and_paper_appears(pictures: list[Drawn]) -> None:
    assert set(Counter(drawn.label for drawn in pictures).values()) == {COUNT // 10}
    assert {drawn.way for drawn in pictures} == {f"{digit} {name}" for digit, table in WAYS.items() for name in table}
    assert len({drawn.way for drawn in pictures}) >= 45
    assert {drawn.paper for drawn in pictures} == set(PAPERS)
    assert {drawn.pen for drawn in pictures} == set(PENS)


def test_sizes_are_from_20_to_4000_pixels_and_truth_has_the_size_of_its_picture(pictures: list[Drawn]) -> None:
    sides = [max(drawn.picture.size) for drawn in pictures]
    assert min(sides) >= 20
    assert max(sides) <= 4000
    assert min(sides) < 30
    assert max(sides) > 1200
    for drawn in pictures:
        assert drawn.true_ink.shape == drawn.picture.size[::-1]
        assert drawn.true_ink.dtype == np.bool_
        assert drawn.picture.mode in ("L", "RGB")


def test_ink_is_never_cut_by_an_edge_and_leaves_a_margin_at_one_of_two_opposite_edges(pictures: list[Drawn]) -> None:
    for drawn in pictures:
        rows, columns = np.flatnonzero(drawn.true_ink.any(axis=1)), np.flatnonzero(drawn.true_ink.any(axis=0))
        height, width = drawn.true_ink.shape
        assert max(rows[0], height - 1 - rows[-1]) >= 1, drawn.way
        assert max(columns[0], width - 1 - columns[-1]) >= 1, drawn.way
        assert max(np.ptp(rows), np.ptp(columns)) >= 9


def test_true_ink_is_where_the_picture_is_darker_or_lighter_than_right_beside_it(pictures: list[Drawn]) -> None:
    weak = []
    for drawn in pictures:
        if drawn.true_ink.size > 150_000:
            continue
        near = binary_dilation(drawn.true_ink, iterations=4) & ~binary_dilation(drawn.true_ink, iterations=2)
        grey = levels(drawn)
        if abs(np.median(grey[drawn.true_ink]) - np.median(grey[near])) < 20:
            weak.append((drawn.way, drawn.pen, drawn.paper, drawn.picture.size))
    assert len(weak) <= COUNT // 100, weak


def test_on_plain_paper_there_is_nothing_but_true_ink(pictures: list[Drawn]) -> None:
    plain = [drawn for drawn in pictures if drawn.paper in ("white", "dark mode") and drawn.true_ink.size < 150_000]
    assert len(plain) > 20
    for drawn in plain:
        grey = levels(drawn)
        ground, ink = np.median(grey[~drawn.true_ink]), np.median(grey[drawn.true_ink])
        marked = (grey - ground) * np.sign(ink - ground) > 0.6 * abs(ink - ground)
        far = ~binary_dilation(drawn.true_ink, np.ones((3, 3)), iterations=2)
        assert (marked & far).mean() < 0.002, (drawn.way, drawn.pen, drawn.paper, drawn.picture.size)


@pytest.mark.parametrize("name", ["black", "grey", "blue", "red", "green", "violet", "white"])
@pytest.mark.parametrize(("paper", "contrast"), [(255, 60), (255, 200), (140, 90), (40, 120), (0, 250)])
def test_ink_differs_from_the_paper_by_the_contrast_asked_for(name: str, paper: int, contrast: int) -> None:
    lightness = luma(ink_colour(name, paper, contrast))
    room = min(contrast, paper - 4 if paper >= 128 else 252 - paper)
    if paper >= 128 or name != "white":
        assert abs(abs(paper - lightness) - room) < 1.5


def test_agreement_counts_ink_that_is_missing_and_ink_that_is_not_there_beyond_a_pixel() -> None:
    true = np.zeros((40, 60), np.bool_)
    true[10:12, 5:55] = True  # 100 pixels
    assert agreement(true, true).good()
    assert agreement(np.roll(true, (1, 1), (0, 1)), true).good()
    half = true.copy()
    half[:, 30:] = False
    assert agreement(half, true).found == pytest.approx(0.52)  # and a pixel beyond the cut
    assert agreement(half, true).stray == 0
    more = true.copy()
    more[30, 10:20] = True
    assert agreement(more, true).found == 1
    assert agreement(more, true).stray == pytest.approx(10 / 110)
    nothing = np.zeros_like(true)
    assert agreement(nothing, true).found == 0
    assert agreement(nothing, nothing).good()
    assert agreement(true, nothing).stray == 1


def test_reference_dilation_agrees(pictures: list[Drawn]) -> None:
    for drawn in pictures[:20]:
        kept = np.roll(drawn.true_ink, 3, 1)
        exact = binary_dilation(kept, np.ones((3, 3)))[drawn.true_ink].mean()
        assert agreement(kept, drawn.true_ink).found == pytest.approx(exact)


def test_the_true_ink_of_an_easy_picture_is_what_half_of_the_contrast_gives(pictures: list[Drawn]) -> None:
    easy = [drawn for drawn in pictures if drawn.paper in ("white", "dark mode", "blackboard", "scanned")]
    good = 0
    for drawn in easy:
        grey = levels(drawn)
        ground, ink = np.median(grey), np.median(grey[drawn.true_ink])
        good += agreement(abs(grey - ground) > 0.45 * abs(ink - ground), drawn.true_ink).good()
    assert good >= 0.9 * len(easy)
