"""Folds of a cross-validation: stratified by class, groups in one piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def assign_folds(
    labels: NDArray[np.int64], count: int, seed: int, groups: Sequence[str | None] | None = None
) -> NDArray[np.int64]:
    """The fold of each picture, (N,) in 0..count - 1: each class is spread over the folds as evenly as its groups allow.

    Args:
        labels: (N,) classes.
        count: number of folds, at least 2.
        seed: of the order in which pictures are dealt out.
        groups: pictures with the same name are put into one fold; None, of all or of a picture: it is alone.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    members: dict[object, list[int]] = {}
    for index in order.tolist():
        group = None if groups is None else groups[index]
        members.setdefault(index if group is None else group, []).append(index)
    held = np.zeros((int(labels.max()) + 1, count), dtype=np.int64)  # pictures of each class in each fold
    folds = np.empty(len(labels), dtype=np.int64)
    for unit in sorted(members.values(), key=len, reverse=True):  # large groups first, as long as there is room
        classes = labels[unit]
        load = held[classes].sum(axis=0) * len(labels) + held.sum(axis=0)  # first of these classes, then of all
        fold = int(load.argmin())
        folds[unit] = fold
        np.add.at(held, (classes, fold), 1)
    return folds
