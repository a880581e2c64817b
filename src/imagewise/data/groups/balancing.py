"""Shares of each class near what was asked for, although groups are not parted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 2.0  # standard deviations by which chance alone would part the pictures one by one
_TRIED = 20  # moves that are weighed at a time


def balance(
    side: NDArray[np.int64],
    keys: Sequence[int],
    labels: NDArray[np.int64],
    shares: Sequence[int],
    movable: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Other sides for some units (pictures of equal key), by which each class comes near its shares.

    Only classes of which a unit holds more than chance allows for are changed, and each move brings all classes
    together nearer to their shares. Nothing is random.

    Args:
        side: (N,) the split of each picture, an index into `shares`.
        keys: the unit of each picture.
        labels: (N,) class indices.
        shares: hundredths of each split.
        movable: (N,) bool, the pictures whose unit may move.

    Returns:
        (N,) int64, as `side`.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        members[key].append(index)
    units = [
        _Unit(key, members[key], Counter(labels[members[key]].tolist()), int(side[members[key][0]]))
        for key in sorted(members, key=lambda key: (key % 100, key))
    ]
    state = _State(units, {units_key.key for units_key in units if movable[units_key.members[0]]}, shares)
    state.improve()
    balanced = side.copy()
    for unit in units:
        balanced[unit.members] = unit.side
    return balanced


@dataclass
class _Unit:
    key: int
    members: list[int]
    sizes: Counter[int]  # pictures of each class
    side: int


class _State:
    """The units, and how many pictures of each class each split has."""

    def __init__(self, units: Sequence[_Unit], movable: set[int], shares: Sequence[int]) -> None:
        self._fractions = [share / 100 for share in shares]
        self._counts: dict[int, list[int]] = defaultdict(lambda: [0] * len(shares))
        self._movable: dict[int, list[_Unit]] = defaultdict(list)
        for unit in units:
            for label, size in unit.sizes.items():
                self._counts[label][unit.side] += size
                if unit.key in movable:
                    self._movable[label].append(unit)
        self._moves = len(units)

    def improve(self) -> None:
        """Move units as long as that helps."""
        stuck: set[tuple[int, int]] = set()
        for _ in range(self._moves):  # each makes it better, so that it ends; but not after a million
            worst = max(
                ((self._excess(label, side), label, side) for label in self._movable for side in self._sides()),
                key=lambda found: ((found[1], found[2]) not in stuck, found[0]),
                default=(0.0, 0, 0),
            )
            if worst[0] <= 0 or worst[1:] in stuck:
                return
            if self._move(*worst[1:]):
                stuck.clear()
            else:
                stuck.add(worst[1:])

    def _sides(self) -> range:
        return range(len(self._fractions))

    def _deviation(self, label: int, side: int) -> float:
        """Pictures of a class above what the split should have."""
        counts = self._counts[label]
        return counts[side] - sum(counts) * self._fractions[side]

    def _excess(self, label: int, side: int, more: int = 0) -> float:
        """Pictures by which the deviation goes beyond chance, by the size of the class; with `more` pictures there."""
        total, fraction = sum(self._counts[label]), self._fractions[side]
        allowed = _TOLERANCE * float(np.sqrt(total * fraction * (1 - fraction)))
        return max(0.0, abs(self._deviation(label, side) + more) - allowed) / total

    def _move(self, label: int, side: int) -> bool:
        """Bring a class nearer to its share of a split; False where no unit does."""
        others = sorted((other for other in self._sides() if other != side), key=lambda s: self._deviation(label, s))
        if self._deviation(label, side) > 0:
            moves = [(unit, other) for other in others for unit in self._movable[label] if unit.side == side]
        else:
            moves = [(unit, side) for other in others[::-1] for unit in self._movable[label] if unit.side == other]
        wanted = abs(self._deviation(label, side))
        moves.sort(key=lambda move: abs(move[0].sizes[label] - wanted))
        gains = [(self._gain(unit, target), unit, target) for unit, target in moves[:_TRIED]]
        if not gains:
            return False
        gain, unit, target = max(gains, key=lambda found: found[0])
        if gain <= 1e-12:
            return False
        for name, size in unit.sizes.items():
            self._counts[name][unit.side] -= size
            self._counts[name][target] += size
        unit.side = target
        return True

    def _gain(self, unit: _Unit, target: int) -> float:
        """How much less excess there is after a move, squares summed over all classes and splits."""
        gain = 0.0
        for label, size in unit.sizes.items():
            for side, more in ((unit.side, -size), (target, size)):
                gain += self._excess(label, side) ** 2 - self._excess(label, side, more) ** 2
        return gain
