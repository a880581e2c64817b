"""The accuracy to expect of new pictures, from a cross-validation."""

from __future__ import annotations

from imagewise.evaluation.metrics import wilson_interval
from imagewise.training.head.record import HeadExpectation


def expect(accuracy: float, count: int, folds: int, repeats: int = 1, units: int | None = None) -> HeadExpectation:
    """The accuracy to expect of a head that is fitted on all pictures, with its 95% interval.

    Wilson's interval (1927), as if (1 - 1 / folds) of the pictures had been scored. The accuracy of a head depends on
    the pictures that it was fitted on, too; and each fold's head was fitted on fewer, so that it is a little worse.
    With 5 to 20 pictures a class of three sets it held the accuracy on the pictures that were left in 94 to 97% of the
    random draws (docs/decisions.md). Nadeau and Bengio's correction (2003, Machine Learning 52, section 3), which is
    for the mean over all heads of that kind, is 5 points wider on each side at 25 pictures, and held in 99%.

    Args:
        accuracy: fraction right when held out, the mean of the repetitions.
        count: number of pictures.
        folds: of each repetition.
        repeats: how many times the pictures were dealt out. One has a wider spread than the interval allows for.
        units: number of groups, where pictures belong together; None: each picture is on its own.
    """
    effective = (units or count) * (1 - 1 / folds)
    low, high = wilson_interval(accuracy * effective, effective)
    times = f"{repeats} times " if repeats > 1 else ""
    return HeadExpectation(
        accuracy=accuracy, low=low, high=high, count=count, method=f"{times}{folds}-fold cross-validation"
    )
