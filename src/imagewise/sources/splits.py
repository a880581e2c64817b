"""The splits that a source lacks, and the check that its own splits fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Split, SplitName
from imagewise.errors import DataError
from imagewise.splitting import CONTENT_RULE, VALIDATION_RULE, split_by_content

GIVEN_RULE = "as the data comes"

# The names that people give to the splits, as folders and in tables.
SPLIT_NAMES: Mapping[str, SplitName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}


def split_of_name(name: str) -> SplitName | None:
    """The split that a file is of by its name: train of `train-00000-of-00002` and of `imagenet1k_train_0001`."""
    words = re.split(r"[^a-z]+", name.lower())
    found = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def complete_splits(
    given: Mapping[SplitName, Split], train_hashes: Callable[[], Sequence[int]]
) -> tuple[dict[SplitName, Split], str]:
    """Make the splits that are missing out of train, by content. Returns them and the rule in words.

    Args:
        given: the splits that the source has.
        train_hashes: one content hash a picture of `given["train"]`; called only where it is needed.
    """
    labels = given["train"].labels if "train" in given else np.zeros(0, dtype=np.int64)
    parts, rule = parts_of_train(set(given), labels, train_hashes)
    return dict(given) | {name: given["train"].take(indices) for name, indices in parts.items()}, rule


def parts_of_train(
    given: Set[SplitName], labels: NDArray[np.int64], hashes: Callable[[], Sequence[int]]
) -> tuple[dict[SplitName, NDArray[np.int64]], str]:
    """What becomes of the pictures in train: their indices by split, nothing where they stay; and the rule in words.

    Data without splits counts as train and is split 80/10/10. Data with a train and a test gets a validation
    split out of train. Anything else stays as it is.

    Args:
        given: the splits that the source has.
        labels: (N,) class indices of train.
        hashes: one content hash a picture of train; called only where it is needed.
    """
    if given == {"train"}:
        shares: dict[SplitName, int] = {"train": 80, "validation": 10, "test": 10}
        rule = CONTENT_RULE
    elif given == {"train", "test"}:
        shares, rule = {"validation": 10, "train": 90}, VALIDATION_RULE
    else:
        return {}, GIVEN_RULE
    parts = split_by_content(hashes(), labels, shares)
    return {name: indices for name, indices in parts.items() if len(indices)}, rule


def refuse_unknown_classes(where: str, class_names: Sequence[str], given: Mapping[SplitName, Split]) -> None:
    """Raise DataError where another split has a class that train lacks: no model could ever be right about
    it."""
    if "train" not in given:
        return
    known = np.unique(given["train"].labels)
    for split, content in given.items():
        unknown = np.setdiff1d(content.labels, known)
        if len(unknown):
            names = ", ".join(
                repr(class_names[label]) if 0 <= label < len(class_names) else str(label) for label in unknown
            )
            raise DataError(
                f"{where}: the {split} split has classes that train lacks: {names}. Add them to train, or "
                f"take them out of {split}."
            )
