"""Features as a linear model wants them, in memory or in blocks, and their products with weights and residuals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import TrainingError

IN_MEMORY = 256 * 2**20  # bytes of features that are kept centred; more are read again, in blocks, at each product
BLOCK = 4 * 2**20  # bytes of features that are centred at once: they stay in the processor's cache
NARROW = 0.5  # of the features: so few pictures span a space whose own coordinates are worth computing
EARLIER = 0.5  # the spread of features of an earlier depth, as a share of the last layer's (docs/decisions.md)
FEW_CLASSES = 16  # up to which BLAS is faster one way round, and from which it is the other way


class Rows:
    """Features, centred and divided by their spread, with a last column of ones; made in blocks where they are many.

    Weights that minimise a loss and their own length are in the span of the pictures (representer theorem, Kimeldorf
    and Wahba 1971). Where pictures are few, rows and weights are in coordinates of that span, which saves most of the
    time.

    Attributes:
        mean: float64 (F,).
        scale: float64 (F,), by which features are divided: the root of the mean variance of all features of a depth,
            larger for earlier depths. Dividing each by its own would raise those that hardly vary, and reads fewer
            pictures (docs/decisions.md).
    """

    def __init__(
        self,
        parts: Sequence[NDArray[np.float32]],
        weights: NDArray[np.float64],
        depths: Sequence[int] | None = None,
    ) -> None:
        """Measure mean and spread of the parts, each (n, F), one after the other.

        Args:
            weights: (N,), of all.
            depths: how many of the F features come from each depth, as `Backbone.depths`; None: all from one.
        """
        self._parts = parts
        self._count = sum(map(len, parts))
        self._prepared: NDArray[np.float32] | None = None
        self._basis: NDArray[np.float32] | None = None
        self.mean = np.zeros(parts[0].shape[1])
        variance, total = np.zeros(len(self.mean)), float(weights.sum())
        with np.errstate(invalid="ignore"):  # NaN and infinity are refused below
            for at, raw in self._raw():
                self.mean += weights[at] @ raw / total
            for at, raw in self._raw():
                variance += weights[at] @ np.square(raw - self.mean.astype(np.float32)) / total
        if not np.isfinite(variance).all():
            raise TrainingError(
                "the features of some pictures are not finite numbers. Check the weights of the backbone, or take "
                "another one."
            )
        self.scale = _scale(variance, depths or (len(variance),))
        if sum(part.nbytes for part in parts) <= IN_MEMORY:
            prepared = np.empty((self._count, len(self.mean)), np.float32)
            for at, rows in self._blocks():
                prepared[at] = rows
            if self._count < NARROW * len(self.mean):
                self._basis = np.linalg.qr(prepared.T)[0]
                prepared = prepared @ self._basis
            self._prepared = prepared

    @property
    def width(self) -> int:
        """Number of coordinates of a row, D: F, or fewer."""
        return len(self.mean) if self._basis is None else self._basis.shape[1]

    def inward(self, weight: NDArray[np.float64], bias: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (classes, F) and biases (classes,) of plain features, as one array (classes, D + 1) of these rows."""
        inner = weight * self.scale
        if self._basis is not None:
            inner = inner @ self._basis
        return np.column_stack([inner, bias + weight @ self.mean])

    def outward(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights (classes, F) and biases (classes,) of plain features that `weight` (classes, D + 1) stands for."""
        outer = weight[:, :-1]
        if self._basis is not None:
            outer = outer @ self._basis.T
        outer = outer / self.scale
        return outer, weight[:, -1] - outer @ self.mean

    def _raw(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Consecutive rows as they came, and which they are."""
        start = 0
        for part in self._parts:
            step = max(1, BLOCK // max(1, part[:1].nbytes))
            for first in range(0, len(part), step):
                raw = part[first : first + step]
                yield slice(start, start + len(raw)), raw
                start += len(raw)

    def _blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Consecutive rows to work on at once, and which they are."""
        if self._prepared is not None:
            yield slice(0, self._count), self._prepared
            return
        for at, raw in self._raw():
            rows: NDArray[np.float32] = np.subtract(raw, self.mean, dtype=np.float32)
            rows *= (1 / self.scale).astype(np.float32)
            yield at, rows

    def logits(self, weight: NDArray[np.float64]) -> NDArray[np.float32]:
        """Logits (N, classes) of `weight` (classes, D + 1)."""
        narrow = weight.astype(np.float32)
        out = np.empty((self._count, len(weight)), np.float32)
        for at, rows in self._blocks():
            np.matmul(rows, narrow[:, :-1].T, out=out[at])
            out[at] += narrow[:, -1]
        return out

    def gradient(self, residuals: NDArray[np.float32]) -> NDArray[np.float64]:
        """What residuals (N, classes) of the logits are for the weights, (classes, D + 1)."""
        out = np.zeros((residuals.shape[1], self.width + 1))
        for at, rows in self._blocks():
            # the faster of two, for a few and for many classes
            out[:, :-1] += residuals[at].T @ rows if residuals.shape[1] < FEW_CLASSES else (rows.T @ residuals[at]).T
            out[:, -1] += residuals[at].sum(axis=0, dtype=np.float64)
        return out


def _scale(variance: NDArray[np.float64], depths: Sequence[int]) -> NDArray[np.float64]:
    """(F,): the spread that the features of a depth share; that of earlier ones so that their share is `EARLIER`."""
    scale = np.empty(len(variance))
    start = 0
    for count in depths:
        spread = float(np.sqrt(variance[start : start + count].mean())) or 1.0
        scale[start : start + count] = spread if start == 0 else spread / EARLIER
        start += count
    return scale
