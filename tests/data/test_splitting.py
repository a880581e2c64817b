from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewise.data.dataset import SplitName
from imagewise.data.splitting import content_hash, content_hashes, split_by_content

SHARES: dict[SplitName, int] = {"train": 80, "validation": 10, "test": 10}
VALIDATION: dict[SplitName, int] = {"validation": 10, "train": 90}

# Few different hashes, so that copies and classes that are too small come up.
examples = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=60)


@settings(max_examples=200)
@given(examples, st.sampled_from([SHARES, VALIDATION]))
def test_each_picture_is_on_one_side_and_its_copies_with_it(
    pictures: list[tuple[int, int]], shares: dict[SplitName, int]
) -> None:
    hashes = [value for value, _ in pictures]
    parts = split_by_content(hashes, np.array([label for _, label in pictures]), shares)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(pictures)))
    sides = [{hashes[index] for index in part.tolist()} for part in parts.values()]
    assert sum(map(len, sides)) == len(set(hashes))


@settings(max_examples=200)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40, unique=True), st.sampled_from([SHARES, VALIDATION]))
def test_each_split_has_a_picture_of_the_class_as_far_as_they_go(
    hashes: list[int], shares: dict[SplitName, int]
) -> None:
    parts = split_by_content(hashes, np.zeros(len(hashes), np.int64), shares)
    by_weight = [name for name in ("train", "test", "validation") if name in parts]
    for rank, name in enumerate(by_weight):
        assert (len(parts[name]) > 0) == (len(hashes) > rank)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 10**9), max_size=30), st.integers(0, 2**32))
def test_adding_pictures_moves_none(more: list[int], seed: int) -> None:
    """Where a class has pictures of its own in each split."""
    hashes = [number * 100 + bucket for number, bucket in enumerate((5, 50, 79, 80, 89, 90, 99))]
    both = np.array(hashes + more)
    order = np.random.default_rng(seed).permutation(len(both))
    before = split_by_content(hashes, np.zeros(len(hashes), np.int64), SHARES)
    after = split_by_content(both[order].tolist(), np.zeros(len(both), np.int64), SHARES)
    for name, part in before.items():
        assert {hashes[i] for i in part.tolist()} <= {int(both[order][i]) for i in after[name].tolist()}


def test_the_shares_are_hundredths_of_the_buckets_in_their_order() -> None:
    parts = split_by_content(list(range(1000)), np.zeros(1000, np.int64), SHARES)
    assert [len(part) for part in parts.values()] == [800, 100, 100]
    assert parts["validation"][:2].tolist() == [80, 81]
    first = split_by_content(list(range(100)), np.zeros(100, np.int64), VALIDATION)
    assert first["validation"].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("hashes", "wanted"),
    [
        ([85], {"train": [85], "validation": [], "test": []}),
        ([85, 86], {"train": [85], "validation": [], "test": [86]}),
        ([0, 1], {"train": [1], "validation": [], "test": [0]}),
        ([0, 1, 2], {"train": [2], "validation": [1], "test": [0]}),
        ([95, 95, 95], {"train": [95, 95, 95], "validation": [], "test": []}),
    ],
)
def test_a_class_with_too_few_pictures_fills_train_first_then_test(
    hashes: list[int], wanted: dict[str, list[int]]
) -> None:
    parts = split_by_content(hashes, np.zeros(len(hashes), np.int64), SHARES)
    assert {name: [hashes[i] for i in part.tolist()] for name, part in parts.items()} == wanted


def test_the_hash_is_of_pixels_and_shape_and_never_changes() -> None:
    """A changed hash would move pictures between the splits of every data set in use."""
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert content_hash(pixels) % 10**12 == 495801355396
    assert content_hash(pixels.T) != content_hash(pixels)
    assert content_hash(pixels.reshape(4, 3)) != content_hash(pixels)
    assert content_hash(np.asfortranarray(pixels)) == content_hash(pixels)
    assert content_hashes([pixels, pixels]) == [content_hash(pixels)] * 2
