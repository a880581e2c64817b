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
from imagewise.model.summary import network_text
from imagewise.training.head.facts import expectation_text, head_text, seconds_text
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.head.record import HeadRecord
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
        train_seconds: first to last training step of each epoch, without validation, checkpoints and writing; and of
            features and head.
        validation: of that model; None where the recipe trained on the validation split too.
        test: of that model, scored once; None where the data has no test split.
        scored: what the report is of: test, or else validation, or else the pictures that it was trained on.
        interrupted: Ctrl-C ended it.
        counts: number of pictures in each split.
        notices: what the user should know: what fell back or was left out, choices made by looking at the pictures.
        skipped: pictures that could not be read: (path, reason).
        head: how a head was chosen and fitted; None where none was. Without fine-tuning after it, `history` is empty.
    """

    folder: Path
    model: Model
    recipe: Recipe | HeadRecipe
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
    head: HeadRecord | None = None

    def __repr__(self) -> str:
        made = [f"on {self.head.backbone.shown_name}"] if self.head else []
        if self.history or not self.head:
            made.append(counted(len(self.history), "epoch"))
        accuracy = percent(self.accuracy, self.scored.metrics.count)
        return f"Run({str(self.folder)!r}: {self.recipe.name}, {', '.join(made)}, {self.scored.split} {accuracy})"

    def _repr_html_(self) -> str:
        """For notebooks: scores, the accuracy by epoch, and a link to the report."""
        facts = [
            ("recipe", self.recipe.name),
            *self._how(),
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

    def _how(self) -> list[tuple[str, str]]:
        """How the head was fitted, and the number of epochs."""
        epochs = ("epochs", f"{len(self.history)}" + (f", best {self.best_epoch}" if self.best_epoch else ""))
        if self.head is None:
            return [epochs]
        expected = self.head.expectation
        return [
            ("network", network_text(self.model.card)),
            ("head", head_text(self.head)),
            *([epochs] if self.history else []),
            *([("kept", "the head: fine-tuning was not better on validation")] if self.head.kept else []),
            ("trained", self.time_text),
            *([("expected", expectation_text(expected))] if expected else []),
        ]

    @property
    def time_text(self) -> str:
        """Training time in words: `35.1 s`, `13.1 s (features 12.3 s, head 0.8 s)`."""
        epochs = sum(record.seconds for record in self.history)
        return f"{self.train_seconds:.1f} s" if self.head is None else seconds_text(self.head, epochs)

    @property
    def accuracy(self) -> float:
        """The fraction of pictures classified correctly: of test, else of validation, else of train; see `scored`."""
        return self.scored.metrics.accuracy

    def as_dict(self) -> dict[str, Any]:
        """The shape of `train --json`; `expected` is there where the test pictures are too few."""
        expected = self.head.expectation if self.head else None
        return {
            "run": str(self.folder),
            "model": str(self.folder / "model.onnx"),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "train_seconds": self.train_seconds,
            "interrupted": self.interrupted,
            "validation": self.validation and {"accuracy": self.validation.metrics.accuracy},
            "test": self.test and self.test.as_dict(),
            **({"expected": expected.as_dict()} if expected else {}),
        }
