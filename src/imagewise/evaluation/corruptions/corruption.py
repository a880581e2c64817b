"""What a corruption is: a function of pictures, how strong it is, and chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Level = TypeVar("Level")
Pictures = NDArray[np.float32]
"""(N, H, W, C), 0 black to 1 white."""


@dataclass(frozen=True)
class Strength:
    """How strong a corruption is.

    Attributes:
        severity: 1 to 5, as the papers count.
        scale: pixels of these pictures for one of the paper's, whose pictures have 28 or 224 a side.
    """

    severity: int
    scale: float

    def of(self, levels: Sequence[Level]) -> Level:
        """The level of this severity, of five."""
        return levels[self.severity - 1]


@dataclass(frozen=True)
class Corruption:
    """A corruption of pictures.

    Attributes:
        name: as the paper calls it.
        apply: the corrupted pictures, which may exceed 0..1, of pictures in 0..1.
        severities: those that are scored.
    """

    name: str
    apply: Callable[[Pictures, Strength, Generator], Pictures]
    severities: tuple[int, ...]


def signs(chance: Generator, *shape: int) -> NDArray[np.float64]:
    """-1 or 1, as likely."""
    return np.asarray(chance.integers(0, 2, shape) * 2.0 - 1.0, dtype=np.float64)
