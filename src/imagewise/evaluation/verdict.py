"""A verdict in words on a model's accuracy: how far it can be used, as far as the scored pictures tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

from imagewise.display.formatting import percent, quoted
from imagewise.evaluation.metrics import Metrics
from imagewise.evaluation.significance import binomial_p_value

GOOD = 0.95  # accuracy: at most 1 wrong answer in 20
USEFUL = 0.8  # accuracy: at most 1 wrong answer in 5
ERROR_RATE = 0.025  # how often each verdict may be false: as one end of a 95% interval

Level = Literal["good", "useful", "uncertain", "poor", "baseline", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """A model's usefulness.

    Attributes:
        level: `good` and `useful` where the accuracy is above `GOOD` or `USEFUL`, `poor` where it is below `USEFUL`,
            each by more than chance explains (exact binomial tests); `uncertain` in between; `baseline` where the
            model is not shown to be better than always predicting the most frequent class; `unknown` where it was
            trained on the pictures.
        title: the verdict, without a full stop.
        reason: the numbers behind it, in sentences.
    """

    level: Level
    title: str
    reason: str


def judge(metrics: Metrics, trained_on: bool = False) -> Verdict:
    """Judge a model by its metrics.

    Args:
        metrics: metrics of pictures that were chosen independently of the model.
        trained_on: the model was trained on some of these pictures.
    """
    if trained_on:
        return Verdict(
            "unknown",
            "These pictures cannot tell how good the model is",
            "It was trained on some of them. Score it on pictures that it has not seen.",
        )
    low, high = metrics.accuracy_interval
    if not beats_baseline(metrics):
        name, frequent = metrics.most_frequent_class
        return Verdict(
            "baseline",
            "Not usable yet: these pictures do not show that it is better than guessing",
            f"Always answering {quoted(name)}, the most frequent class, would be right for "
            f"{percent(frequent / metrics.count, metrics.count)} of them.",
        )
    rarely = f"1 answer in {floor(1 / (1 - low)):,}"
    if _above(metrics, GOOD):
        return Verdict("good", "Good", f"At most {rarely} should be wrong on new pictures like these.")
    if _above(metrics, USEFUL):
        return Verdict("useful", "Useful where somebody checks its answers", f"Up to {rarely} may be wrong.")
    if binomial_p_value(metrics.right, metrics.count, USEFUL) <= ERROR_RATE:
        often = f"1 answer in {ceil(1 / (1 - high))}"
        return Verdict("poor", "Not good enough to use yet", f"At least {often} is wrong.")
    return Verdict(
        "uncertain",
        "Not shown to be good enough yet",
        f"Up to {rarely} may be wrong. More test pictures would tell more precisely.",
    )


def beats_baseline(metrics: Metrics) -> bool:
    """Whether the model is right more often than always predicting the most frequent class would be.

    By more than chance explains. True where all pictures are of one class: the comparison means nothing there.
    """
    _, frequent = metrics.most_frequent_class
    return frequent == metrics.count or _above(metrics, frequent / metrics.count)


def _above(metrics: Metrics, share: float) -> bool:
    return binomial_p_value(metrics.count - metrics.right, metrics.count, 1 - share) <= ERROR_RATE
