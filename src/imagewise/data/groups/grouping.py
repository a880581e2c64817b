"""Groups: pictures of one person, plant, burst or video, and near-copies. No split parts a group."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import DataError


@dataclass(frozen=True)
class Grouping:
    """What stays in one split, besides pictures with the same pixels.

    Attributes:
        by: a regular expression, searched in each picture's file name, and in its path if the name does not match.
            Pictures with the same text in its capture groups (in the whole match if it has none) belong together.
        near_copies: pictures that look the same belong together, whatever their size and compression.
        must_match: refuse a set in whose names `by` finds no groups. False for a model that was trained on groups and
            is scored on another set.

    Raises:
        DataError: `by` is not a regular expression.
    """

    by: str | None = None
    near_copies: bool = True
    must_match: bool = True

    def __post_init__(self) -> None:
        if self.by is None:
            return
        try:
            re.compile(self.by)
        except re.error as error:
            raise DataError(
                f"--group-by {self.by!r} is not a regular expression ({error}). An example: --group-by '^[^_]+' takes "
                "what is before the first underscore."
            ) from error


@dataclass(frozen=True, eq=False)
class Units:
    """What a split takes or leaves as a whole: pictures with the same pixels, of the same group, or that look the same.

    Attributes:
        keys: an integer for each picture, the same for those of one unit. That of a picture without a group and
            without near-copies is its content hash.
        joined: (N,) bool, whether a picture's unit holds different pictures.
        named: whether a picture has a group, by a table's column or by its name.
    """

    keys: list[int]
    joined: NDArray[np.bool_]
    named: bool

    @property
    def count(self) -> int:
        """The number of units that hold different pictures."""
        return len({key for key, joined in zip(self.keys, self.joined.tolist(), strict=True) if joined})


def group_of(name: str, pattern: re.Pattern[str]) -> str | None:
    """The group of the picture file `name`, None if `pattern` is not in it."""
    path = name.replace("\\", "/")
    found = pattern.search(path.rpartition("/")[2]) or pattern.search(path)
    if found is None:
        return None
    return "\n".join(text or "" for text in found.groups()) if found.groups() else found.group()


def groups_by_name(where: str, names: Sequence[str], grouping: Grouping) -> tuple[list[str | None], tuple[str, ...]]:
    """The group of each picture file by its name, and what to tell the user.

    Raises:
        DataError: the expression is in no name, or every picture is a group of its own.
    """
    pattern = re.compile(grouping.by or "")
    groups = [group_of(name, pattern) for name in names]
    sizes = Counter(group for group in groups if group is not None)
    if grouping.must_match and max(sizes.values(), default=0) < 2:
        said = f"gives every picture a group of its own, {groups[0]!r} here" if groups[0] else "does not match it"
        raise DataError(
            f"{where}: --group-by {grouping.by!r} makes no groups: the first picture is called {names[0]!r}, and the "
            f"expression {said}. Write one that takes only what the pictures of a group share: --group-by '^[^_]+' "
            "takes what is before the first underscore."
        )
    if not sizes:
        return groups, ()
    (name, most), *_ = sizes.most_common(1)
    without = groups.count(None)
    rest = f" {without:,} without a match {'is' if without == 1 else 'are'} in no group." if without else ""
    return groups, (
        f"{len(sizes):,} group{'' if len(sizes) == 1 else 's'} by {grouping.by!r}; the largest, {name!r}, has "
        f"{most:,} pictures.{rest}",
    )


def units_of(
    hashes: Sequence[int], groups: Sequence[str | None] | None = None, near: Sequence[Sequence[int]] = ()
) -> Units:
    """What belongs together.

    Args:
        hashes: the content hash of each picture.
        groups: the group of each picture, None if it has none; None for pictures without groups.
        near: indices of pictures that look the same, by clusters.
    """
    groups = groups or [None] * len(hashes)
    if not near and not any(groups):
        return Units(list(hashes), np.zeros(len(hashes), dtype=np.bool_), False)
    find, join = _forest(len(hashes))
    first: dict[int | str, int] = {}
    for index, (content, group) in enumerate(zip(hashes, groups, strict=True)):
        join(index, first.setdefault(content, index))
        if group is not None:
            join(index, first.setdefault(group, index))
    for cluster in near:
        for index in cluster[1:]:
            join(index, cluster[0])
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(hashes)):
        members[find(index)].append(index)
    keys, joined = [0] * len(hashes), np.zeros(len(hashes), dtype=np.bool_)
    for unit in members.values():
        names = {group for index in unit if (group := groups[index]) is not None}
        contents = {hashes[index] for index in unit}
        key = min(map(_hash, names)) if names else min(contents)
        for index in unit:
            keys[index] = key
            joined[index] = len(contents) > 1
    return Units(keys, joined, any(group is not None for group in groups))


def _hash(group: str) -> int:
    """Of a group's name: its split does not change if pictures are added to it."""
    return int.from_bytes(hashlib.sha256(f"group {group}".encode(errors="surrogateescape")).digest(), "big")


def _forest(count: int) -> tuple[Callable[[int], int], Callable[[int, int], None]]:
    """Union-find over 0 ... count - 1: functions that find the root of one, and join two."""
    above = list(range(count))

    def find(index: int) -> int:
        while above[index] != index:
            above[index] = above[above[index]]
            index = above[index]
        return index

    def join(one: int, other: int) -> None:
        a, b = find(one), find(other)
        above[max(a, b)] = min(a, b)

    return find, join


def clusters(count: int, pairs: NDArray[np.int64]) -> list[list[int]]:
    """Pairs (M, 2) of indices below `count`, joined to clusters of two or more, ascending."""
    find, join = _forest(count)
    for one, other in pairs.tolist():
        join(one, other)
    found: dict[int, list[int]] = defaultdict(list)
    for index in sorted(set(pairs.ravel().tolist())):
        found[find(index)].append(index)
    return list(found.values())
