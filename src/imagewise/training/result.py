"""What a run made: `Run`, the value of `imagewise.train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from imagewise.data.dataset import SplitName
from imagewise.display import html
from imagewise.display.formatting import percent
from imagewise.display.lines import counted
from imagewise.evaluation.evaluate import Evaluation
from imagewise.model.model import Model
from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """What a run made.

    Attributes:
        folder: with model.onnx, history.csv, run.json and report.html.
        model: the final one, opened from its file.
        recipe: as it was used.
        device: where it was trained.
        history: one record an epoch.
        best_epoch: the epoch that the model is from; 0 if training was interrupted in its first epoch.
        train_seconds: first to last training step of each epoch, without validation, checkpoints and writing.
        validation: of that model; None where the recipe trained on the validation split too.
        test: of that model, scored once; None where the data has no test split.
        scored: what the report is of: test, or else validation, or else the pictures that it was trained on.
        interrupted: Ctrl-C ended it.
        counts: number of pictures in each split.
        notices: what the user should know: what fell back or was left out, choices made by looking at the pictures.
        skipped: pictures that could not be read: (path, reason).
    """

    folder: Path
    model: Model
    recipe: Recipe
    device: str
    history: tuple[EpochRecord, ...]
    best_epoch: int
    train_seconds: float
    validation: Evaluation | None
    test: Evaluation | None
    scored: Evaluation
    interrupted: bool
    counts: Mapping[SplitName, int]
    notices: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        epochs, accuracy = counted(len(self.history), "epoch"), percent(self.accuracy, self.scored.metrics.count)
        return f"Run({str(self.folder)!r}: {self.recipe.name}, {epochs}, {self.scored.split} {accuracy})"

    def _repr_html_(self) -> str:
        """For notebooks: scores, the accuracy by epoch, and a link to the report."""
        facts = [
            ("recipe", self.recipe.name),
            ("epochs", f"{len(self.history)}" + (f", best {self.best_epoch}" if self.best_epoch else "")),
            *self.scored.facts(),
            *(("notice", notice) for notice in self.notices),
            ("model", str(self.folder / "model.onnx")),
        ]
        lines: list[list[float | None]] = [
            [each.accuracy for each in self.history],
            [each.validation_accuracy for each in self.history],
        ]
        curve = html.curve("accuracy by epoch: train (blue), validation (orange)", lines) if self.history else ""
        report = self.folder / "report.html"
        link = f'<a href="{escape(quote(str(report)))}" target="_blank">report</a>' if report.exists() else ""
        return html.card(f"Run {self.folder}", facts, curve, link)

    @property
    def accuracy(self) -> float:
        """The fraction of pictures classified correctly: of test, else of validation, else of train; see `scored`."""
        return self.scored.metrics.accuracy

    def as_dict(self) -> dict[str, Any]:
        """The shape of `train --json`."""
        return {
            "run": str(self.folder),
            "model": str(self.folder / "model.onnx"),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "train_seconds": self.train_seconds,
            "interrupted": self.interrupted,
            "validation": self.validation and {"accuracy": self.validation.metrics.accuracy},
            "test": self.test and self.test.as_dict(),
        }
