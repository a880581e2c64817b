from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imagewise.data.dataset import Dataset, Split, SplitName, SplitRule, concatenate
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

FRAMING = Framing("photo", 4, 5, 1)


def split(count: int = 6, seed: int = 0, names: bool = False) -> Split:
    images = np.random.default_rng(seed).integers(0, 256, (count, 4, 5, 1), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % 2
    return Split(images, labels, [f"{seed}/{n}.png" for n in range(count)] if names else None)


def dataset(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {
        "name": "small",
        "class_names": ("cat", "dog"),
        "splits": {"test": split(2, seed=1), "train": split()},
        "framing": FRAMING,
        "split_rule": "by hand",
    }
    return Dataset(**(fields | changes))


def test_splits_come_in_their_order() -> None:
    assert list(dataset().splits) == ["train", "test"]


def test_a_split_is_had_by_name_and_all_of_them_as_one() -> None:
    data = dataset()
    assert len(data["train"]) == 6
    assert len(data["all"]) == 8
    assert "test" in data
    assert "validation" not in data
    assert data.shape == (4, 5, 1)
    assert data.counts("train").tolist() == [3, 3]
    with pytest.raises(DataError, match="no split 'validation'; it has train, test"):
        data["validation"]


def test_counts_name_classes_without_pictures() -> None:
    assert dataset(class_names=("cat", "dog", "bee")).counts("train").tolist() == [3, 3, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ("cat", "cat")}, "same name"),
        ({"splits": {}}, "holds no picture"),
        ({"splits": {"train": split(0)}}, "split train: holds no picture"),
        ({"splits": {"exam": split()}}, "unknown split"),
        ({"framing": Framing("photo", 5, 4, 1)}, r"uint8 of shape \(N, 5, 4, 1\), not uint8 \(2, 4, 5, 1\)"),
        ({"splits": {"train": Split(split().images.astype(np.float32), split().labels)}}, "not float32"),
        ({"splits": {"train": Split(split().images, split().labels.astype(np.uint8))}}, "not uint8"),
        ({"splits": {"train": Split(split().images, split().labels[:-1])}}, "6 pictures need 6"),
        ({"splits": {"train": Split(split().images, split().labels + 1)}}, r"outside 0\.\.1"),
        ({"splits": {"train": Split(split().images, split().labels - 1)}}, r"outside 0\.\.1"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataset(**changes)


def test_the_fingerprint_is_equal_only_for_equal_data() -> None:
    data = dataset()
    assert data.fingerprint == dataset(name="other name", notices=("hello",)).fingerprint
    assert len(data.fingerprint) == 64
    relabelled = Split(data["train"].images, 1 - data["train"].labels)
    others: list[dict[str, Any]] = [
        {"class_names": ("dog", "cat")},
        {"splits": {"train": split()}},
        {"splits": {"train": split(), "validation": split(2, seed=1)}},
        {"splits": {"train": split(seed=2), "test": split(2, seed=1)}},
        {"splits": {"train": relabelled, "test": split(2, seed=1)}},
    ]
    assert len({data.fingerprint, *(dataset(**changes).fingerprint for changes in others)}) == 6


def test_the_fingerprint_does_not_depend_on_memory_order() -> None:
    images = np.asfortranarray(split().images)
    assert dataset(splits={"train": Split(images, split().labels)}).fingerprint == (
        dataset(splits={"train": split()}).fingerprint
    )


def test_taking_some_keeps_pictures_labels_and_names_together() -> None:
    some = split(names=True).take(np.array([3, 0]))
    assert some.names == ["0/3.png", "0/0.png"]
    assert some.labels.tolist() == [1, 0]
    assert np.array_equal(some.images, split().images[[3, 0]])


def test_splits_join_in_order_and_names_only_where_all_have_them() -> None:
    joined = concatenate([split(2, 1, names=True), split(1, 2, names=True)])
    assert joined.names == ["1/0.png", "1/1.png", "2/0.png"]
    assert concatenate([split(2, names=True), split(1)]).names is None
    one = split()
    assert concatenate([one]) is one


def test_notices_are_added() -> None:
    assert dataset(notices=("a",)).with_notices("b").notices == ("a", "b")


def test_split_names_are_the_three() -> None:
    names: list[SplitName] = ["train", "validation", "test"]
    data = dataset(splits={name: split(seed=seed) for seed, name in enumerate(names)})
    assert list(data.splits) == names


WRITTEN = {  # what model files and runs hold, since the first edition
    SplitRule.CONTENT: "by content: sha256(pixels) mod 100 per class, 80/10/10, at least one each",
    SplitRule.VALIDATION_BY_CONTENT: (
        "validation from train by content: sha256(pixels) mod 100 below 10, at least one a class"
    ),
    SplitRule.NEAR_COPIES: (
        "by content: sha256(pixels) mod 100 per class, about 80/10/10, at least one each, near-copies in one split"
    ),
    SplitRule.VALIDATION_BY_NEAR_COPIES: (
        "validation from train by content: sha256(pixels) mod 100 below 10, at least one a class, near-copies in one "
        "split"
    ),
    SplitRule.GROUPS: "by group: all pictures of a group in one split, about 80/10/10 per class",
    SplitRule.VALIDATION_BY_GROUPS: (
        "validation from train by group: all pictures of a group in one split, about a tenth per class"
    ),
    SplitRule.FIRST_5000: "the first 5,000 pictures of train are validation",
    SplitRule.GIVEN: "as the data comes",
}


@pytest.mark.parametrize("rule", SplitRule)
def test_each_split_rule_keeps_the_sentence_that_records_hold(rule: SplitRule) -> None:
    assert rule.sentence == WRITTEN[rule]
    assert SplitRule.read(WRITTEN[rule]) is rule
    assert SplitRule.read(rule.value) is rule


def test_a_set_made_by_hand_may_say_its_rule_in_a_sentence() -> None:
    assert dataset(split_rule=WRITTEN[SplitRule.CONTENT]).split_rule is SplitRule.CONTENT
    assert dataset(split_rule="by my own draw").split_rule is SplitRule.GIVEN
