"""Features as a linear model wants them, in memory or in blocks, and their products with weights and residuals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import TrainingError

IN_MEMORY = 256 * 2**20  # bytes of features that are kept centred; more are read again, in blocks, at each product
BLOCK = 4 * 2**20  # bytes of features that are centred at once: they stay in the processor's cache
FEW_CLASSES = 16  # up to which BLAS is faster one way round, and from which it is the other way


class Rows:
    """Features, centred and divided by their spread, with a last column of ones; made in blocks where they are many.

    Attributes:
        mean: float64 (F,).
        scale: the root of the mean variance of all features. Dividing each by its own would raise those that hardly
            vary, and reads fewer pictures (docs/decisions.md).
    """

    def __init__(self, features: NDArray[np.float32], weights: NDArray[np.float64]) -> None:
        """Measure mean and spread, each picture by its weight."""
        self._features = features
        self._step = max(1, BLOCK // max(1, features[:1].nbytes))
        total = weights.sum()
        with np.errstate(invalid="ignore"):  # NaN and infinity are refused below
            self.mean = sum(weights[at] @ features[at] for at in self.blocks()) / total
            squares = (np.square(features[at] - self.mean.astype(np.float32)).mean(axis=1) for at in self.blocks())
            spread = sum(float(weights[at] @ each) for at, each in zip(self.blocks(), squares, strict=True)) / total
        if not np.isfinite(spread):
            raise TrainingError(
                "the features of some pictures are not finite numbers. Check the weights of the backbone, or take "
                "another one."
            )
        self.scale = float(np.sqrt(spread)) or 1.0
        self._prepared: NDArray[np.float32] | None = None
        if features.nbytes <= IN_MEMORY:
            self._prepared = self._prepare(slice(None))
            self._step = max(1, len(features))

    def blocks(self) -> Iterator[slice]:
        """Consecutive rows to work on at once."""
        for start in range(0, len(self._features), self._step):
            yield slice(start, start + self._step)

    def _prepare(self, at: slice) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = np.subtract(self._features[at], self.mean, dtype=np.float32)
        rows *= np.float32(1 / self.scale)
        return rows

    def logits(self, weight: NDArray[np.float64]) -> NDArray[np.float32]:
        """Logits (N, classes) of `weight` (classes, F + 1)."""
        narrow = weight.astype(np.float32)
        out = np.empty((len(self._features), len(weight)), np.float32)
        for at in self.blocks():
            rows = self._prepare(at) if self._prepared is None else self._prepared
            np.matmul(rows, narrow[:, :-1].T, out=out[at])
            out[at] += narrow[:, -1]
        return out

    def gradient(self, residuals: NDArray[np.float32]) -> NDArray[np.float64]:
        """What residuals (N, classes) of the logits are for the weights, (classes, F + 1)."""
        out = np.zeros((residuals.shape[1], len(self.mean) + 1))
        for at in self.blocks():
            rows = self._prepare(at) if self._prepared is None else self._prepared
            # the faster of two, for a few and for many classes
            out[:, :-1] += residuals[at].T @ rows if residuals.shape[1] < FEW_CLASSES else (rows.T @ residuals[at]).T
            out[:, -1] += residuals[at].sum(axis=0, dtype=np.float64)
        return out
