"""Where only chance is at work, no advice on training is given more often than its stated rate: simulated, seeded.

The statements on scores: tests/evaluation/test_false_alarms.py.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import imagewise
from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe
from imagewise.training.reports.advice import FITTED, LEARNED, TrainingSummary, advise_on_training
from reports import CASES, most

TRAIN, VALIDATION, GUESSING = 300, 60, 0.2
NOTHING = GUESSING + LEARNED * (1 - GUESSING)
FACTS = {  # findings that say what was measured, and generalise to nothing
    "no-improvement": "the number of epochs since the best one",
    "few-epochs": "says itself that nothing can be told from so few epochs",
    "few-pictures": "the width of the confidence interval",
}
ON_SCORES = {"harder-pictures", "weak-classes", "confidence"}  # tests/evaluation/test_false_alarms.py


@cache
def recipe() -> Recipe:
    values = {"name": "mine", "network": {"name": "perceptron"}, "optimizer": {"name": "adam", "learning_rate": 0.001}}
    return Recipe.parse(values | {"batch_size": 9, "epochs": 9, "keep": "last"}, "mine")


def wavering(rng: np.random.Generator, epochs: int, accuracy: float) -> list[EpochRecord]:
    """Epochs of a network that learned all it can in the first one: losses and accuracies only waver."""
    right = rng.binomial((TRAIN, VALIDATION), accuracy, (epochs, 2)) / (TRAIN, VALIDATION)
    losses = rng.lognormal(-1, 0.2, (epochs, 2))
    return [
        EpochRecord(i, loss, share, validation_loss, validation_share, 0.001, 1.0)
        for i, ((loss, validation_loss), (share, validation_share)) in enumerate(
            zip(losses.tolist(), right.tolist(), strict=True), 1
        )
    ]


def alarms(kind: str, epochs: int, accuracy: float, cases: int = CASES) -> int:
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(cases):
        summary = TrainingSummary(wavering(rng, epochs, accuracy), None, recipe(), TRAIN, VALIDATION, GUESSING)
        found += any(each.kind == kind for each in advise_on_training(summary))
    return found


# The accuracy at which each finding is just not true: all epochs and both splits have it.
CHANCE = {"overfitting": 0.8, "earlier-epoch": 0.8, "improving": 0.8, "breakdown": NOTHING, "underfitting": FITTED}


@pytest.mark.parametrize(("epochs", "cases"), [(2, CASES), (6, CASES), (25, 1000)])
@pytest.mark.parametrize("kind", CHANCE)
def test_epochs_that_differ_by_chance_alone_seldom_get_advice(kind: str, epochs: int, cases: int) -> None:
    assert alarms(kind, epochs, CHANCE[kind], cases=cases) <= most(cases)


def test_a_loss_that_wavers_is_seldom_called_a_breakdown() -> None:
    assert alarms("breakdown", 6, 0.8) <= most()


def test_each_kind_of_advice_is_simulated_or_says_only_what_was_measured() -> None:
    source = Path(imagewise.__file__).parent
    files = [source / "evaluation" / "advice.py", source / "training" / "reports" / "advice.py"]
    kinds = {
        call.args[0].value
        for file in files
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Advice"
        if isinstance(call.args[0], ast.Constant)
    }
    assert kinds == {*CHANCE, *FACTS, *ON_SCORES}
