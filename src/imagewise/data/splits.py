"""The splits that a source lacks, and the check that its own splits fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split, SplitName, SplitRule
from imagewise.data.groups.grouping import Units, units_of
from imagewise.data.splitting import split_by_content
from imagewise.errors import DataError

# The words that people use for the splits: of folders, of files and in tables.
SPLIT_WORDS: Mapping[str, SplitName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "evaluation": "validation",
    "eval": "validation",
    "test": "test",
    "tests": "test",
    "testing": "test",
    "holdout": "test",
    "publictest": "validation",  # Kaggle's scores while a contest runs, and after it: FER2013
    "privatetest": "test",
}

_SPLIT_WORD = re.compile(
    rf"(?P<split>{'|'.join(SPLIT_WORDS)})(?:set|data|split|images?|imgs?|pictures?|pics?|photos?)?"
    r"|(?:predict|prediction|predictions|pred|preds|unlabeled|unlabelled)"
)
_FILLER = re.compile(
    r"((data)?sets?|data|splits?|images?|imgs?|pictures?|pics?|photos?|samples?|files?|folders?|seg|to|for|of|the|my"
    r"|new|old|all|small|full|raw|final|jpe?g|png)"
)
_TWO_WORDS = re.compile(r"(public|private)[\W_]*(?=test)")  # which are one name


def is_like_split(name: str) -> bool:
    """Whether a folder's name is one that people give to splits rather than to classes: `test1`, `Training_Set`,
    `images to predict`, but not `trainer` or `test tube`."""
    words = _words(name)
    return any(map(_SPLIT_WORD.fullmatch, words)) and all(
        _SPLIT_WORD.fullmatch(word) or _FILLER.fullmatch(word) for word in words
    )


def split_of_folder(name: str) -> SplitName | None:
    """The split that a folder is by its name: test of `Testing`, `seg_test` and `test_set_2`; None where the name says
    none (`seg_pred`, `cats`), or more than one."""
    if not is_like_split(name):
        return None
    words = [match["split"] for word in _words(name) if (match := _SPLIT_WORD.fullmatch(word))]
    named = {SPLIT_WORDS.get(word or "") for word in words}
    return named.pop() if len(named) == 1 else None


def splits_of_siblings(names: Sequence[str]) -> dict[str, SplitName]:
    """The split of each of several folders whose names differ in the word for a split only: `cars_train` and
    `cars_test`. Nothing where they differ otherwise, or none is train."""
    found: dict[str, SplitName] = {}
    rests = set()
    for name in names:
        words = split_words_out(name)
        matches = [match for word in words.all if (match := _SPLIT_WORD.fullmatch(word)) and match["split"]]
        splits = {SPLIT_WORDS[match["split"]] for match in matches}
        if len(splits) != 1:
            return {}
        found[name] = splits.pop()
        rests.add(words.others)
    distinct = len(set(found.values())) == len(names) > 1
    return found if distinct and len(rests) == 1 and "train" in found.values() else {}


def is_filler(name: str) -> bool:
    """Whether a folder's name says nothing about what its pictures show: `images`, `new_photos`."""
    return all(map(_FILLER.fullmatch, _words(name)))


class NameWords(NamedTuple):
    """The words of a name in small letters.

    Attributes:
        all: every word.
        others: those that neither name a split nor say nothing, such as `images`.
    """

    all: tuple[str, ...]
    others: tuple[str, ...]


def split_words_out(name: str) -> NameWords:
    """The words of a folder's name or path, and those that may say what the pictures show."""
    words = tuple(_words(name))
    others = tuple(word for word in words if not _SPLIT_WORD.fullmatch(word) and not _FILLER.fullmatch(word))
    return NameWords(words, others)


def _words(name: str) -> list[str]:
    """The words of a name in small letters: those of `trainImages_2` are `train` and `images`, that of `Public_Test` is
    `publictest`."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W\d_]+", _TWO_WORDS.sub(r"\1", parted.lower()))


def split_of_name(name: str) -> SplitName | None:
    """The split that a file is of by its name: train of `train-00000-of-00002` and of `imagenet1k_train_0001`."""
    words = re.split(r"[^a-z]+", _TWO_WORDS.sub(r"\1", name.lower()))
    found = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def complete_splits(
    given: Mapping[SplitName, Split], train_hashes: Callable[[], Sequence[int]]
) -> tuple[dict[SplitName, Split], SplitRule]:
    """Make the splits that are missing out of train, by content. Returns them and the rule.

    Args:
        given: the splits that the source has.
        train_hashes: one content hash a picture of `given["train"]`; called only where it is needed.
    """
    labels = given["train"].labels if "train" in given else np.zeros(0, dtype=np.int64)
    parts, rule = parts_of_train(set(given), labels, lambda: units_of(train_hashes()))
    return dict(given) | {name: given["train"].take(indices) for name, indices in parts.items()}, rule


def parts_of_train(
    given: Set[SplitName], labels: NDArray[np.int64], units: Callable[[], Units]
) -> tuple[dict[SplitName, NDArray[np.int64]], SplitRule]:
    """Indices of train's pictures by the split that they go into, nothing where they stay; and the rule.

    Data without splits counts as train and is split 80/10/10. Data with a train and a test gets a validation
    split out of train. Anything else stays as it is.

    Args:
        given: the splits that the source has.
        labels: (N,) class indices of train.
        units: what belongs together in train; called only where it is needed.
    """
    if given == {"train"}:
        shares: dict[SplitName, int] = {"train": 80, "validation": 10, "test": 10}
        rules = SplitRule.CONTENT, SplitRule.NEAR_COPIES, SplitRule.GROUPS
    elif given == {"train", "test"}:
        shares = {"validation": 10, "train": 90}
        rules = (
            SplitRule.VALIDATION_BY_CONTENT,
            SplitRule.VALIDATION_BY_NEAR_COPIES,
            SplitRule.VALIDATION_BY_GROUPS,
        )
    else:
        return {}, SplitRule.GIVEN
    together = units()
    grouped = bool(together.joined.any())
    # without a near-copy or group, nothing moves: the split is that by content
    movable = np.ones(len(labels), dtype=np.bool_) if together.named else together.joined
    parts = split_by_content(together.keys, labels, shares, movable if grouped or together.named else None)
    rule = rules[2 if together.named else 1 if grouped else 0]
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
