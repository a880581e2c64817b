"""What happened in each epoch: the record, and its file history.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training.

    Attributes:
        epoch: from 1.
        cost: mean over the epoch's training batches of the cost that was minimised.
        accuracy: fraction right over the same batches, as the weights were at each.
        validation_cost: mean cross-entropy on the validation split; None where there is none.
        validation_accuracy: fraction right on it; None where there is none.
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
