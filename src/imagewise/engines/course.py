"""The course of a run, the same for every engine: history, the best epoch so far, when to stop, the checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset
from imagewise.errors import EngineError, ModelError, TrainingError
from imagewise.history import EpochRecord
from imagewise.network import Weights
from imagewise.recipe import Recipe

BEST = "best."


class Course:
    """Follows a run epoch by epoch and remembers the weights that the recipe keeps.

    Raises:
        EngineError: the recipe chooses by validation and the data has none.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, resume: Checkpoint | None) -> None:
        chooses = recipe.keep == "best" or recipe.patience > 0
        if chooses and "validation" not in dataset:
            raise EngineError(
                f"recipe {recipe.name} chooses by validation (keep = 'best' or patience), but {dataset.name} has no "
                "validation split. Add pictures, or use --set keep=last --set patience=0."
            )
        self._recipe = recipe
        self.history: list[EpochRecord] = []
        self.best_epoch = 0
        self._since = 0  # epochs since validation accuracy last rose
        self._kept: Weights = {}
        if resume is not None:
            self._take_up(resume)

    def _take_up(self, resume: Checkpoint) -> None:
        try:
            self.history = [EpochRecord(**record) for record in resume.state["history"]]
            self.best_epoch, self._since = int(resume.state["best_epoch"]), int(resume.state["since"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the checkpoint lacks what this version needs ({error!r}); start anew.") from error
        self._kept = resume.under(BEST)

    @property
    def next_epoch(self) -> int:
        """From 1."""
        return len(self.history) + 1

    @property
    def finished(self) -> bool:
        """All epochs are done, or patience has run out."""
        patience = self._recipe.patience
        return len(self.history) >= self._recipe.epochs or bool(patience and self._since >= patience)

    def record(self, record: EpochRecord, weights: Weights) -> None:
        """Take in an epoch. `weights` are kept as they are: pass a copy.

        Raises:
            TrainingError: the cost is not a finite number.
        """
        cost = record.cost if record.validation_cost is None else record.cost + record.validation_cost
        if not isfinite(cost):
            raise TrainingError(
                f"epoch {record.epoch}: the cost became {cost}. Lower the rate (--learning-rate) or raise "
                "--batch-size. The checkpoint of the last sound epoch, if there is one, is kept."
            )
        better = self._is_better(record)
        self._since = 0 if better else self._since + 1
        self.history = [*self.history, record]
        if better or self._recipe.keep == "last":
            self._kept, self.best_epoch = weights, record.epoch

    def _is_better(self, record: EpochRecord) -> bool:
        """Higher validation accuracy, or the same at a lower cost, than every epoch before."""
        return not self.history or _merit(record) > max(_merit(earlier) for earlier in self.history)

    def kept(self, current: Weights) -> Weights:
        """The weights that the recipe keeps; `current` where no epoch has ended yet."""
        return self._kept or current

    def checkpoint(self, weights: Weights, optimizer: Weights) -> Checkpoint:
        """`weights` as they are now, the optimiser's arrays, the kept weights, and the course so far."""
        arrays = {f"weights.{k}": v for k, v in weights.items()}
        arrays |= {f"optimizer.{k}": v for k, v in optimizer.items()}
        arrays |= {BEST + k: v for k, v in self._kept.items()}
        state = {
            "history": [asdict(record) for record in self.history],
            "best_epoch": self.best_epoch,
            "since": self._since,
        }
        return Checkpoint(arrays, state)


def _merit(record: EpochRecord) -> tuple[float, float]:
    if record.validation_accuracy is None or record.validation_cost is None:
        return (0.0, -record.cost)
    return (record.validation_accuracy, -record.validation_cost)
