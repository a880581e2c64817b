"""Exact tests that tell a difference from chance. One-sided, in plain Python: importing SciPy takes 0.3 s.

Each returns a p-value: the probability of a result at least as extreme if only chance were at work. Tested against
SciPy. Where a statement is made of many comparisons at once, divide `ERROR_RATE` by their number (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, isfinite, lgamma, log

import numpy as np

ERROR_RATE = 0.01  # how often a statement may be made where only chance is at work


def fisher_p_value(right: int, count: int, other_right: int, other_count: int) -> float:
    """Probability of at most `right` of `count` correct, if both groups were equally hard (Fisher's exact test).

    Args:
        right, count: the group that is suspected to be harder.
        other_right, other_count: the group that it is compared with.
    """
    total_right, total = right + other_right, count + other_count
    if right == count or other_right == 0:
        return 1.0
    if right * total > count * total_right:  # past the mean: the other tail is the short one
        return 1.0 - fisher_p_value(other_right - 1, other_count, right + 1, count)

    def below(k: int) -> float:
        return k * (total - total_right - count + k) / ((total_right - k + 1) * (count - k + 1))

    first = _log_choose(total_right, right) + _log_choose(total - total_right, count - right)
    return _tail(first - _log_choose(total, count), right, below)


def binomial_p_value(right: int, count: int, share: float) -> float:
    """Probability of at most `right` of `count` correct, if each were correct with probability `share`."""
    if right >= count or share <= 0:
        return 1.0
    if right < 0 or share >= 1:
        return 0.0
    if right > count * share:  # past the mean: the other tail is the short one
        return 1.0 - binomial_p_value(count - right - 1, count, 1 - share)

    def below(k: int) -> float:
        return k * (1 - share) / ((count - k + 1) * share)

    return _tail(_log_choose(count, right) + right * log(share) + (count - right) * log(1 - share), right, below)


def falling_p_value(values: Sequence[float]) -> float:
    """Probability that values in random order fall at least as steadily as these (Mann 1945, Kendall's tau).

    Values that are equal or not finite count as rising. At least 5 values are needed for less than 0.01.
    """
    count = len(values)
    falling = sum(
        isfinite(values[i]) and isfinite(values[j]) and values[j] < values[i]
        for i in range(count)
        for j in range(i + 1, count)
    )
    pairs = np.ones(1)  # probability of each number of falling pairs, of one value, two, ...
    for length in range(2, count + 1):
        pairs = np.convolve(pairs, np.full(length, 1 / length))
    return float(pairs[falling:].sum())


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _tail(log_first: float, k: int, below: Callable[[int], float]) -> float:
    """Sum of the probabilities of k, k - 1, ..., 0, which fall all the way; `below(k)` is P(k - 1) / P(k)."""
    term = total = 1.0
    while k > 0 and term > 1e-17 * total:
        term *= below(k)
        total += term
        k -= 1
    return min(1.0, exp(log_first + log(total)))
