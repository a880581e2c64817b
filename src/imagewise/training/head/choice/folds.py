"""Folds of a cross-validation: of equal size, each with its share of every class, groups kept together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratified_folds(
    labels: NDArray[np.int64], count: int, seed: int, groups: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """The fold of each picture, int64 (N,), in 0..count - 1. Seeded.

    Without groups the pictures of a class differ by at most 1 from fold to fold, and so do the folds as a whole. With
    groups, the largest are dealt out first, each to the fold that has the least of its classes so far (as
    scikit-learn's StratifiedGroupKFold; here the share of each class counts, not its number).

    Args:
        labels: int64 (N,).
        count: of folds, at least 2.
        seed: of the order within a class.
        groups: int64 (N,), equal for pictures that stay together; None: each is on its own.
    """
    rng = np.random.default_rng(seed)
    if groups is None:
        order = rng.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]
        folds = np.empty(len(labels), np.int64)
        folds[order] = np.arange(len(labels)) % count
        return folds
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    _, kinds = np.unique(labels, return_inverse=True)
    table = np.zeros((len(sizes), kinds.max() + 1))  # groups by classes
    np.add.at(table, (members, kinds), 1)
    table /= table.sum(axis=0)
    held = np.zeros((count, table.shape[1]))
    fold_of = np.empty(len(sizes), np.int64)
    shuffled = rng.permutation(len(sizes))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        costs = held @ table[group]  # how much of its own classes a fold has; of equal ones the emptier
        fold_of[group] = fold = np.lexsort((held.sum(axis=1), costs.round(12)))[0]
        held[fold] += table[group]
    return np.asarray(fold_of[members])
