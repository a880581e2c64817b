"""Heads to choose from: of several sets of views and strengths, each with its logits of pictures that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import SingleLabel
from imagewise.training.head.logistic import Head, LogisticProblem

PICKED_LOOSELY = 1e-4  # of the gradient: enough to compare strengths; the last fit is exact

Labels = NDArray[np.int64]
Parts = Sequence[NDArray[np.float32]]
"""Features of pictures, (n, F) each, one after the other: so that those of two splits need not be copied into one."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What heads are fitted on.

    Attributes:
        views: features of N pictures in each view.
        labels: (N,).
        weights: (N,), how much each counts.
        classes: number of classes.
        depths: how many features come from each depth, as `Backbone.depths`; None: all from one.
    """

    views: Sequence[Parts]
    labels: Labels
    weights: NDArray[np.float64]
    classes: int
    depths: Sequence[int] | None = None

    def problem(self, views: int) -> LogisticProblem:
        """The fit on the first views. A picture counts the same however many there are."""
        parts = [part for view in self.views[:views] for part in view]
        weights = np.tile(self.weights, views) / views
        return LogisticProblem(parts, np.tile(self.labels, views), self.classes, weights, self.depths)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What heads are compared by: features in the plain view, labels (M,), and how much each picture counts (M,)."""

    parts: Parts
    labels: Labels
    weights: NDArray[np.float64]

    def logits(self, head: Head, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (len(rows), classes) of some of them; rows ascend."""
        found = []
        for part in self.parts:
            found.append(head.logits(part[rows[(rows >= 0) & (rows < len(part))]]))
            rows = rows - len(part)
        return np.concatenate(found)


class Division(NamedTuple):
    """One way to hold pictures out.

    Attributes:
        weights: (N,), how much each picture counts in the fit; 0: not at all.
        rows: those of `HeldOut` that the head is compared by, ascending.
    """

    weights: NDArray[np.float64]
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of views and a strength that were tried.

    Attributes:
        views: how many, the first ones.
        strength: of the L2 penalty.
        head: of the first division.
        logits: of the held-out pictures of all divisions, one after the other, float32 (M, classes).
        accuracy, loss: of these logits.
    """

    views: int
    strength: float
    head: Head
    logits: NDArray[np.float32]
    accuracy: float
    loss: float


def candidates(
    pictures: Pictures, held_out: HeldOut, divisions: Sequence[Division], strengths: Sequence[float]
) -> list[Candidate]:
    """All that was tried: the first view alone and all views, each with the strengths from the strongest on.

    Each fit starts from the one before, which leaves few iterations. The weakest strengths are left out when the loss
    has risen twice in a row: it has one minimum along the strengths.
    """
    found: list[Candidate] = []
    rows = np.concatenate([division.rows for division in divisions])
    labels = held_out.labels[rows]
    weights = held_out.weights[rows]
    for views in sorted({1, len(pictures.views)}):
        problem = pictures.problem(views)
        fits = [problem.weighted(np.tile(division.weights, views) / views) for division in divisions]
        heads: list[Head | None] = [None] * len(fits)
        losses: list[float] = []
        for strength in sorted(strengths, reverse=True):
            fitted = [fit.fit(strength, head, PICKED_LOOSELY) for fit, head in zip(fits, heads, strict=True)]
            logits = np.concatenate(
                [held_out.logits(head, each.rows) for head, each in zip(fitted, divisions, strict=True)]
            )
            accuracy = float(SingleLabel().correct(logits, labels).mean())
            losses.append(float(weights @ SingleLabel().losses(logits, labels)) / weights.sum())
            found.append(Candidate(views, strength, fitted[0], logits, accuracy, losses[-1]))
            heads = [*fitted]
            if len(losses) > 2 and losses[-3] < losses[-2] < losses[-1]:
                break
    return found
