"""What every engine must do: any engine joins by a line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract import assert_same_logits, reference_logits
from engine_runs import LINEAR, OPTIMIZERS, RESTLESS, Watch, accuracy, fit, same_weights, without_seconds
from fake_engine import FakeEngine
from imagewise.data.dataset import Dataset, Split, SplitName, concatenate
from imagewise.errors import EngineError, ModelError
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Engine
from imagewise.training.engines.registry import open_engine
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from keras_process import RemoteEngine

ENGINES: dict[str, Callable[[], Engine]] = {
    "fake": FakeEngine,
    "numpy": lambda: open_engine("numpy"),
    "pytorch": lambda: open_engine("pytorch", "cpu"),
    "tensorflow": RemoteEngine,
}


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    name: str = request.param
    return ENGINES[name]()


def test_weights_are_canonical_and_history_has_a_record_an_epoch(engine: Engine, tiny_dataset: Dataset) -> None:
    watch = Watch()
    network, fitted = fit(engine, LINEAR, tiny_dataset, watch)
    network.check_weights(fitted.weights)
    assert [record.epoch for record in fitted.history] == [1, 2, 3, 4]
    assert not fitted.interrupted
    assert [length for length, _ in watch.epochs] == [1, 2, 3, 4]
    assert watch.epochs[-1] == (4, fitted.best_epoch)
    assert {batch[0] for batch in watch.batches} == {1, 2, 3, 4}
    assert fitted.history[-1].accuracy > fitted.history[0].accuracy


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_kept_give_the_best_epochs_validation_accuracy(
    engine: Engine, tiny_dataset: Dataset, seed: int
) -> None:
    restless = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 1.0}, "epochs": 8, "seed": seed}
    network, fitted = fit(engine, restless, tiny_dataset)
    accuracies = [record.validation_accuracy for record in fitted.history]
    assert accuracies[fitted.best_epoch - 1] == max(a for a in accuracies if a is not None)
    assert accuracy(network, fitted.weights, tiny_dataset["validation"]) == accuracies[fitted.best_epoch - 1]


def test_keep_last_keeps_the_last_epoch(engine: Engine, tiny_dataset: Dataset) -> None:
    watch = Watch()
    network, fitted = fit(engine, LINEAR | {"keep": "last"}, tiny_dataset, watch)
    assert fitted.best_epoch == 4
    last = {key.removeprefix("weights."): value for key, value in watch.checkpoints[-1].arrays.items()}
    assert all(np.array_equal(value, last[name]) for name, value in fitted.weights.items())
    assert accuracy(network, fitted.weights, tiny_dataset["validation"]) == fitted.history[-1].validation_accuracy


def test_the_reference_logits_are_those_of_the_weights_returned(engine: Engine, tiny_dataset: Dataset) -> None:
    network, fitted = fit(engine, LINEAR | {"epochs": 6}, tiny_dataset)
    pictures, logits = fitted.reference
    assert 1 <= len(pictures) <= 256
    assert pictures.dtype == np.uint8
    assert logits.dtype == np.float32
    assert_same_logits(logits, reference_logits(network, fitted.weights, pictures))


def test_ctrl_c_after_an_epoch_ends_with_the_best_so_far(engine: Engine, tiny_dataset: Dataset) -> None:
    _, fitted = fit(engine, LINEAR, tiny_dataset, Watch(stop_after=2))
    _, whole = fit(engine, LINEAR, tiny_dataset)
    assert fitted.interrupted
    assert without_seconds(fitted.history) == without_seconds(whole.history[:2])
    assert fitted.best_epoch in (1, 2)


def test_ctrl_c_within_an_epoch_drops_that_epoch(engine: Engine, tiny_dataset: Dataset) -> None:
    network, fitted = fit(engine, LINEAR, tiny_dataset, Watch(stop_in_batch=3))
    assert fitted.interrupted
    assert len(fitted.history) == 2
    best = fitted.history[fitted.best_epoch - 1]
    assert accuracy(network, fitted.weights, tiny_dataset["validation"]) == best.validation_accuracy


def test_ctrl_c_in_the_first_epoch_still_leaves_weights(engine: Engine, tiny_dataset: Dataset) -> None:
    network, fitted = fit(engine, LINEAR, tiny_dataset, Watch(stop_in_batch=1))
    assert fitted.interrupted
    assert (fitted.best_epoch, fitted.history) == (0, ())
    network.check_weights(fitted.weights)
    pictures, logits = fitted.reference
    assert_same_logits(logits, reference_logits(network, fitted.weights, pictures))


def test_a_run_taken_up_ends_as_one_that_was_never_interrupted(
    engine: Engine, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    _, whole = fit(engine, LINEAR, tiny_dataset)
    watch = Watch(stop_after=2)
    fit(engine, LINEAR, tiny_dataset, watch)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    _, resumed = fit(engine, LINEAR, tiny_dataset, resume=Checkpoint.read(tmp_path / "checkpoint"))
    assert same_weights(resumed.weights, whole.weights)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    assert resumed.best_epoch == whole.best_epoch


def test_train_plus_validation_learns_from_both_and_validates_on_neither(engine: Engine, tiny_dataset: Dataset) -> None:
    both = LINEAR | {"fit_on": "train+validation", "keep": "last"}
    _, fitted = fit(engine, both, tiny_dataset)
    assert {record.validation_accuracy for record in fitted.history} == {None}
    assert {record.validation_cost for record in fitted.history} == {None}
    joined: dict[SplitName, Split] = {"train": concatenate([tiny_dataset["train"], tiny_dataset["validation"]])}
    _, alike = fit(engine, LINEAR | {"keep": "last"}, replace(tiny_dataset, splits=joined))
    assert same_weights(fitted.weights, alike.weights)


@pytest.mark.parametrize("choice", [{"keep": "best"}, {"keep": "last", "patience": 2}])
def test_choosing_without_a_validation_split_is_refused_with_the_way_out(
    engine: Engine, tiny_dataset: Dataset, choice: dict[str, Any]
) -> None:
    alone = replace(tiny_dataset, splits={"train": tiny_dataset["train"]})
    with pytest.raises(EngineError, match=r"tiny has no\s+validation split.*--set keep=last --set patience=0"):
        fit(engine, LINEAR | choice, alone)


def test_a_checkpoint_without_a_course_is_refused(engine: Engine, tiny_dataset: Dataset) -> None:
    with pytest.raises(ModelError, match="start a new run"):
        fit(engine, LINEAR, tiny_dataset, resume=Checkpoint({}, {"epoch": 3}))


FRAMED = LINEAR | {"network": {"name": "perceptron", "params": {"hidden": [8]}}, "keep": "last", "epochs": 2}
REAL = [name for name in ENGINES if name != "fake"]


@pytest.mark.parametrize("engine", REAL, indirect=True)
def test_training_starts_from_the_weights_given(engine: Engine, tiny_dataset: Dataset) -> None:
    _, first = fit(engine, FRAMED, tiny_dataset)
    still = FRAMED | {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 1}
    _, again = fit(engine, still, tiny_dataset, initial_weights=first.weights)
    assert same_weights(again.weights, first.weights)


@pytest.mark.parametrize("engine", REAL, indirect=True)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_frozen_weight_stays_and_the_others_are_trained(
    engine: Engine, tiny_dataset: Dataset, optimizer: dict[str, Any]
) -> None:
    values = FRAMED | {"optimizer": optimizer}
    job = make_job(Recipe.parse(values, "test"), tiny_dataset)
    start = job.starting_weights()
    frozen = {"1.weight": 0.0, "1.bias": 0.0}
    _, fitted = fit(engine, values, tiny_dataset, rate_multipliers=frozen)
    assert all(np.array_equal(fitted.weights[name], start[name]) for name in frozen)
    assert not np.array_equal(fitted.weights["3.weight"], start["3.weight"])


@pytest.mark.parametrize("engine", REAL, indirect=True)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_multiplier_of_every_weight_is_another_learning_rate(
    engine: Engine, tiny_dataset: Dataset, optimizer: dict[str, Any]
) -> None:
    halved = FRAMED | {"optimizer": optimizer | {"learning_rate": optimizer["learning_rate"] / 2}}
    network, wanted = fit(engine, halved, tiny_dataset)
    half = dict.fromkeys(network.weight_shapes(), 0.5)
    _, found = fit(engine, FRAMED | {"optimizer": optimizer}, tiny_dataset, rate_multipliers=half)
    for name, weight in wanted.weights.items():
        np.testing.assert_allclose(found.weights[name], weight, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("engine", ["pytorch", "tensorflow"], indirect=True)
def test_frozen_batch_normalisation_keeps_its_statistics(engine: Engine, tiny_dataset: Dataset) -> None:
    values = RESTLESS | {"optimizer": OPTIMIZERS["sgd"], "epochs": 1}
    _, fitted = fit(engine, values, tiny_dataset, freeze_batch_norm=True)
    running = {name: value for name, value in fitted.weights.items() if "running" in name}
    assert running
    assert all(np.array_equal(value, np.full_like(value, "var" in name)) for name, value in running.items())
    _, free = fit(engine, values, tiny_dataset)
    assert not any(np.array_equal(free.weights[name], value) for name, value in running.items())
