from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe
from imagewise.training.reports.advice import TrainingSummary, advise_on_training

ADAM = {"name": "adam", "learning_rate": 0.001}
RECIPE = {"name": "mine", "network": {"name": "perceptron"}, "optimizer": ADAM, "batch_size": 10, "epochs": 3}


def an_epoch(epoch: int, loss: float, accuracy: float, validation: tuple[float, float] | None) -> EpochRecord:
    validation_loss, validation_accuracy = validation or (None, None)
    return EpochRecord(epoch, loss, accuracy, validation_loss, validation_accuracy, 0.001, 1.5)


def given(
    history: list[EpochRecord],
    best_epoch: int | None = None,
    counts: tuple[int, int] = (50_000, 5000),
    guessing: float = 0.1,
    **recipe: Any,
) -> list[tuple[str, str | None]]:
    """Kind and options of each piece of advice."""
    summary = TrainingSummary(history, best_epoch, Recipe.parse(RECIPE | recipe, "mine"), *counts, guessing)
    return [(each.kind, each.options) for each in advise_on_training(summary)]


def test_a_sound_run_gets_no_advice_and_neither_does_one_without_epochs_or_validation() -> None:
    assert given([an_epoch(i + 1, 0.3, 0.905, (0.3, 0.9)) for i in range(5)], 5) == []
    assert given([]) == []
    assert given([an_epoch(i + 1, 1 / (i + 1), 0.5 + i / 10, None) for i in range(4)]) == []
    assert given([an_epoch(1, 0.5, 0.8, (0.5, 0.8))]) == []


# ---- overfitting

OVERFITTED = [an_epoch(i + 1, 0.5 / (i + 1), 0.9 + i / 100, (0.3 + i / 20, 0.9)) for i in range(9)]
BOTH = "--set augment.rotate=10 --set augment.translate=0.1"


def test_overfitting_is_seen_by_the_gap_and_answered_with_options_not_used_yet() -> None:
    assert given(OVERFITTED) == [("overfitting", BOTH)]
    assert given(OVERFITTED, augment={"rotate": 5.0}) == [("overfitting", "--set augment.translate=0.1")]
    used = {"rotate": 5.0, "translate": 0.1}
    assert given(OVERFITTED, augment=used) == [("overfitting", None)]
    decay = {"name": "adamw", "learning_rate": 0.001, "weight_decay": 0.01}
    stronger = "--set optimizer.weight_decay=0.03"
    assert given(OVERFITTED, augment=used, optimizer=decay) == [("overfitting", stronger)]


def test_overfitting_is_told_in_the_numbers_of_the_last_epoch_and_of_the_loss() -> None:
    summary = TrainingSummary(OVERFITTED, 1, Recipe.parse(RECIPE, "mine"), 50_000, 5000, 0.1)
    reason = advise_on_training(summary)[0].reason
    for number in ("98.00%", "90.00%", "0.3", "0.7"):
        assert number in reason


def test_a_rising_validation_loss_alone_is_overfitting_too() -> None:
    history = [an_epoch(i + 1, 0.05 / (i + 1), 0.99 + i / 2000, (0.04 + i / 200, 0.988)) for i in range(9)]
    assert ("overfitting", BOTH) in given(history)


def test_a_gap_that_so_few_pictures_show_by_chance_is_not_called_overfitting() -> None:
    assert given(OVERFITTED, counts=(200, 20)) == []
    assert given(OVERFITTED, counts=(2000, 200)) == [("overfitting", BOTH)]


# ---- which epoch was kept


def test_a_last_epoch_worse_than_the_best_is_reported_only_where_the_last_was_kept() -> None:
    history = [an_epoch(1, 0.3, 0.92, (0.3, 0.92)), an_epoch(2, 0.3, 0.92, (0.3, 0.90))]
    assert ("earlier-epoch", "--set keep=best") in given(history, 2, keep="last")
    assert "earlier-epoch" not in dict(given(history, 1))
    assert "earlier-epoch" not in dict(given(history, 2, (500, 50), keep="last"))


def test_epochs_after_the_best_ask_for_patience() -> None:
    history = [an_epoch(i + 1, 0.3, 0.9, (0.3, 0.9 - (i > 0) / 1000)) for i in range(8)]
    assert given(history, 1) == [("no-improvement", "--set patience=5")]
    assert given(history, 1, patience=4) == []
    assert given(history, 4) == []


# ---- too short, too weak


def test_a_run_that_still_improves_is_told_how_many_epochs_to_give() -> None:
    history = [an_epoch(i + 1, 2 / (i + 2), 0.8 + i / 50, (2 / (i + 2), 0.8 + i / 50)) for i in range(6)]
    assert given(history, 6) == [("improving", "--epochs 12")]
    assert given(history[:3], 3) == [("few-epochs", "--epochs 6")]


def test_losses_that_do_not_fall_steadily_are_no_trend() -> None:
    losses = [0.5, 0.3, 0.45, 0.35, 0.42, 0.29]
    history = [an_epoch(i + 1, 0.3, 0.905, (loss, 0.9)) for i, loss in enumerate(losses)]
    assert given(history, 6) == []


def test_a_perceptron_that_does_not_fit_is_told_of_the_convnet() -> None:
    history = [an_epoch(i + 1, 0.7, 0.7, (0.7, 0.7)) for i in range(5)]
    assert given(history, 1) == [("underfitting", "--recipe convnet")]
    assert given(history, 1, network={"name": "convnet"}) == []
    assert given(history, 1, (10, 10)) == []


# ---- broken down


def test_a_loss_that_explodes_asks_for_smaller_steps() -> None:
    history = [an_epoch(1, 0.5, 0.8, (0.5, 0.8)), an_epoch(2, 2.3, 0.2, (2.3, 0.2))]
    assert given(history, 1) == [("breakdown", "--learning-rate 0.0002")]
    assert given([an_epoch(1, 0.5, 0.8, None), an_epoch(2, 0.7, 0.6, None)], counts=(20, 0)) == []


@pytest.mark.parametrize("value", [nan, inf])
def test_a_loss_that_is_not_finite_is_reported_with_its_first_epoch(value: float) -> None:
    history = [an_epoch(1, 0.5, 0.8, (0.5, 0.8)), *(an_epoch(e, value, 0.1, (value, 0.1)) for e in (2, 3))]
    summary = TrainingSummary(history, 1, Recipe.parse(RECIPE, "mine"), 1000, 100, 0.1)
    (found,) = advise_on_training(summary)
    assert (found.kind, found.options) == ("breakdown", "--learning-rate 0.0002")
    assert "epoch 2" in found.reason


def test_training_that_learns_nothing_is_seen_by_the_most_frequent_class() -> None:
    history = [an_epoch(i + 1, 2.3, 0.31, (2.3, 0.31)) for i in range(3)]
    assert given(history, 1, guessing=0.3) == [("breakdown", "--learning-rate 0.0002")]
    assert "breakdown" not in dict(given(history, 1, guessing=0.1))
    assert "breakdown" not in dict(given(history, 1, (20, 20), guessing=0.3))
