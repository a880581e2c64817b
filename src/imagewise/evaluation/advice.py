"""Advice on what to try next, read from the scores of a model.

Each statement that generalises from the scored pictures is the result of a test: where only chance is at work, it is
made in at most `ERROR_RATE` of all cases. tests/evaluation/test_false_alarms.py simulates that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from imagewise.display.formatting import interval, percent, points, quoted
from imagewise.evaluation.metrics import Metrics
from imagewise.evaluation.significance import ERROR_RATE, fisher_p_value

# What is smaller than these is not worth a reader's time, however certain it is.
SMALLEST_DROP = 0.03  # of accuracy, from validation to test
SMALLEST_CALIBRATION_ERROR = 0.03
WEAK = 1.5  # times the share of wrong answers of all classes
WIDEST_INTERVAL = 0.04  # of the accuracy, from end to end


@dataclass(frozen=True)
class Advice:
    """One thing to try.

    Attributes:
        kind: identifies the finding for programs, such as `overfitting`.
        title: the finding, without a full stop.
        reason: the numbers behind it, and what would help.
        options: options of `imagewise train`, ready to copy; None where no option helps.
    """

    kind: str
    title: str
    reason: str
    options: str | None = None


def advise(
    metrics: Metrics,
    scored: str,
    *,
    trained_on: bool = False,
    miscalibrated: bool = False,
    validation: Metrics | None = None,
    choices: int = 1,
    label_smoothing: float | None = None,
    calibrated: bool = False,
    expected: tuple[float, float] | None = None,
) -> list[Advice]:
    """Advice that the scores support, the most important first; empty where nothing stands out.

    Args:
        metrics: metrics of the scored pictures.
        scored: their split ("test"), or "all".
        trained_on: the model was trained on some of these pictures, so that they cannot tell its accuracy.
        miscalibrated: `is_miscalibrated` of these pictures.
        validation: metrics of the same model on the validation split, if there is one.
        choices: number of models (epochs) from which the validation split chose this one. The accuracy of the chosen
            one is too high by chance, and the more so the more there were.
        label_smoothing: the recipe's, if the recipe is known.
        expected: 95% interval of the accuracy where it was measured otherwise than on the scored pictures alone.
        calibrated: the confidence was fitted on pictures that the model was not trained on (a temperature).
    """
    return [
        *_harder(metrics, scored, validation, choices),
        *_weak_classes(metrics),
        *_calibration(metrics, miscalibrated, label_smoothing, calibrated),
        *([] if trained_on else _uncertain(metrics, scored, expected or metrics.accuracy_interval)),
    ]


def weak_classes(metrics: Metrics) -> list[str]:
    """Names of the classes that are recognised less often than the rest, the worst first.

    Each class is compared with all other pictures by Fisher's exact test at `ERROR_RATE` / classes, so that with
    equal classes at most `ERROR_RATE` of all reports names any.
    """
    right, counts = np.diag(metrics.confusion), metrics.confusion.sum(axis=1)
    compared = int((counts > 0).sum())
    weak = []
    for name, hits, count in zip(metrics.classes, right.tolist(), counts.tolist(), strict=True):
        if count and 1 - hits / count >= WEAK * (1 - metrics.accuracy):
            chance = fisher_p_value(hits, count, metrics.right - hits, metrics.count - count)
            if chance <= ERROR_RATE / compared:
                weak.append((hits / count, name))
    return [name for _, name in sorted(weak)]


def _harder(metrics: Metrics, scored: str, validation: Metrics | None, choices: int) -> Iterator[Advice]:
    if scored == "validation" or validation is None or validation.accuracy - metrics.accuracy < SMALLEST_DROP:
        return
    chance = fisher_p_value(metrics.right, metrics.count, validation.right, validation.count)
    if chance <= ERROR_RATE / choices:
        yield Advice(
            "harder-pictures",
            f"The {scored} pictures are harder than the validation pictures",
            f"{percent(metrics.accuracy, metrics.count)} of them are recognised, against "
            f"{percent(validation.accuracy, validation.count)}: more than chance explains. Check whether they come "
            "from another place or time, and add training pictures of that kind.",
        )


def _weak_classes(metrics: Metrics) -> Iterator[Advice]:
    names, weak = list(metrics.classes), weak_classes(metrics)
    if not weak:
        return
    described = []
    for name in weak[:3]:
        wrong = metrics.confusion[names.index(name)].copy()
        wrong[names.index(name)] = 0
        recall = percent(metrics.classes[name].recall, metrics.classes[name].count)
        mistaken = quoted(names[int(np.argmax(wrong))])
        described.append(f"{quoted(name)} ({recall} recognised, most often predicted as {mistaken})")
    more = f", and {len(weak) - 3} more" if len(weak) > 3 else ""
    yield Advice(
        "weak-classes",
        "Some classes are recognised less often than the rest"
        if len(weak) > 1
        else "One class is recognised less often than the rest",
        f"{', '.join(described)}{more}. Of all pictures, {percent(metrics.accuracy, metrics.count)} are recognised. "
        "Check the mistakes below for wrong labels, and add training pictures of "
        f"{'these classes' if len(weak) > 1 else 'this class'}.",
    )


def _calibration(
    metrics: Metrics, miscalibrated: bool, label_smoothing: float | None, calibrated: bool
) -> Iterator[Advice]:
    if not miscalibrated or metrics.calibration_error < SMALLEST_CALIBRATION_ERROR:
        return
    reason = f"It differs from the accuracy by {points(metrics.calibration_error, metrics.count)} on average. "
    if calibrated:
        reason += (
            "It was calibrated on other pictures, so these are probably of another kind. Add pictures of their kind to "
            "the training pictures."
        )
        yield Advice("confidence", "Its confidence is not reliable", reason)
    elif label_smoothing:
        reason += f"label_smoothing = {label_smoothing} keeps its confidence below 100%. Try without it:"
        yield Advice("confidence", "Its confidence is not reliable", reason, "--set label_smoothing=0")
    else:
        reason += "If it is too confident, as networks often are, label smoothing helps:"
        yield Advice("confidence", "Its confidence is not reliable", reason, "--set label_smoothing=0.1")


def _uncertain(metrics: Metrics, scored: str, bounds: tuple[float, float]) -> Iterator[Advice]:
    low, high = bounds
    if high - low <= WIDEST_INTERVAL:
        return
    which = "" if scored == "all" else f"{scored} "
    share = min(max(metrics.accuracy, 0.05), 0.95)
    needed = ceil(1.96**2 * share * (1 - share) / 0.02**2 / 100) * 100
    yield Advice(
        "few-pictures",
        f"{metrics.count:,} {which}picture{'s are' if metrics.count > 1 else ' is'} too few to know the accuracy "
        "precisely",
        f"It is probably {interval((low, high), metrics.count)} (95% interval). "
        f"About {needed:,} pictures would show it to within 2 points.",
    )
