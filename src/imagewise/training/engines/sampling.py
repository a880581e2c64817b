"""Which pictures are in which batch: the same for every engine and any number of workers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def epoch_batches(count: int, batch_size: int, seed: int, epoch: int) -> tuple[list[NDArray[np.int64]], list[int]]:
    """Indices of each batch, and a seed for everything random in it, decided by (seed, epoch) alone.

    Batches differ in size by one picture at most and none is larger than `batch_size`, so that no epoch ends in a
    batch of a few pictures, which batch normalisation cannot use.
    """
    generator = np.random.default_rng([seed, epoch])
    batches = -(-count // batch_size)
    order = np.array_split(generator.permutation(count), batches)
    return order, generator.integers(2**63, size=batches).tolist()


def infinite_batches(count: int, batch_size: int, seed: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Indices and seed of batch after batch, epoch after epoch."""
    for epoch in itertools.count(1):
        yield from zip(*epoch_batches(count, batch_size, seed, epoch), strict=True)


def part_of_batch(indices: NDArray[np.int64], rank: int, world_size: int) -> NDArray[np.int64]:
    """The pictures of a batch that the worker `rank` of `world_size` takes; in order, the parts make the batch."""
    return indices if world_size == 1 else np.array_split(indices, world_size)[rank]
