"""Which pictures are in which batch: the same for every engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def endless_order(count: int, batch_size: int, seed: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Indices and seed of batch after batch, epoch after epoch."""
    for epoch in itertools.count(1):
        yield from zip(*epoch_order(count, batch_size, seed, epoch), strict=True)


def epoch_order(count: int, batch_size: int, seed: int, epoch: int) -> tuple[list[NDArray[np.int64]], list[int]]:
    """Each batch's indices, and a seed for what is random in it, decided by (seed, epoch) alone.

    Batches differ in size by one picture at most and none is larger than `batch_size`, so that no epoch ends in a
    batch of a few pictures, which batch normalisation cannot use.
    """
    generator = np.random.default_rng([seed, epoch])
    batches = -(-count // batch_size)
    order = np.array_split(generator.permutation(count), batches)
    return order, generator.integers(2**63, size=batches).tolist()
