"""Where only chance is at work, no statement is made more often than its stated rate: simulated, seeded.

The statements on training: tests/training/reports/test_training_false_alarms.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from imagewise.evaluation.advice import advise, weak_classes
from imagewise.evaluation.calibration import is_miscalibrated
from imagewise.evaluation.metrics import measure, wilson_interval
from imagewise.evaluation.verdict import ERROR_RATE as VERDICT_ERROR_RATE
from imagewise.evaluation.verdict import GOOD, USEFUL, beats_baseline, judge
from reports import CASES, counted, most


@pytest.mark.parametrize("epochs", [1, 20])
@pytest.mark.parametrize("accuracy", [0.45, 0.9])
def test_test_pictures_as_hard_as_those_of_validation_are_seldom_called_harder(accuracy: float, epochs: int) -> None:
    """Validation chooses the best of epochs that are all as good: its accuracy is then too high by chance."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(CASES):
        validation = counted(int(rng.binomial(77, accuracy, epochs).max()), 77)
        test = counted(int(rng.binomial(87, accuracy)), 87)
        given = advise(test, "test", validation=validation, choices=epochs)
        alarms += any(each.kind == "harder-pictures" for each in given)
    assert alarms <= most()


@pytest.mark.parametrize(("classes", "pictures", "cases"), [(2, 50, CASES), (10, 16, CASES), (40, 5, 1000)])
def test_classes_that_are_equally_hard_are_seldom_called_weak(classes: int, pictures: int, cases: int) -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(classes), pictures)
    names = [str(number) for number in range(classes)]
    alarms = 0
    for _ in range(cases):
        predicted = np.where(rng.random(len(labels)) < 0.85, labels, (labels + 1) % classes)
        alarms += bool(weak_classes(measure(np.eye(classes, dtype=np.float32)[predicted], labels, names)))
    assert alarms <= most(cases)


@pytest.mark.parametrize(("count", "cases"), [(30, CASES), (150, CASES), (600, 500)])
def test_a_model_that_is_right_as_often_as_it_says_is_seldom_called_unreliable(count: int, cases: int) -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(cases):
        confidence = rng.beta(5, 1, count) / 2 + 0.5
        probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
        labels = (rng.random(count) > confidence).astype(np.int64)
        alarms += is_miscalibrated(probabilities, labels)
    assert alarms <= most(cases)


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_a_model_that_is_right_as_often_as_the_baseline_is_seldom_called_better(share: float) -> None:
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], [round(80 * share), 20, 60 - round(80 * share)])
    alarms = 0
    for _ in range(CASES):
        predicted = np.where(rng.random(80) < share, labels, (labels + 1) % 3)
        alarms += beats_baseline(measure(np.eye(3, dtype=np.float32)[predicted], labels, ("a", "b", "c")))
    assert alarms <= most(rate=VERDICT_ERROR_RATE)


@pytest.mark.parametrize(("level", "share"), [("good", GOOD), ("useful", USEFUL), ("poor", USEFUL)])
@pytest.mark.parametrize("count", [60, 400])
def test_a_model_just_at_a_limit_is_seldom_called_beyond_it(level: str, share: float, count: int) -> None:
    rng = np.random.default_rng(7)
    rights, times = np.unique(rng.binomial(count, share, CASES), return_counts=True)
    said = [judge(counted(int(right), count)).level == level for right in rights]
    assert times[said].sum() <= most(rate=VERDICT_ERROR_RATE)


@pytest.mark.parametrize("count", [50, 500])
def test_the_95_percent_interval_misses_the_true_accuracy_in_a_twentieth_of_cases(count: int) -> None:
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(CASES):
        accuracy = rng.uniform(0.3, 0.99)
        low, high = wilson_interval(int(rng.binomial(count, accuracy)), count)
        missed += not low <= accuracy <= high
    assert abs(missed - 0.05 * CASES) <= most(rate=0.05) - 0.05 * CASES
