"""A sketch of the pictures a model was trained on, small enough to travel in the model file.

Of all training pictures' 64-bit hashes the smallest are kept (bottom-k sketch: Broder 1997, "On the resemblance and
containment of documents"). Whoever evaluates the model on pictures it was trained on is told so, whatever the files
are called now. Exact up to `SIZE` different training pictures, an estimate above.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SIZE = 512
_TRIMMED_AT = 64 * SIZE  # hashes: memory does not grow with the pictures


def sketch(images: Iterable[NDArray[np.uint8]]) -> list[str]:
    """The `SIZE` smallest hashes of framed pictures (H, W, C) uint8, ascending, 16 hex digits each."""
    smallest: set[str] = set()
    for value in map(_hash, images):
        smallest.add(value)
        if len(smallest) == _TRIMMED_AT:
            smallest = set(sorted(smallest)[:SIZE])
    return sorted(smallest)[:SIZE]


def share_seen(images: Iterable[NDArray[np.uint8]], trained_on: Sequence[str]) -> float:
    """Which share of `images` the model was trained on: 0..1. `trained_on` is its `sketch`."""
    if not trained_on:
        return 0.0
    limit = trained_on[-1] if len(trained_on) == SIZE else "g"  # above every hex digit: the sketch is complete
    known = set(trained_on)
    below = [value for value in map(_hash, images) if value <= limit]
    return sum(value in known for value in below) / len(below) if below else 0.0


def _hash(image: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8).hexdigest()
