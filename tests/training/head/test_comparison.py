"""Validation decides between a head and the network that was trained further from it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.training.head.comparison import beats


def answers(right: list[int], count: int = 40) -> NDArray[np.float32]:
    """Logits of two classes for pictures of class 0: class 0 for the pictures named."""
    logits = np.zeros((count, 2), dtype=np.float32)
    logits[:, 1] = 1.0
    logits[right, 0] = 2.0
    return logits


LABELS = np.zeros(40, dtype=np.int64)


@pytest.mark.parametrize(
    ("gained", "lost", "better"),
    [
        (0, 0, False),
        (1, 0, True),
        (0, 1, False),
        (1, 1, False),
        (2, 1, True),
        (3, 2, False),
        (4, 2, True),
        (9, 7, False),
    ],
)
def test_more_pictures_must_be_gained_than_chance_would_give(gained: int, lost: int, better: bool) -> None:
    both = [*range(20, 40)]
    head = answers([*both, *range(lost)])
    trained = answers([*both, *range(10, 10 + gained)])
    assert beats(trained, head, LABELS) == better


def test_a_network_that_is_no_better_wins_less_often_than_by_a_toss_and_a_better_one_mostly() -> None:
    rng = np.random.default_rng(0)

    def wins(gain: float, loss: float, count: int) -> float:
        found = []
        for _ in range(500):
            draw = rng.random(count)
            head = answers([*np.flatnonzero(draw >= gain)], count)
            trained = answers([*np.flatnonzero(draw < 1 - loss)], count)
            found.append(beats(trained, head, np.zeros(count, dtype=np.int64)))
        return float(np.mean(found))

    assert wins(0.04, 0.04, 250) < 0.4
    assert wins(0.03, 0.05, 250) < 0.2
    assert wins(0.05, 0.03, 250) > 0.7
    assert wins(0.06, 0.03, 1000) > 0.99


def test_no_pictures_decide_for_the_head() -> None:
    empty = np.zeros((0, 2), dtype=np.float32)
    assert not beats(empty, empty, np.zeros(0, dtype=np.int64))
