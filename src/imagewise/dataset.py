"""Dataset: pictures as uint8 arrays, labels, class names, splits and a fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import DataError
from imagewise.mapped import join, pieces
from imagewise.picture import Framing

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Pictures that belong together, with their labels.

    Attributes:
        images: (N, H, W, C) uint8, C = 1 (grey) or 3 (RGB). May be memory-mapped.
        labels: (N,) int64, indices into the data set's `class_names`.
        names: what to call each picture in a report (a file's path); None where they have only a number.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.images)

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
        split_rule: a sentence that says how the splits were made.
        notices: what the user should be told (a fallback, a choice made by looking).
        skipped: pictures that could not be read: (path, reason).

    Raises:
        DataError: arrays of the wrong shape or type, labels without a class, an unknown split.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[SplitName, Split]
    framing: Framing
    split_rule: str
    notices: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.class_names)) != len(self.class_names):
            raise DataError(f"{self.name}: two classes have the same name; rename one of {self.class_names}.")
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
        if labels.dtype != np.int64 or labels.shape != (len(images),):
            raise DataError(
                f"{where}: {len(images)} pictures need {len(images)} int64 labels, not {labels.dtype} {labels.shape}."
            )
        if not len(images):
            raise DataError(f"{where}: holds no picture. Leave the split out or fill it.")
        if labels.min() < 0 or labels.max() >= len(self.class_names):
            raise DataError(f"{where}: a label lies outside 0..{len(self.class_names) - 1}.")

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        return f"Dataset({self.name!r}: {counts}; {len(self.class_names)} classes, pictures {self.shape})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        return self.framing.shape

    def __getitem__(self, split: SplitName | Literal["all"]) -> Split:
        """The split of that name, or all of them one after the other. Raises DataError where there is none."""
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
            for piece in pieces(split.images):
                digest.update(np.ascontiguousarray(piece).data)
            digest.update(np.ascontiguousarray(split.labels).data)
        return digest.hexdigest()

    def counts(self, split: SplitName) -> NDArray[np.int64]:
        """Pictures a class in a split: (classes,) int64."""
        counts = np.bincount(self[split].labels, minlength=len(self.class_names))
        return counts.astype(np.int64, copy=False)

    def with_notices(self, *notices: str) -> Dataset:
        """The same data with more to tell the user."""
        return replace(self, notices=(*self.notices, *notices))


def concatenate(splits: Sequence[Split]) -> Split:
    """Several splits as one, in order; a view where they lie so in one memory-mapped file, a single one as it is."""
    if len(splits) == 1:
        return splits[0]
    named = all(split.names is not None for split in splits)
    return Split(
        join([split.images for split in splits]),
        np.concatenate([split.labels for split in splits]),
        [name for split in splits for name in split.names or ()] if named else None,
    )
