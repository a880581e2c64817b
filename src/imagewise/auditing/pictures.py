"""The pictures of an audit, as one row after the other: those that are audited first, then the others to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, Split, SplitName, concatenate


@dataclass(frozen=True, eq=False)
class AuditedPictures:
    """Pictures to audit, and the rest of the set.

    Attributes:
        dataset: all of it.
        splits: the names of the splits to audit.
        audited: their pictures.
        others: the pictures of the other splits; None where all are audited.
    """

    dataset: Dataset
    splits: tuple[SplitName, ...]
    audited: Split
    others: Split | None

    @classmethod
    def of(cls, dataset: Dataset, chosen: SplitName | None) -> AuditedPictures:
        """Those of one split, or of all. Raises DataError if there is no such split."""
        if chosen is None:
            return cls(dataset, tuple(dataset.splits), dataset["all"], None)
        rest = [split for name, split in dataset.splits.items() if name != chosen]
        return cls(dataset, (chosen,), dataset[chosen], concatenate(rest) if rest else None)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) of the audited pictures."""
        return self.audited.labels

    def place(self, number: int) -> tuple[SplitName, int]:
        """Split and index there of the audited picture with this number."""
        for name in self.splits:
            length = len(self.dataset[name])
            if number < length:
                return name, number
            number -= length
        raise IndexError(number)
