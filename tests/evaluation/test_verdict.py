import numpy as np
import pytest
from scipy.stats import binom

from imagewise.evaluation.metrics import measure
from imagewise.evaluation.verdict import ERROR_RATE, GOOD, USEFUL, Level, judge
from reports import counted


@pytest.mark.parametrize(
    ("right", "count", "level"),
    [
        (995, 1000, "good"), (188, 189, "good"), (900, 1000, "useful"), (700, 1000, "poor"), (800, 1000, "uncertain"),
        (500, 1000, "baseline"), (9, 10, "uncertain"), (8, 10, "baseline"), (0, 10, "baseline"), (32, 46, "uncertain"),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_numbers_and_how_sure_they_are(right: int, count: int, level: Level) -> None:
    assert judge(counted(right, count)).level == level


def test_most_pictures_of_one_class_are_no_merit() -> None:
    """90 of 100 is poor where 88 are of one class, and clearly better than guessing where 50 are."""
    assert judge(counted(90, 100, baseline=88)).level == "baseline"
    assert judge(counted(90, 100, baseline=50)).level == "useful"
    assert "88%" in judge(counted(90, 100, baseline=88)).reason


def test_pictures_of_a_single_class_are_judged_without_a_baseline() -> None:
    labels = np.zeros(200, dtype=np.int64)
    assert judge(measure(np.eye(2, dtype=np.float32)[labels], labels, ("cat", "dog"))).level == "good"


def test_pictures_that_the_model_was_trained_on_give_no_verdict() -> None:
    assert judge(counted(1000, 1000), trained_on=True).level == "unknown"


def test_a_verdict_says_how_often_answers_are_wrong() -> None:
    assert "1 answer in 34 " in judge(counted(188, 189)).reason
    assert "1 answer in 4 " in judge(counted(700, 1000)).reason


@pytest.mark.parametrize(
    ("wrong", "accuracy"),
    [({"good"}, GOOD), ({"good", "useful"}, USEFUL), ({"poor"}, USEFUL)],
)
@pytest.mark.parametrize("count", [5, 20, 87, 300, 2000])
def test_no_verdict_is_false_more_often_than_stated(wrong: set[Level], accuracy: float, count: int) -> None:
    """Exactly: the probability of all numbers of correct predictions that would give a false verdict."""
    chances = binom.pmf(np.arange(count + 1), count, accuracy)
    false = sum(
        chance for right, chance in enumerate(chances) if chance > 1e-6 and judge(counted(right, count)).level in wrong
    )
    assert false <= ERROR_RATE
