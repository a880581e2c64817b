"""Dataset: pictures as uint8 arrays, labels, class names, splits and a fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple, SupportsIndex, get_args, overload

import numpy as np
from numpy.typing import NDArray

from imagewise.data.memmap import MappedRange, concat_views, iter_chunks
from imagewise.data.task import SingleLabel
from imagewise.display import html
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, describe_size

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
SHOWN_CLASSES = 20  # in a notebook
SEARCHED = 10_000  # labels, for the first picture of each class


class SplitRule(StrEnum):
    """How the splits of a data set were made. Records, model files and people get its `sentence`."""

    CONTENT = "content"
    VALIDATION_BY_CONTENT = "validation by content"
    NEAR_COPIES = "content and near-copies"
    VALIDATION_BY_NEAR_COPIES = "validation by content and near-copies"
    GROUPS = "groups"
    VALIDATION_BY_GROUPS = "validation by groups"
    FIRST_5000 = "first 5,000"
    GIVEN = "given"

    @property
    def makes_test(self) -> bool:
        """Whether the test split was taken out of pictures that came without one."""
        return self in (SplitRule.CONTENT, SplitRule.NEAR_COPIES, SplitRule.GROUPS)

    @property
    def sentence(self) -> str:
        """The rule in words. Model files hold these: a sentence may be added, but none may change."""
        return _SENTENCES[self]

    @classmethod
    def read(cls, text: str) -> SplitRule:
        """The rule of a name or a sentence; `GIVEN` for any other text, which only a set made by hand has."""
        by_text = {rule.value: rule for rule in cls} | {sentence: rule for rule, sentence in _SENTENCES.items()}
        return by_text.get(text, cls.GIVEN)


_SENTENCES: Mapping[SplitRule, str] = {
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


class Sample(NamedTuple):
    """One picture of a split.

    Attributes:
        image: (H, W, C) uint8.
        label: an index into the data set's `class_names`.
    """

    image: NDArray[np.uint8]
    label: int


def split_text(sentence: str, groups: int) -> str:
    """A rule's sentence with the number of groups: "by group: ... (12 groups)"."""
    return f"{sentence} ({groups:,} group{'' if groups == 1 else 's'})" if groups else sentence


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Pictures that belong together, with their labels. `split[7]` is a `Sample`, `split[:100]` a smaller split.

    Attributes:
        images: (N, H, W, C) uint8, C = 1 (grey) or 3 (RGB). May be memory-mapped.
        labels: (N,) int64, indices into the data set's `class_names`.
        names: what to call each picture in a report (a file's path); None where they have only a number.
        mapped: of which range of a larger array `images` is a view, where it is one.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: Sequence[str] | None = None
    mapped: MappedRange | None = None

    @classmethod
    def of_range(cls, mapped: MappedRange, labels: NDArray[np.int64], names: Sequence[str] | None = None) -> Split:
        """The pictures of a part of a larger array."""
        return cls(mapped.images, labels, names, mapped)

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Sample | Split:
        """The picture at `index` with its label, or a part of the split. Raises IndexError, TypeError."""
        if isinstance(index, slice):
            names = None if self.names is None else self.names[index]
            return Split(self.images[index], self.labels[index], names)
        if not isinstance(index, SupportsIndex):
            raise TypeError(f"a split is indexed by a number or a slice, not by {type(index).__name__}.")
        number = index.__index__()
        if not -len(self) <= number < len(self):
            raise IndexError(f"picture {number} of a split of {len(self):,}")
        return Sample(self.images[number], int(self.labels[number]))

    def __iter__(self) -> Iterator[Sample]:
        return (Sample(image, int(label)) for image, label in zip(self.images, self.labels, strict=True))

    def __repr__(self) -> str:
        return f"Split({len(self)} pictures of {self.images.shape[1:]})"

    def take(self, indices: NDArray[np.integer[Any]]) -> Split:
        """The pictures at `indices`, in that order (a copy)."""
        names = None if self.names is None else [self.names[i] for i in indices]
        return Split(self.images[indices], self.labels[indices], names)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A labelled set of pictures, framed to one shape and split for training.

    Attributes:
        name: what the user calls it.
        class_names: labels as people say them; `labels` index into this.
        splits: the splits that exist, each non-empty, in the order of `SPLITS`.
        framing: how a picture file becomes an array of the shape of these.
        split_rule: how the splits were made; a sentence is read by `SplitRule.read`.
        group_by: the regular expression on file names that made groups.
        near_copies: whether pictures that look the same were looked for, to keep them in one split.
        groups: how many groups of different pictures were kept in one split.
        notices: what the user should be told (a fallback, a choice made by looking).
        skipped: pictures that could not be read: (path, reason).
        licence, attribution: of the pictures, where they are known; models that are trained on them carry both.

    Raises:
        DataError: arrays of the wrong shape or type, labels without a class, an unknown split.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[SplitName, Split]
    framing: Framing
    split_rule: SplitRule
    notices: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    licence: str | None = None
    attribution: str | None = None
    group_by: str | None = None
    near_copies: bool = False
    groups: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "split_rule", SplitRule.read(self.split_rule))
        if len(set(self.class_names)) != len(self.class_names):
            raise DataError(f"{self.name}: two classes have the same name; rename one of {self.class_names}.")
        for class_name in self.class_names:
            try:
                class_name.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{self.name}: the class name {class_name!r} is not UTF-8. Rename its folder or its label."
                ) from error
        if not self.splits:
            raise DataError(f"{self.name} holds no picture. Name a set or a folder with labelled pictures.")
        for name, split in self.splits.items():
            self._check(name, split)
        ordered = {name: self.splits[name] for name in SPLITS if name in self.splits}
        object.__setattr__(self, "splits", ordered)

    def _check(self, name: str, split: Split) -> None:
        where = f"{self.name}, split {name}"
        if name not in SPLITS:
            raise DataError(f"{where}: unknown split; the splits are {', '.join(SPLITS)}.")
        images, labels = split.images, split.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self.framing.shape:
            raise DataError(
                f"{where}: pictures must be uint8 of shape (N, {', '.join(map(str, self.framing.shape))}), "
                f"not {images.dtype} {images.shape}."
            )
        if not len(images):
            raise DataError(f"{where}: holds no picture. Leave the split out or fill it.")
        problem = SingleLabel().label_problem(labels, len(images), len(self.class_names))
        if problem is not None:
            raise DataError(f"{where}: {problem}.")

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        return f"Dataset({self.name!r}: {counts}; {len(self.class_names)} classes, pictures {self.shape})"

    def _repr_html_(self) -> str:
        """For notebooks: pictures a class and split, and the first picture of some classes."""
        names = self.class_names[:SHOWN_CLASSES]
        counts = {split: self.counts(split) for split in self.splits}
        rows = [[name, *(counts[split][place] for split in self.splits)] for place, name in enumerate(names)]
        if len(self.class_names) > len(names):
            rows.append([f"and {len(self.class_names) - len(names):,} more"])
        rows.append(["all", *map(len, self.splits.values())])
        first = next(iter(self.splits.values()))
        places = {int(label): place for place, label in reversed(list(enumerate(first.labels[:SEARCHED].tolist())))}
        pictures = [html.thumbnail(first.images[places[i]], name) for i, name in enumerate(names) if i in places]
        facts = [("pictures", f"{len(self):,}"), ("input", describe_size(self.shape)), *_told(self)]
        return html.card(self.name, facts, html.table(["class", *self.splits], rows), *pictures)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        return self.framing.shape

    def __len__(self) -> int:
        """The number of pictures in all splits."""
        return sum(len(split) for split in self.splits.values())

    def __getitem__(self, split: SplitName | Literal["all"]) -> Split:
        """The split of that name; "all" joins every split. Raises DataError for a split that the set lacks."""
        if split == "all":
            return concatenate([self.splits[name] for name in self.splits])
        if split not in self.splits:
            raise DataError(f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}.")
        return self.splits[split]

    def __contains__(self, split: object) -> bool:
        return split in self.splits

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over class names, splits, shapes, pictures and labels: equal only for equal data."""
        digest = hashlib.sha256()
        digest.update(repr(self.class_names).encode())
        for name, split in self.splits.items():
            digest.update(f"{name} {split.images.shape}".encode())
            for piece in iter_chunks(split.images):
                digest.update(np.ascontiguousarray(piece).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()

    @property
    def split_text(self) -> str:
        """The rule of the splits in words, with the number of groups."""
        return split_text(self.split_rule.sentence, self.groups)

    def counts(self, split: SplitName) -> NDArray[np.int64]:
        """Pictures a class in a split: (classes,) int64."""
        counts = np.bincount(self[split].labels, minlength=len(self.class_names))
        return counts.astype(np.int64, copy=False)

    def with_notices(self, *notices: str) -> Dataset:
        """The same data with more to tell the user."""
        return replace(self, notices=(*self.notices, *notices))


def _told(dataset: Dataset) -> list[tuple[str, str]]:
    """Notices and the number of skipped pictures, as facts."""
    skipped = [("skipped", f"{len(dataset.skipped):,}")] if dataset.skipped else []
    return [*(("notice", notice) for notice in dataset.notices), *skipped]


def concatenate(splits: Sequence[Split]) -> Split:
    """Several splits as one, in order; their pictures are a view where they follow each other in one array."""
    if len(splits) == 1:
        return splits[0]
    named = all(split.names is not None for split in splits)
    return Split(
        concat_views([split.images for split in splits], [split.mapped for split in splits]),
        np.concatenate([split.labels for split in splits]),
        [name for split in splits for name in split.names or ()] if named else None,
    )
