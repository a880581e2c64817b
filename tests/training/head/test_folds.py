from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.training.head.choice.folds import stratified_folds


@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.integers(2, 6), st.integers(0, 3))
def test_classes_and_folds_differ_by_one_picture_at_most(labels: list[int], count: int, seed: int) -> None:
    folds = stratified_folds(np.array(labels), count, seed)
    for chosen in (folds, *(folds[np.array(labels) == label] for label in set(labels))):
        sizes = np.bincount(chosen, minlength=count)
        assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=2, max_size=60), st.integers(0, 3))
def test_a_group_is_in_one_fold(pairs: list[tuple[int, int]], seed: int) -> None:
    labels, groups = np.array(pairs).T
    folds = stratified_folds(labels, 5, seed, groups)
    assert all(len(set(folds[groups == group])) == 1 for group in groups)
    assert set(folds) <= set(range(5))


def test_groups_are_spread_so_that_each_fold_has_its_share_of_every_class() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), rng.integers(1, 8, 60))
    labels = rng.integers(0, 3, 60)[groups]  # a group is of one class
    folds = stratified_folds(labels, 5, 0, groups)
    for label in range(3):
        shares = np.bincount(folds[labels == label], minlength=5) / (labels == label).sum()
        assert shares.min() > 0.13
        assert shares.max() < 0.27


def test_groups_of_one_picture_are_dealt_out_as_evenly_as_pictures_without_groups() -> None:
    labels = np.repeat([0, 1, 2], (25, 10, 5))
    folds = stratified_folds(labels, 5, 0, np.arange(40))
    assert [np.bincount(folds[labels == label]).tolist() for label in range(3)] == [[5] * 5, [2] * 5, [1] * 5]


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(25), 2)])
def test_a_seed_decides_the_folds(groups: np.ndarray | None) -> None:
    labels = np.arange(50) % 2
    first, again, other = (stratified_folds(labels, 5, seed, groups) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
