"""The tables of the report as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagewise.evaluation.advice import weak_classes
from imagewise.evaluation.metrics import Metrics

MATRIX_UP_TO = 30  # classes; nobody can take in a larger table
LIST_UP_TO = 30
MOST_CONFUSIONS, MOST_WEAK = 10, 10
LONG_NAME = 4  # characters; with longer names the columns' heads are turned
MANY_CLASSES = 14


@dataclass(frozen=True)
class Confusion:
    """How often one class was predicted as another.

    Attributes:
        true, predicted: names of the classes.
        times: pictures of `true` that were predicted as `predicted`.
        count: pictures of `true`.
    """

    true: str
    predicted: str
    times: int
    count: int


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix: pictures, and how strongly it is coloured, 0..1."""

    times: int
    shade: float


@dataclass(frozen=True)
class Matrix:
    """The confusion matrix.

    Attributes:
        names: of the classes.
        rows: one for each true class, with a cell for each predicted class.
        turned: the columns' heads are written upwards.
        small: its cells are small, because there are many.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    turned: bool
    small: bool


@dataclass(frozen=True)
class ClassRow:
    """One class of the table of classes.

    Attributes:
        name: of the class.
        precision, recall, f1: fractions.
        predicted: pictures predicted as this class.
        count: pictures of this class.
        weak: it is recognised less often than the rest, by more than chance explains.
    """

    name: str
    precision: float
    recall: float
    f1: float
    predicted: int
    count: int
    weak: bool


def confusions(metrics: Metrics) -> list[Confusion]:
    """The most frequent confusions, at most `MOST_CONFUSIONS`; empty if all predictions are right."""
    names, counts = list(metrics.classes), metrics.confusion.sum(axis=1)
    wrong = _wrong(metrics)
    worst = (divmod(int(k), len(names)) for k in np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS])
    return [Confusion(names[i], names[j], int(wrong[i, j]), int(counts[i])) for i, j in worst if wrong[i, j]]


def matrix(metrics: Metrics) -> Matrix | None:
    """The confusion matrix; None with more than `MATRIX_UP_TO` classes."""
    names, wrong = list(metrics.classes), _wrong(metrics)
    if len(names) > MATRIX_UP_TO:
        return None
    counts = np.maximum(metrics.confusion.sum(axis=1, keepdims=True), 1)
    shades = np.where(wrong > 0, wrong / max(wrong.max(), 1), metrics.confusion / counts)
    rows = [
        [Cell(int(times), round(0.12 + 0.88 * float(shade), 2)) for times, shade in zip(*row, strict=True)]
        for row in zip(metrics.confusion, shades, strict=True)
    ]
    return Matrix(names, rows, max(map(len, names)) > LONG_NAME, len(names) > MANY_CLASSES)


def class_rows(metrics: Metrics) -> list[ClassRow]:
    """A row for each class, in the model's order."""
    weak = set(weak_classes(metrics))
    predicted = metrics.confusion.sum(axis=0).tolist()
    return [
        ClassRow(name, each.precision, each.recall, each.f1, predicted[number], each.count, name in weak)
        for number, (name, each) in enumerate(metrics.classes.items())
    ]


def lowest_f1(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """The `MOST_WEAK` classes of the lowest F1 among many classes; empty where all fit into one table."""
    if len(rows) <= LIST_UP_TO:
        return []
    return sorted((row for row in rows if row.count), key=lambda row: (row.f1, row.name))[:MOST_WEAK]


def _wrong(metrics: Metrics) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return metrics.confusion - np.diag(np.diag(metrics.confusion))
