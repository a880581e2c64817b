from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from imagewise.training.head.choice.expectation import expect


@pytest.mark.parametrize(("right", "count"), [(0, 25), (20, 25), (80, 100), (100, 100)])
def test_the_interval_is_wilsons_of_four_fifths_of_the_pictures(right: int, count: int) -> None:
    found = expect(right / count, count, folds=5)
    expected = binomtest(right * 4 // 5, count * 4 // 5).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert (found.accuracy, found.count) == (right / count, count)


@given(st.floats(0, 1), st.integers(2, 1000))
def test_the_accuracy_is_within_its_interval(accuracy: float, count: int) -> None:
    found = expect(accuracy, count, folds=5, repeats=4)
    assert 0 <= found.low <= accuracy + 1e-9
    assert accuracy - 1e-9 <= found.high <= 1


def test_the_method_is_in_words() -> None:
    assert expect(0.8, 25, 5).method == "5-fold cross-validation"
    assert expect(0.8, 25, 5, 4).method == "4 times 5-fold cross-validation"


def test_groups_count_as_one_picture_each() -> None:
    alone, together = expect(0.8, 25, 5), expect(0.8, 100, 5, units=25)
    assert (together.low, together.high) == (alone.low, alone.high)
    assert together.count == 100
