"""What a run that is killed leaves behind: its record, its last checkpoint and the history up to there."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Literal

from imagewise.training.checkpoint import Checkpoint
from imagewise.training.head.record import HeadRecord
from imagewise.training.history import EpochRecord
from imagewise.training.planning.plan import Plan
from imagewise.training.record import FORMAT, RunRecord, installed_versions, utc_now
from imagewise.training.reports.callbacks import TrainingCallbacks

SAVE_SECONDS = 5.0  # a write waits for the disk: a tenth of an epoch of a second; a killed run loses this much at most


class RunKeeper(TrainingCallbacks):
    """Writes checkpoint and history after an epoch, at most every `SAVE_SECONDS`, and passes every report on.

    The record is written when it changes: by `update`, and when the number of threads does.

    Attributes:
        threads: numbers of threads of this part of the run, in the order in which they were used.
    """

    def __init__(self, plan: Plan, inner: TrainingCallbacks) -> None:
        self._plan, self._record, self._inner = plan, _record_of(plan), inner
        self._unsaved: tuple[Sequence[EpochRecord], Checkpoint] | None = None
        self._saved = perf_counter()
        self.threads = [] if plan.engine is None else [plan.engine.threads]

    def update(self, **changes: Any) -> None:
        """Change these fields of the record, given as plain JSON values, and write it."""
        threads = {"chosen": self._plan.job.threads, "used": _joined(self._plan.threads_before, self.threads)}
        self._record = self._record.with_changes(**changes, threads=threads)
        self._plan.folder.write_record(self._record)

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, learning_rate: float) -> None:
        """Pass on."""
        self._inner.on_batch(epoch, batch, batches, loss, learning_rate)

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        """Write if it is time, then pass on."""
        self._unsaved = (history, checkpoint)
        if perf_counter() - self._saved >= SAVE_SECONDS:
            self.save()
        self._inner.on_epoch(history, best_epoch, checkpoint)

    def on_progress(
        self, description: str, done: int, total: int | None, unit: Literal["bytes", "pictures"] = "bytes", /
    ) -> None:
        """Pass on."""
        self._inner.on_progress(description, done, total, unit)

    def on_head(self, record: HeadRecord) -> None:
        """Record it, then pass on."""
        self.update(head=record.as_dict())
        self._inner.on_head(record)

    def on_threads(self, threads: int, most: int) -> None:
        """Record it, then pass on."""
        self.threads.append(threads)
        self.update()
        self._inner.on_threads(threads, most)

    def save(self) -> None:
        """Write the last whole epoch, where that has not been done yet."""
        if self._unsaved is None:
            return
        history, checkpoint = self._unsaved
        self._plan.folder.write_checkpoint(checkpoint)
        self._plan.folder.write_history(history)
        self._unsaved, self._saved = None, perf_counter()


def _joined(before: Sequence[int], after: Sequence[int]) -> list[int]:
    """Numbers of threads of both parts of a run, none twice in a row."""
    return [*before, *(after[1:] if before and after and before[-1] == after[0] else after)]


def _record_of(plan: Plan) -> RunRecord:
    """Everything needed to repeat the run."""
    dataset, weights = plan.dataset, plan.job.class_weights
    return RunRecord.of(
        {
            "format": FORMAT,
            "command": sys.argv,
            "data": {
                "source": plan.source,
                "name": dataset.name,
                "fingerprint": dataset.fingerprint,
                "split_rule": dataset.split_rule.sentence,
                "group_by": dataset.group_by,
                "near_copies": dataset.near_copies,
                "groups": dataset.groups,
                "columns": plan.columns,
                **({} if plan.audit is None else {"audit": vars(plan.audit)}),
                "counts": {name: len(split) for name, split in dataset.splits.items()},
                "skipped": dataset.skipped,
                "notices": dataset.notices,
            },
            "class_names": dataset.class_names,
            "framing": dataset.framing.as_dict(),
            "recipe": plan.recipe.model_dump(mode="json"),
            "class_weights": None if weights is None else dict(zip(dataset.class_names, weights.tolist(), strict=True)),
            "network": plan.network.as_dict() if plan.network else {},
            **({} if plan.backbone is None else {"backbone": plan.backbone.card().as_dict()}),
            "engine": plan.engine_name,
            "device": plan.device,
            "half": plan.half,
            "versions": installed_versions(),
            "started": utc_now(),
            "process": {"id": os.getpid(), "host": platform.node()},
        }
    )
