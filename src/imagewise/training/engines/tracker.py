"""Progress of a run, the same for every engine: history, the best epoch so far, when to stop, the checkpoint."""

from __future__ import annotations

import json
from math import isfinite

from pydantic import BaseModel, ConfigDict, ValidationError

from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError, ModelError, TrainingError
from imagewise.networks.network import Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord, key_of
from imagewise.training.recipe import Recipe

BEST = "best."


class TrackerState(BaseModel):
    """What a checkpoint keeps of a tracker: the epochs so far, the best of them, and how long ago it was."""

    model_config = ConfigDict(frozen=True, strict=True)

    history: tuple[EpochRecord, ...]
    best_epoch: int
    since: int

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> TrackerState:
        """The state in a checkpoint. Raises ModelError where it lacks something or has it of another type."""
        try:
            return cls.model_validate_json(json.dumps(checkpoint.state))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ModelError(
                f"the checkpoint lacks what this version needs ({'.'.join(map(str, first['loc']))}: {first['msg']}); "
                "start a new run."
            ) from error


class TrainingTracker:
    """Follows a run epoch by epoch and keeps the weights that the recipe asks for.

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
            self._restore(resume)

    def _restore(self, resume: Checkpoint) -> None:
        state = TrackerState.of(resume)
        self.history, self.best_epoch, self._since = list(state.history), state.best_epoch, state.since
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
        """Add an epoch. `weights` are kept as they are: pass a copy.

        Raises:
            TrainingError: the loss is not a finite number.
        """
        loss = record.cost if record.validation_cost is None else record.cost + record.validation_cost
        if not isfinite(loss):
            raise TrainingError(
                f"epoch {record.epoch}: the loss became {loss}. Lower the learning rate (--learning-rate) or raise "
                "--batch-size. The checkpoint of the last sound epoch, if there is one, is kept."
            )
        better = self._is_better(record)
        self._since = 0 if better else self._since + 1
        self.history = [*self.history, record]
        if better or self._recipe.keep == "last":
            self._kept, self.best_epoch = weights, record.epoch

    def _is_better(self, record: EpochRecord) -> bool:
        """Higher validation accuracy, or the same at a lower loss, than every epoch before."""
        return not self.history or key_of(record) > max(map(key_of, self.history))

    def kept(self, current: Weights) -> Weights:
        """The weights that the recipe keeps; `current` where no epoch has ended yet."""
        return self._kept or current

    def checkpoint(self, weights: Weights, optimizer: Weights) -> Checkpoint:
        """`weights` as they are now, the optimiser's arrays, the kept weights, and the history."""
        arrays = {f"weights.{k}": v for k, v in weights.items()}
        arrays |= {f"optimizer.{k}": v for k, v in optimizer.items()}
        arrays |= {BEST + k: v for k, v in self._kept.items()}
        state = TrackerState(history=tuple(self.history), best_epoch=self.best_epoch, since=self._since)
        return Checkpoint(arrays, state.model_dump(mode="json"))
