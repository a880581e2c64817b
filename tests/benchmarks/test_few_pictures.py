"""The harness on features at random: that it draws, scores and counts what it should."""

from __future__ import annotations

import numpy as np
from benchmarks.few_pictures import Draw, draws, table

from feature_sets import pictures
from imagewise.training.head.record import HeadExpectation


def test_a_draw_is_scored_on_what_is_left_and_seeded() -> None:
    features, labels = pictures(120, 30, 3)
    found = list(draws(features, labels, 6, 3, [10.0, 1.0]))
    assert found == list(draws(features, labels, 6, 3, [10.0, 1.0]))
    assert [draw.expected.count for draw in found] == [18] * 3
    assert all(round(draw.accuracy * 102, 6).is_integer() for draw in found)
    assert len({draw.accuracy for draw in found}) > 1


def test_the_table_counts_the_intervals_that_hold() -> None:
    expected = HeadExpectation(accuracy=0.8, low=0.7, high=0.9, count=20)
    line = table({5: [Draw(expected, each) for each in (0.69, 0.7, 0.8, 0.91)]})[-1]
    assert line == "| 5 | 4 | 77.5 (8.9) | 80.0 | 10.0 | 2 of 4 |"


def test_intervals_of_random_features_hold() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 8)).astype(np.float32)
    labels = rng.integers(0, 2, 300)
    found = list(draws(features, labels, 10, 20, [100.0]))
    assert sum(draw.holds for draw in found) >= 16
