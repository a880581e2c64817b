"""The choice of a head's views and strength by pictures that it was not fitted on, its calibration, and the final fit.

The smallest mean cross-entropy wins, not the accuracy, which a few pictures decide; of equal ones the stronger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imagewise.training.head.choice.calibration import cooled, fit_temperature
from imagewise.training.head.choice.candidates import Candidate, Division, HeldOut, Labels, Parts, Pictures, candidates
from imagewise.training.head.choice.folds import stratified_folds
from imagewise.training.head.logistic import Head
from imagewise.training.head.record import HeadTrial

FOLDS = 5
FEW, REPEATS = 300, 4  # up to how many pictures the folds are dealt out so often: one deal is one of many
ENOUGH = 1_000  # held-out pictures: where fewer folds hold so many, the others are left out


@dataclass(frozen=True, eq=False)
class HeadChoice:
    """A head, and how it was chosen.

    Attributes:
        head: calibrated.
        views, strength, temperature: the chosen ones.
        tried: everything that was tried.
        chosen_by: what kind of pictures chose.
        logits: of the pictures that chose, by heads that were not fitted on them, calibrated: float32 (M, classes).
        rows: which they are, (M,) ascending: places among those of validation, or among all in a cross-validation.
            Pictures are missing whose class no head could be fitted on without them.
        accuracy: fraction of them that is right, the mean of all repetitions; None where there are none.
        folds, repeats: of the cross-validation: how many, and how often the pictures were dealt out.
        units: number of groups among these pictures; None where each is on its own.
    """

    head: Head
    views: tuple[str, ...]
    strength: float
    temperature: float
    tried: tuple[HeadTrial, ...]
    chosen_by: Literal["validation", "cross-validation"]
    logits: NDArray[np.float32]
    rows: NDArray[np.int64]
    accuracy: float | None
    folds: int = 1
    repeats: int = 1
    units: int | None = None


def choose_by_validation(
    views: Sequence[Parts],
    labels: Labels,
    validation: tuple[NDArray[np.float32], Labels],
    classes: int,
    names: Sequence[str],
    strengths: Sequence[float],
    class_weights: NDArray[np.float32] | None = None,
    depths: Sequence[int] | None = None,
) -> HeadChoice:
    """The head with the smallest loss on validation pictures, fitted on the others alone.

    Args:
        views: features of N pictures in each view; the first view is plain.
        labels: (N,), of the pictures.
        validation: features (M, F) in the plain view and labels (M,), to choose and calibrate by.
        classes: number of classes.
        names: of the views.
        strengths: of the L2 penalty, above 0.
        class_weights: (classes,), how much each class counts in the loss.
        depths: how many features come from each depth, as `Backbone.depths`; None: all from one.

    Raises:
        RecipeError: a strength is not above 0.
        TrainingError: features are not finite, or no picture has a weight.
    """
    pictures = Pictures(views, labels, _weights(labels, class_weights), classes, depths)
    held_out = HeldOut([validation[0]], validation[1], _weights(validation[1], class_weights))
    divisions = [_division(pictures, held_out, pictures.weights, np.ones(len(held_out.labels), dtype=bool))]
    return _choose(pictures, held_out, divisions, names, strengths, "validation")


def choose_by_folds(
    views: Sequence[Parts],
    labels: Labels,
    classes: int,
    names: Sequence[str],
    strengths: Sequence[float],
    class_weights: NDArray[np.float32] | None = None,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    depths: Sequence[int] | None = None,
) -> HeadChoice:
    """The head with the smallest loss in a cross-validation, fitted on all pictures.

    Args:
        views: features of N pictures in each view; the first view is plain, and pictures are held out in it.
        labels: (N,), of the pictures.
        classes: number of classes.
        names: of the views.
        strengths: of the L2 penalty, above 0.
        class_weights: (classes,), how much each class counts in the loss.
        groups: (N,), equal for pictures that stay in one fold; None: each is on its own.
        seed: of the folds.
        depths: as for `choose_by_validation`.

    Raises:
        RecipeError: a strength is not above 0.
        TrainingError: features are not finite, or no picture has a weight.
    """
    pictures = Pictures(views, labels, _weights(labels, class_weights), classes, depths)
    held_out = HeldOut(views[0], labels, pictures.weights)
    largest = int(np.bincount(labels).max()) if len(labels) else 0
    count = min(FOLDS, max(2, largest))  # with 2 a class, 5 folds would hold out half of a class, and none of others
    used = min(count, ceil(ENOUGH * count / max(1, len(labels))))
    repeats = REPEATS if len(labels) <= FEW else 1
    divisions: list[Division] = []
    for repeat in range(repeats):
        folds = stratified_folds(labels, count, seed + repeat, groups)
        divisions += [
            _division(pictures, held_out, np.where(folds == fold, 0.0, pictures.weights), folds == fold)
            for fold in range(used)
        ]
    choice = _choose(pictures, held_out, divisions, names, strengths, "cross-validation")
    units = None if groups is None else len(np.unique(groups[choice.rows]))
    return replace(choice, folds=count, repeats=repeats, units=units)


def _division(
    pictures: Pictures, held_out: HeldOut, weights: NDArray[np.float64], among: NDArray[np.bool_]
) -> Division:
    """A fit with these weights, compared by the pictures `among` those held out whose class it knows."""
    known = np.isin(held_out.labels, pictures.labels[weights > 0])
    return Division(weights, np.flatnonzero(known & among & (held_out.weights > 0)))


def _choose(
    pictures: Pictures,
    held_out: HeldOut,
    divisions: Sequence[Division],
    names: Sequence[str],
    strengths: Sequence[float],
    chosen_by: Literal["validation", "cross-validation"],
) -> HeadChoice:
    divisions = [division for division in divisions if len(division.rows)]
    if not divisions:
        return _unchosen(pictures, names, strengths, chosen_by)
    tried = candidates(pictures, held_out, divisions, strengths)
    best = min(tried, key=lambda each: (each.loss, -each.strength, each.views))
    rows = np.concatenate([division.rows for division in divisions])
    temperature = fit_temperature(best.logits, held_out.labels[rows], len(np.unique(rows)))
    head = pictures.problem(best.views).fit(best.strength, best.head)
    _, first = np.unique(rows, return_index=True)  # each picture once, in order: of the first repetition
    return HeadChoice(
        cooled(head, temperature),
        tuple(names[: best.views]),
        best.strength,
        temperature,
        tuple(_record(each, names) for each in tried),
        chosen_by,
        (best.logits[first] / temperature).astype(np.float32),
        rows[first],
        best.accuracy,
    )


def _unchosen(
    pictures: Pictures,
    names: Sequence[str],
    strengths: Sequence[float],
    chosen_by: Literal["validation", "cross-validation"],
) -> HeadChoice:
    """The head of the strength in the middle, where no picture can be held out."""
    strength = sorted(strengths)[len(strengths) // 2]
    head = pictures.problem(len(pictures.views)).fit(strength)
    none = np.empty((0, pictures.classes), np.float32), np.empty(0, np.int64)
    return HeadChoice(head, tuple(names), strength, 1.0, (), chosen_by, *none, None)


def _record(candidate: Candidate, names: Sequence[str]) -> HeadTrial:
    return HeadTrial(
        views=tuple(names[: candidate.views]),
        strength=candidate.strength,
        accuracy=candidate.accuracy,
        loss=candidate.loss,
    )


def _weights(labels: Labels, class_weights: NDArray[np.float32] | None) -> NDArray[np.float64]:
    return np.ones(len(labels)) if class_weights is None else class_weights[labels].astype(np.float64)
