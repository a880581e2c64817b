"""The accuracy to expect of new pictures, from a cross-validation."""

from __future__ import annotations

from math import sqrt

from imagewise.training.head.record import HeadExpectation

Z = 1.959964  # of a normal distribution's central 95%


def expect(correct: int, count: int, folds: int) -> HeadExpectation:
    """The expected accuracy with its 95% interval, of `correct` of `count` pictures in a cross-validation.

    Wilson's interval (1927) with fewer pictures than there are: the heads of two folds share most of their pictures,
    so that their mistakes go together. The factor is Nadeau and Bengio's (2003, Machine Learning 52, section 3): it
    adds the share of test to training pictures to the variance of a mean over `folds` folds.
    """
    effective = count / (1 + folds / (folds - 1))
    accuracy = correct / count
    centre = (accuracy + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * sqrt(accuracy * (1 - accuracy) / effective + Z**2 / (4 * effective**2))
    return HeadExpectation(
        accuracy=accuracy,
        low=max(0.0, centre - half),
        high=min(1.0, centre + half),
        count=count,
        method=f"{folds}-fold cross-validation",
    )
