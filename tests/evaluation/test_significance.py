"""The exact tests equal those of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact, kendalltau

from imagewise.evaluation.significance import binomial_p_value, falling_p_value, fisher_p_value

a_group = st.one_of(st.integers(1, 60), st.integers(1, 20_000)).flatmap(
    lambda count: st.tuples(st.integers(0, count), st.just(count))
)


@given(a_group, a_group)
def test_fishers_test_equals_that_of_scipy(group: tuple[int, int], other: tuple[int, int]) -> None:
    table = [[right, count - right] for right, count in (group, other)]
    expected = fisher_exact(table, alternative="less").pvalue
    assert fisher_p_value(*group, *other) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(a_group, st.floats(0, 1))
def test_the_binomial_test_equals_that_of_scipy(group: tuple[int, int], share: float) -> None:
    assert binomial_p_value(*group, share) == pytest.approx(binom.cdf(*group, share), rel=1e-6, abs=1e-12)


@given(st.integers(2, 20).flatmap(lambda count: st.permutations(range(count))))
def test_the_test_of_a_trend_equals_that_of_scipy(values: list[int]) -> None:
    expected = kendalltau(range(len(values)), values, method="exact", alternative="less").pvalue
    assert falling_p_value(values) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_equal_and_infinite_values_are_no_fall() -> None:
    assert falling_p_value([1.0] * 8) == pytest.approx(1)
    assert falling_p_value([np.inf, np.nan, np.inf, np.nan, np.inf]) == pytest.approx(1)
    assert falling_p_value([5, 4, 3, 2, 1]) == pytest.approx(1 / 120)


def test_the_example_of_a_false_alarm_is_within_chance() -> None:
    """34 of 87 test pictures against 39 of 77 of validation (the first edition called that more than chance)."""
    assert fisher_p_value(34, 87, 39, 77) == pytest.approx(0.0917, abs=0.0001)
