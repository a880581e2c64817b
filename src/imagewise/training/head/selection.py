"""The choice of a head's strength by pictures that it was not fitted on, its calibration, and the final fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import SingleLabel
from imagewise.training.head.calibration import cooled, fit_temperature
from imagewise.training.head.folds import stratified_folds
from imagewise.training.head.logistic import Head, LogisticProblem
from imagewise.training.head.record import HeadTrial

FOLDS = 5
PICKED_LOOSELY = 1e-4  # of the gradient: enough to compare strengths; the last fit is exact
Features = NDArray[np.float32]
Labels = NDArray[np.int64]
Fit = Callable[[float], Head]


@dataclass(frozen=True, eq=False)
class HeadChoice:
    """A head, and how it was chosen.

    Attributes:
        head: calibrated.
        strength, temperature: the chosen ones.
        tried: every strength.
        chosen_by: what kind of pictures chose.
        logits: of the pictures that chose, by heads that were not fitted on them, calibrated: float32 (M, classes).
        labels: of these pictures, (M,).
    """

    head: Head
    strength: float
    temperature: float
    tried: tuple[HeadTrial, ...]
    chosen_by: Literal["validation", "cross-validation"]
    logits: NDArray[np.float32]
    labels: Labels

    @property
    def correct(self) -> int:
        """Number of the pictures that chose whose most probable class is right."""
        return int(SingleLabel().correct(self.logits, self.labels).sum())


def choose_by_validation(
    features: Features,
    labels: Labels,
    validation: tuple[Features, Labels],
    classes: int,
    strengths: Sequence[float],
    class_weights: NDArray[np.float32] | None = None,
) -> HeadChoice:
    """The head of the strength with the smallest loss on validation pictures, fitted on `features` alone.

    Args:
        features, labels: (N, F) float32 and (N,), to fit on.
        validation: features (M, F) and labels (M,) to choose and calibrate by.
        classes: number of classes.
        strengths: of the L2 penalty, above 0.
        class_weights: (classes,), how much each class counts in the loss.
    """
    problem = LogisticProblem(features, labels, classes, _sample_weights(labels, class_weights))
    heads: dict[float, Head] = {}
    start = None
    for strength in sorted(strengths, reverse=True):  # from the strongest on, each from the one before: few steps
        start = heads[strength] = problem.fit(strength, start)
    logits = {strength: head.logits(validation[0]) for strength, head in heads.items()}
    return _chosen(logits, validation[1], lambda strength: heads[strength], "validation")


def choose_by_folds(
    features: Features,
    labels: Labels,
    classes: int,
    strengths: Sequence[float],
    class_weights: NDArray[np.float32] | None = None,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> HeadChoice:
    """The head of the strength with the smallest loss in a cross-validation, fitted on all pictures.

    Args:
        features, labels: (N, F) float32 and (N,).
        classes: number of classes.
        strengths: of the L2 penalty, above 0.
        class_weights: (classes,), how much each class counts in the loss.
        groups: (N,), equal for pictures that stay in one fold; None: each is on its own.
        seed: of the folds.
    """
    folds = stratified_folds(labels, FOLDS, seed, groups)
    weights = _sample_weights(labels, class_weights)
    parts = [_Fold(features, labels, folds != fold, classes, weights) for fold in np.unique(folds)]
    logits: dict[float, NDArray[np.float32]] = {}
    for strength in sorted(strengths, reverse=True):  # from the strongest on, each from the one before: few steps
        logits[strength] = np.zeros((len(labels), classes), np.float32)
        for part in parts:
            part.fill(logits[strength], strength)
        if _is_past_the_best(list(logits.values()), labels):
            break
    whole = LogisticProblem(features, labels, classes, weights)
    return _chosen(logits, labels, whole.fit, "cross-validation")


class _Fold:
    """The heads that are fitted without one fold, each strength from the one before."""

    def __init__(
        self,
        features: Features,
        labels: Labels,
        others: NDArray[np.bool_],
        classes: int,
        weights: NDArray[np.float64] | None,
    ) -> None:
        self._held_out, self._rows = np.asarray(features[~others]), ~others
        some = None if weights is None else weights[others]
        # one group may hold everything: then nothing is left to fit on
        fits = others.any() and (some is None or some.sum() > 0)
        self._problem = LogisticProblem(np.asarray(features[others]), labels[others], classes, some) if fits else None
        self._head: Head | None = None

    def fill(self, logits: NDArray[np.float32], strength: float) -> None:
        """Write the logits of the fold's own pictures."""
        if self._problem is not None:
            self._head = self._problem.fit(strength, self._head, PICKED_LOOSELY)
            logits[self._rows] = self._head.logits(self._held_out)


def _is_past_the_best(logits: Sequence[NDArray[np.float32]], labels: Labels) -> bool:
    """Whether the loss has risen twice in a row: it has one minimum along the strengths."""
    if len(logits) < 3:
        return False
    before, middle, last = (float(SingleLabel().losses(each, labels).mean()) for each in logits[-3:])
    return before < middle < last


def _chosen(
    logits: dict[float, NDArray[np.float32]],
    labels: Labels,
    fitted: Fit,
    chosen_by: Literal["validation", "cross-validation"],
) -> HeadChoice:
    task = SingleLabel()
    trials = {
        strength: HeadTrial(
            views=("plain",),
            strength=strength,
            accuracy=float(task.correct(values, labels).mean()),
            loss=float(task.losses(values, labels).mean()),
        )
        for strength, values in logits.items()
    }
    # the loss and not the accuracy, which a few pictures decide; of equal ones the stronger
    strength = min(trials, key=lambda each: (trials[each].loss or 0.0, -each))
    temperature = fit_temperature(logits[strength], labels)
    calibrated = (logits[strength] / temperature).astype(np.float32)
    head = cooled(fitted(strength), temperature)
    return HeadChoice(head, strength, temperature, tuple(trials.values()), chosen_by, calibrated, labels)


def _sample_weights(labels: Labels, class_weights: NDArray[np.float32] | None) -> NDArray[np.float64] | None:
    return None if class_weights is None else class_weights[labels].astype(np.float64)
