"""Features as a network's, made at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pictures = tuple[NDArray[np.float32], NDArray[np.int64]]


def pictures(count: int = 300, features: int = 20, classes: int = 4, seed: int = 0, apart: float = 0.7) -> Pictures:
    """Correlated features at or above 0, (count, features), of classes that overlap; and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    means = apart * rng.standard_normal((classes, features))
    found = (means[labels] + rng.standard_normal((count, features))) @ rng.standard_normal((features, features))
    return np.clip(found + 2, 0, 6).astype(np.float32), labels.astype(np.int64)
