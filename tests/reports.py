"""Scores and reports that tests of the report and of advice share."""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.evaluation.advice import Advice
from imagewise.evaluation.metrics import Metrics, measure
from imagewise.evaluation.report.curves import Curves
from imagewise.evaluation.report.mistakes import worst_mistakes
from imagewise.evaluation.report.report import Report
from imagewise.evaluation.significance import ERROR_RATE

CASES = 5000  # simulated cases of chance alone


def most(cases: int = CASES, rate: float = ERROR_RATE) -> float:
    """False alarms that so many cases may show at that rate: three standard deviations above the mean."""
    return cases * rate + 3 * sqrt(cases * rate * (1 - rate))


FIVE = ("0", "1", "2", "3", "4")


def scores(
    names: tuple[str, ...] = FIVE, count: int = 300, accuracy: float = 0.8, shape: tuple[int, int, int] = (28, 28, 1)
) -> tuple[Split, NDArray[np.float32]]:
    """Calibrated probabilities: the predicted class has probability `accuracy`, and is right as often."""
    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % len(names)
    guesses = np.where(np.arange(count) < accuracy * count, labels, (labels + 1) % len(names))
    probabilities = np.full((count, len(names)), (1 - accuracy) / (len(names) - 1), dtype=np.float32)
    probabilities[np.arange(count), guesses] = accuracy
    order = rng.permutation(count)
    images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    return Split(images, labels[order]), probabilities[order]


def metrics_of(accuracy: float, count: int = 10_000) -> Metrics:
    split, probabilities = scores(FIVE, count, accuracy)
    return measure(probabilities, split.labels, FIVE)


@cache
def counted(right: int, count: int, baseline: int | None = None) -> Metrics:
    """Metrics of two classes with `right` of `count` correct, `baseline` pictures being of the first class."""
    first = count - count // 2 if baseline is None else baseline
    labels = np.repeat([0, 1], [first, count - first])
    predicted = np.where(np.arange(count) < count - right, 1 - labels, labels)
    return measure(np.eye(2, dtype=np.float32)[predicted], labels, ("first", "second"))


CURVES = Curves(
    epochs=(1, 2, 3),
    train_loss=(0.9, 0.5, 0.4),
    validation_loss=(0.8, 0.6, 0.59),
    train_accuracy=(0.70, 0.80, 0.85),
    validation_accuracy=(0.72, 0.80, 0.81),
    learning_rates=(0.001, 0.001, 0.001),
    seconds=(1.5, 1.5, 1.5),
    best_epoch=3,
    train_count=2000,
    validation_count=200,
)


def a_report(names: tuple[str, ...] = FIVE, shape: tuple[int, int, int] = (28, 28, 1)) -> Report:
    split, probabilities = scores(names, shape=shape)
    return Report(
        title="digits · perceptron",
        notices=("MNIST is not available.",),
        scored="test",
        metrics=measure(probabilities, split.labels, names),
        trained_on=False,
        miscalibrated=False,
        validation=counted(162, 200),
        chosen_by_validation=True,
        mistakes=worst_mistakes(split, probabilities, names),
        advice=[Advice("one", "A finding", "Its reason:", "--set a=1"), Advice("two", "Another one", "For a reason.")],
        curves=CURVES,
        facts={"Data": "digits", "Device": "cpu"},
        recipe='keep = "best"\n',
    )
