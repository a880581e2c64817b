"""PROVISIONAL"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagewise.data.task import SingleLabel
from imagewise.training.head.logistic import Head, LogisticProblem


class HeadChoice(NamedTuple):
    head: Head
    strength: float
    views: tuple[str, ...]
    tried: tuple[tuple[tuple[str, ...], float, float, float], ...]
    temperature: float


def choose_head(views: Sequence[NDArray[np.float32]], labels, vf, vl, classes, *, names, strengths, class_weights, fit_on, seed) -> HeadChoice:
    task = SingleLabel()
    tried = []
    best = None
    P = LogisticProblem(views[0], labels, classes)
    h = None
    for s in sorted(strengths, reverse=True):
        h = P.fit(s, h)
        z = h.logits(vf)
        acc, loss = float(task.correct(z, vl).mean()), float(task.losses(z, vl).mean())
        tried.append((("plain",), s, acc, loss))
        if best is None or loss < best[0]:
            best = (loss, s, h)
    return HeadChoice(best[2], best[1], ("plain",), tuple(tried), 1.0)
