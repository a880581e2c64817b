"""What happened in each epoch: the record, and its file history.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import inf


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training.

    Attributes:
        epoch: from 1.
        cost: mean over the epoch's training batches of the cost that was minimised.
        accuracy: fraction right over the same batches, as the weights were at each.
        validation_cost: mean cross-entropy on the validation split; None without a validation split.
        validation_accuracy: fraction right on it; None without a validation split.
        learning_rate: at the epoch's last step.
        seconds: of training steps, without validation, checkpoints and writing.
    """

    epoch: int
    cost: float
    accuracy: float
    validation_cost: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float


def selection_key(
    validation_accuracy: float | None, validation_cost: float | None, cost: float | None
) -> tuple[float, float]:
    """What epochs are compared by, larger is better: higher validation accuracy, or the same at a lower loss.

    Without validation, a lower training loss. Of equal epochs the first is the best.
    """
    if validation_accuracy is None or validation_cost is None:
        return (validation_accuracy or 0.0, -inf if cost is None else -cost)
    return (validation_accuracy, -validation_cost)


def best_validated(history: Sequence[EpochRecord]) -> EpochRecord | None:
    """The best epoch by validation, which `keep = "best"` keeps; None if no epoch was validated."""
    validated = [record for record in history if record.validation_accuracy is not None]
    return max(validated, key=key_of, default=None)  # of equal ones the first


def key_of(record: EpochRecord) -> tuple[float, float]:
    """The `selection_key` of an epoch."""
    return selection_key(record.validation_accuracy, record.validation_cost, record.cost)


def history_csv(history: Sequence[EpochRecord]) -> str:
    """The content of history.csv: a header and a row an epoch; what was not measured is left empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [field.name for field in fields(EpochRecord)], lineterminator="\n")
    writer.writeheader()
    for record in history:
        writer.writerow({key: _cell(value) for key, value in asdict(record).items()})
    return file.getvalue()


def _cell(value: float | int | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.6g}"
