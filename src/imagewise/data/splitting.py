"""The split by content and by group: which pictures are for training, for choosing, and for the one test at the end."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import SplitName
from imagewise.data.groups.balancing import balance


def content_hash(pixels: NDArray[np.generic]) -> int:
    """SHA-256 of a picture's shape and pixels, as an integer. Pixels before framing, so that a split does not
    depend on the size that the network sees."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return int.from_bytes(digest.digest(), "big")


def content_hashes(images: Iterable[NDArray[np.generic]]) -> list[int]:
    """`content_hash` of each picture."""
    return [content_hash(image) for image in images]


def split_by_content(
    hashes: Sequence[int],
    labels: NDArray[np.int64],
    shares: dict[SplitName, int],
    movable: NDArray[np.bool_] | None = None,
) -> dict[SplitName, NDArray[np.int64]]:
    """Indices of each split, ascending, by `hash mod 100`.

    Equal pictures stay on one side, adding pictures moves none of the others, and no seed plays a part. A class
    that got nothing of a split gives up the picture (with its copies) whose hash is next in line; a class with
    too few different pictures fills train first, then test.

    Args:
        hashes: one `content_hash` a picture, or the key of what it belongs to (`Units`): equal ones are not parted.
        labels: (N,) class indices.
        shares: hundredths of each split, in the order of the buckets; they add up to 100.
        movable: (N,) bool, pictures that may be put into another split than their hash says, with all of the same
            hash, to keep the shares of each class: groups are so large that chance alone would not. None: none may.
    """
    bucket = np.array([h % 100 for h in hashes], dtype=np.int64)
    bounds = np.cumsum(list(shares.values()))
    names = list(shares)
    side = np.searchsorted(bounds, bucket, side="right")
    copies: dict[int, list[int]] = defaultdict(list)
    for index, value in enumerate(hashes):
        copies[value].append(index)
    grouped = movable is not None and bool(movable.any())
    if movable is not None and grouped:
        side = balance(side, hashes, labels, list(shares.values()), movable)
    for label in [*np.unique(labels)] * (2 if grouped else 1):  # a group of several classes may empty another's split
        members = {hashes[index] for index in np.flatnonzero(labels == label).tolist()}
        _fill_empty(side, members, copies, names, by_size=grouped)
    return {name: np.flatnonzero(side == number) for number, name in enumerate(names)}


def _fill_empty(
    side: NDArray[np.int64],
    members: set[int],
    copies: dict[int, list[int]],
    names: Sequence[SplitName],
    *,
    by_size: bool,
) -> None:
    """Give each split at least one of a class's distinct pictures (`members`, hashes), as far as they go.

    A split gives its last picture only to one that matters more; with `by_size` the smallest group goes first.
    """
    by_weight = sorted(range(len(names)), key=lambda number: ("train", "test", "validation").index(names[number]))
    for rank, wanted in enumerate(by_weight):
        groups: dict[int, list[int]] = {number: [] for number in by_weight}
        for value in members:
            groups[int(side[copies[value][0]])].append(value)
        donors = [n for n in by_weight if len(groups[n]) >= (2 if by_weight.index(n) < rank else 1)]
        if groups[wanted] or not donors:
            continue
        richest = max(donors, key=lambda number: len(groups[number]))
        chosen = min(groups[richest], key=lambda value: (by_size and len(copies[value]), value % 100, value))
        side[copies[chosen]] = wanted
