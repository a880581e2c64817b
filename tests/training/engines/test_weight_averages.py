"""Averages of weights over the steps (`ema`): what they are, that results are of them, resume, engines without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract import assert_same_logits, reference_logits
from engine_runs import LINEAR, OPTIMIZERS, RESTLESS, Watch, accuracy, fit, same_weights, without_seconds
from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError, ModelError, RecipeError
from imagewise.networks.network import Weights
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Engine, Learner, Step
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.registry import open_engine
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from keras_process import RemoteEngine

EMA = 0.8
MOVING = RESTLESS | {"optimizer": OPTIMIZERS["adam"]}
STEPS = [Step(np.arange(16) + 5 * number, number, 0.01, number) for number in range(6)]


@pytest.fixture
def pytorch() -> Engine:
    return PyTorchEngine("cpu")


def learner(engine: Engine, values: dict[str, Any], dataset: Dataset, **changes: Any) -> Learner:
    job = replace(make_job(Recipe.parse(values, "test"), dataset), **changes)
    return engine.learner(job, dataset["train"])


def averaged(weights: list[Weights], decay: float) -> Weights:
    """The average after the last of these, the first of which is before the first step; in float64."""
    average = {name: value.astype(np.float64) for name, value in weights[0].items()}
    for number, now in enumerate(weights[1:]):
        kept = min(decay, (1 + number) / (10 + number))
        average = {name: kept * value + (1 - kept) * now[name] for name, value in average.items()}
    return {name: value.astype(np.float32) for name, value in average.items()}


@pytest.mark.parametrize("values", [LINEAR, MOVING], ids=["linear", "restless"])
def test_the_average_is_that_of_the_weights_after_each_step(
    pytorch: Engine, tiny_dataset: Dataset, values: dict[str, Any]
) -> None:
    with pytorch.active():
        plain, average = learner(pytorch, values, tiny_dataset), learner(pytorch, values | {"ema": EMA}, tiny_dataset)
        seen = [plain.read()]
        for step in STEPS:
            plain.steps([step])
            seen.append(plain.read())
        average.steps(STEPS[:4])
        average.steps(STEPS[4:])
    found = average.read()
    for name, value in averaged(seen, EMA).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
    assert not same_weights(found, plain.read())


def test_logits_are_of_the_average(pytorch: Engine, tiny_dataset: Dataset) -> None:
    images = tiny_dataset["validation"].images
    with pytorch.active():
        average = learner(pytorch, LINEAR | {"ema": EMA}, tiny_dataset)
        average.steps(STEPS)
        found = average.logits(images)
    network = make_job(Recipe.parse(LINEAR, "test"), tiny_dataset).network
    assert_same_logits(found, reference_logits(network, average.read(), images))


@pytest.mark.parametrize("keep", ["best", "last"])
def test_validation_and_the_result_are_of_the_average(pytorch: Engine, tiny_dataset: Dataset, keep: str) -> None:
    watch = Watch()
    network, fitted = fit(pytorch, LINEAR | {"ema": EMA, "keep": keep}, tiny_dataset, watch)
    record = fitted.history[fitted.best_epoch - 1]
    assert accuracy(network, fitted.weights, tiny_dataset["validation"]) == record.validation_accuracy
    at_best = watch.checkpoints[fitted.best_epoch - 1].under("weights.")
    assert same_weights(fitted.weights, at_best)
    assert_same_logits(fitted.reference[1], reference_logits(network, fitted.weights, fitted.reference[0]))
    _, plain = fit(pytorch, LINEAR | {"keep": keep}, tiny_dataset)
    assert not same_weights(fitted.weights, plain.weights)


def test_the_steps_themselves_are_those_without_an_average(pytorch: Engine, tiny_dataset: Dataset) -> None:
    _, plain = fit(pytorch, MOVING, tiny_dataset)
    _, average = fit(pytorch, MOVING | {"ema": EMA}, tiny_dataset)
    assert [record.cost for record in average.history] == [record.cost for record in plain.history]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_with_averages_taken_up_ends_as_one_that_was_never_interrupted(
    pytorch: Engine, tiny_dataset: Dataset, tmp_path: Path, keep: str
) -> None:
    values = MOVING | {"ema": EMA, "keep": keep}
    _, whole = fit(pytorch, values, tiny_dataset)
    watch = Watch(stop_after=2)
    fit(pytorch, values, tiny_dataset, watch)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    _, resumed = fit(pytorch, values, tiny_dataset, resume=Checkpoint.read(tmp_path / "checkpoint"))
    assert same_weights(resumed.weights, whole.weights)
    assert without_seconds(resumed.history) == without_seconds(whole.history)


def test_a_frozen_weight_has_itself_as_its_average(pytorch: Engine, tiny_dataset: Dataset) -> None:
    with pytorch.active():
        frozen = learner(pytorch, MOVING | {"ema": EMA}, tiny_dataset, rate_multipliers={"0.weight": 0.0})
        start = frozen.read()
        frozen.steps(STEPS)
        found = frozen.read()
    assert np.array_equal(found["0.weight"], start["0.weight"])
    assert not np.array_equal(found["1.running_mean"], start["1.running_mean"])


@pytest.mark.parametrize(("before", "after"), [({}, {"ema": EMA}), ({"ema": EMA}, {})])
def test_a_checkpoint_with_averages_resumes_no_run_without_them_nor_the_other_way(
    pytorch: Engine, tiny_dataset: Dataset, before: dict[str, Any], after: dict[str, Any]
) -> None:
    watch = Watch(stop_after=2)
    fit(pytorch, LINEAR | before, tiny_dataset, watch)
    with pytest.raises(ModelError, match="start a new run"):
        fit(pytorch, LINEAR | after, tiny_dataset, resume=watch.checkpoints[-1])


@pytest.mark.parametrize("engine", [open_engine("numpy"), RemoteEngine()], ids=["numpy", "tensorflow"])
def test_an_engine_without_averages_names_the_field(engine: Engine, tiny_dataset: Dataset) -> None:
    with pytest.raises(EngineError, match=r"ema.*--engine pytorch"):
        fit(engine, LINEAR | {"ema": EMA}, tiny_dataset)


@pytest.mark.parametrize("value", [-0.1, 1.0, "much"])
def test_a_decay_that_averages_nothing_is_refused(value: object) -> None:
    with pytest.raises(RecipeError, match="ema"):
        Recipe.parse(LINEAR | {"ema": value}, "test")
