"""Metrics of a model's predictions, in a few lines of NumPy (importing sklearn.metrics takes 2 s).

Tested against scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFUSION_UP_TO = 100  # classes: nobody reads a larger matrix, and every model file would carry it
CALIBRATION_BINS = 15  # Guo et al. 2017, "On calibration of modern neural networks", section 5


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class against the rest. All are fractions; 0 where the denominator is 0.

    Attributes:
        precision: share of the pictures predicted as this class that are of this class.
        recall: share of the pictures of this class that are predicted as this class.
        f1: harmonic mean of both.
        count: pictures of this class.
    """

    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True, eq=False)
class Metrics:
    """Metrics of a model's predictions of N pictures.

    Attributes:
        count: pictures scored.
        accuracy: fraction whose most probable class is right.
        accuracy_interval: 95% interval of it (Wilson 1927).
        top3_accuracy: fraction whose class is among the three most probable.
        calibration_error: expected calibration error, 15 equal bins (Guo et al. 2017).
        classes: per class name, in the model's order.
        confusion: (classes, classes) int64, rows are true classes, columns predicted ones.
    """

    count: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    top3_accuracy: float
    calibration_error: float
    classes: dict[str, ClassMetrics]
    confusion: NDArray[np.int64]

    @property
    def right(self) -> int:
        """Number of pictures whose most probable class is right."""
        return int(np.trace(self.confusion))

    @property
    def most_frequent_class(self) -> tuple[str, int]:
        """Name of the class with the most pictures, and how many it has: the baseline that always predicts it."""
        counts = self.confusion.sum(axis=1)
        return list(self.classes)[int(counts.argmax())], int(counts.max())

    def as_dict(self) -> dict[str, Any]:
        """Plain values in the shape of `evaluate --json`; `confusion` for up to `CONFUSION_UP_TO` classes."""
        values = {
            "count": self.count,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "top3_accuracy": self.top3_accuracy,
            "calibration_error": self.calibration_error,
            "classes": {name: vars(metrics).copy() for name, metrics in self.classes.items()},
        }
        return values | ({"confusion": self.confusion.tolist()} if len(self.confusion) <= CONFUSION_UP_TO else {})


def measure(probabilities: NDArray[np.float32], labels: NDArray[np.int64], class_names: Sequence[str]) -> Metrics:
    """Metrics of predictions.

    Args:
        probabilities: float32 (N, classes), N at least 1; each row adds up to 1.
        labels: int64 (N,), true classes.
        class_names: one for each column.
    """
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    confusion = np.zeros((len(class_names),) * 2, dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    return Metrics(
        count=len(labels),
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        top3_accuracy=top_k_accuracy(probabilities, labels, 3),
        calibration_error=calibration_error(probabilities.max(axis=1), right),
        classes=_class_metrics(confusion, class_names),
        confusion=confusion,
    )


def wilson_interval(right: float, count: float, z: float = 1.959964) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927): 95% with the default z. It is sound near 0 and 1, too."""
    share = right / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (max(0.0, centre - half), min(1.0, centre + half))


def top_k_accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.int64], k: int) -> float:
    """Fraction of rows whose true class is among the k most probable; of equal ones the lower class counts first."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Mean |accuracy - confidence| over bins of confidence of equal width, weighted by the pictures in each."""
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
    gap = np.bincount(bins, weights=right.astype(np.float64) - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gap).sum() / len(right))


def _class_metrics(confusion: NDArray[np.int64], class_names: Sequence[str]) -> dict[str, ClassMetrics]:
    hits = np.diag(confusion).astype(np.float64)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(true, 1)
    f1 = 2 * hits / np.maximum(predicted + true, 1)
    rows = zip(class_names, precision, recall, f1, true, strict=True)
    return {name: ClassMetrics(float(p), float(r), float(f), int(n)) for name, p, r, f, n in rows}
