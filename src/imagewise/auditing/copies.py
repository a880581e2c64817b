"""Groups of pictures that look the same: exact copies and near-copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.data.groups.array_sets import MOST
from imagewise.data.groups.grouping import clusters
from imagewise.data.groups.near_copies import near_pairs, signatures_of, usable_clusters
from imagewise.data.splitting import content_hashes


@dataclass(frozen=True)
class Copies:
    """Pictures that look the same.

    Attributes:
        members: their numbers, ascending.
        exact: all of their pixels are equal.
    """

    members: tuple[int, ...]
    exact: bool


def find_copies(pictures: Split) -> list[Copies]:
    """Groups of copies, in the order of their first pictures.

    Near-copies are looked for among up to `MOST` pictures. A group that is most of a class, as from a fixed camera, is
    left out unless all its pixels are equal.
    """
    hashes = content_hashes(pictures.images)
    _, same = np.unique([str(value) for value in hashes], return_inverse=True)
    order = np.argsort(same, kind="stable")
    pairs = np.stack([order[:-1], order[1:]], axis=1)
    equal = pairs[same[pairs[:, 0]] == same[pairs[:, 1]]]
    near = near_pairs(signatures_of(pictures.images)) if len(pictures) <= MOST else np.zeros((0, 2), dtype=np.int64)
    together = clusters(len(pictures), np.concatenate([equal, near]))
    exact = clusters(len(pictures), equal)
    usable = usable_clusters(together, pictures.labels)
    kept = usable + [group for group in exact if not any(set(group) <= set(other) for other in usable)]
    return [Copies(tuple(group), len(set(same[group].tolist())) == 1) for group in sorted(kept)]


def copy_numbers(count: int, copies: list[Copies]) -> NDArray[np.int64]:
    """(N,), equal for pictures of one group."""
    numbers = np.arange(count, dtype=np.int64)
    for group in copies:
        numbers[list(group.members)] = group.members[0]
    return numbers
