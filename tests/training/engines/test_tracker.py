"""The course of a run: the best epoch, patience, taking it up again; against a plain reading of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.errors import TrainingError
from imagewise.framing.framing import Framing
from imagewise.networks.network import Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.tracker import TrainingTracker
from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe

SPLIT = Split(np.zeros((2, 4, 4, 1), dtype=np.uint8), np.array([0, 1]))
DATA = Dataset("two", ("a", "b"), {"train": SPLIT, "validation": SPLIT}, Framing("photo", 4, 4, 1), SplitRule.GIVEN)

merits = st.tuples(st.sampled_from([0.5, 0.6, 0.7]), st.sampled_from([0.1, 0.2, 0.3]))


def a_recipe(**changes: Any) -> Recipe:
    values = {"name": "r", "network": {"name": "perceptron"}, "optimizer": {"learning_rate": 0.1, "name": "adam"}}
    return Recipe.parse(values | {"batch_size": 1, "epochs": 50} | changes, "r")


def run(course: TrainingTracker, merits: list[tuple[float, float]]) -> None:
    """The merit of epoch n is (accuracy, cost); its weights are n everywhere."""
    while not course.finished and course.next_epoch <= len(merits):
        epoch = course.next_epoch
        accuracy, cost = merits[epoch - 1]
        course.record(EpochRecord(epoch, 1.0, 0.5, cost, accuracy, 0.1, 0.0), weights_of(epoch))


def weights_of(epoch: int) -> Weights:
    return {"1.bias": np.full(2, epoch, dtype=np.float32)}


@given(st.lists(merits, min_size=1, max_size=12))
def test_the_best_is_the_first_epoch_of_highest_accuracy_and_among_those_of_lowest_cost(
    merits: list[tuple[float, float]],
) -> None:
    course = TrainingTracker(a_recipe(), DATA, None)
    run(course, merits)
    best = min(range(len(merits)), key=lambda i: (-merits[i][0], merits[i][1], i)) + 1
    assert course.best_epoch == best
    assert np.array_equal(course.kept({})["1.bias"], weights_of(best)["1.bias"])


@given(st.lists(merits, min_size=1, max_size=12), st.integers(1, 4))
def test_patience_counts_epochs_since_the_best(merits: list[tuple[float, float]], patience: int) -> None:
    course = TrainingTracker(a_recipe(patience=patience), DATA, None)
    run(course, merits)
    best = [min(range(n), key=lambda i: (-merits[i][0], merits[i][1], i)) + 1 for n in range(1, len(merits) + 1)]
    ends = [n for n in range(1, len(merits) + 1) if n - best[n - 1] >= patience]
    assert len(course.history) == (ends[0] if ends else len(merits))
    assert course.finished == bool(ends)


@given(st.lists(merits, min_size=2, max_size=10), st.integers(1, 9), st.sampled_from(["best", "last"]))
def test_a_course_taken_up_anywhere_goes_on_the_same(merits: list[tuple[float, float]], stop: int, keep: str) -> None:
    recipe = a_recipe(keep=keep, patience=3)
    whole, first = TrainingTracker(recipe, DATA, None), TrainingTracker(recipe, DATA, None)
    run(whole, merits)
    run(first, merits[:stop])
    second = TrainingTracker(recipe, DATA, first.checkpoint(weights_of(stop), {}))
    run(second, merits)
    assert (second.history, second.best_epoch) == (whole.history, whole.best_epoch)
    assert np.array_equal(second.kept({})["1.bias"], whole.kept({})["1.bias"])


def test_a_checkpoint_holds_weights_optimiser_and_best_under_their_names(tmp_path: Path) -> None:
    course = TrainingTracker(a_recipe(), DATA, None)
    run(course, [(0.9, 0.1), (0.5, 0.1)])
    course.checkpoint(weights_of(2), {"0.exp_avg": np.zeros(2, dtype=np.float32)}).write(tmp_path / "c")
    arrays = Checkpoint.read(tmp_path / "c").arrays
    assert set(arrays) == {"weights.1.bias", "optimizer.0.exp_avg", "best.1.bias"}
    assert np.array_equal(arrays["best.1.bias"], weights_of(1)["1.bias"])
    assert np.array_equal(arrays["weights.1.bias"], weights_of(2)["1.bias"])


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("which", ["cost", "validation"])
def test_a_cost_that_is_no_number_is_refused_and_not_recorded(number: float, which: str) -> None:
    course = TrainingTracker(a_recipe(), DATA, None)
    costs = (number, 0.1) if which == "cost" else (0.1, number)
    with pytest.raises(TrainingError, match=r"epoch 1.*--learning-rate"):
        course.record(EpochRecord(1, costs[0], 0.5, costs[1], 0.5, 0.1, 0.0), weights_of(1))
    assert course.history == []
    assert course.best_epoch == 0


def test_without_an_epoch_the_current_weights_are_kept() -> None:
    current = weights_of(7)
    assert TrainingTracker(a_recipe(), DATA, None).kept(current) is current
