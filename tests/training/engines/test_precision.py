"""The precision of training steps: bfloat16 by PyTorch's autocast, and a measurement that decides where it pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from contract import assert_same_logits, reference_logits
from engine_runs import ENGINE_SETTINGS, LINEAR, OPTIMIZERS, RESTLESS, Watch, fit, record, same_weights
from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError, RecipeError
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Engine, Step
from imagewise.training.engines.loop import losses_at
from imagewise.training.engines.pytorch import precision
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.pytorch.learner import PyTorchLearner
from imagewise.training.engines.registry import open_engine
from imagewise.training.job import TrainingJob
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from imagewise.training.run import train
from keras_process import RemoteEngine

MOVING = RESTLESS | {"optimizer": OPTIMIZERS["adam"]}
HALF = {"precision": "bfloat16"}
AUTO = {"precision": "auto"}


@pytest.fixture
def pytorch() -> Engine:
    return PyTorchEngine("cpu")


def job(values: dict[str, Any], dataset: Dataset, **changes: Any) -> TrainingJob:
    return replace(make_job(Recipe.parse(values, "test"), dataset), **changes)


@pytest.mark.parametrize("frozen", [False, True])
def test_layers_compute_in_bfloat16_in_training_and_in_float32_in_validation(
    pytorch: Engine, tiny_dataset: Dataset, frozen: bool
) -> None:
    with pytorch.active():
        learner = pytorch.learner(job(MOVING | HALF, tiny_dataset, freeze_batch_norm=frozen), tiny_dataset["train"])
        assert isinstance(learner, PyTorchLearner)
        seen: list[torch.dtype] = []
        learner.module.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
        learner.steps([Step(np.arange(16), 1, 0.01, 0)])
        found = learner.logits(tiny_dataset["validation"].images)
    assert seen == [torch.bfloat16, torch.float32]
    assert {parameter.dtype for parameter in learner.module.parameters()} == {torch.float32}
    assert found.dtype == np.float32


def test_a_step_in_bfloat16_is_nearly_that_in_float32(pytorch: Engine, tiny_dataset: Dataset) -> None:
    one = LINEAR | {"optimizer": OPTIMIZERS["sgd"], "batch_size": 90, "epochs": 1}
    start = job(one, tiny_dataset).starting_weights()
    network, whole = fit(pytorch, one, tiny_dataset)
    _, half = fit(pytorch, one | HALF, tiny_dataset)
    assert not same_weights(half.weights, whole.weights)
    for name, value in whole.weights.items():
        largest = np.abs(value - start[name]).max()
        assert np.abs(half.weights[name] - value).max() < 0.02 * largest, name
    assert half.history[0].cost == pytest.approx(whole.history[0].cost, rel=0.01)
    assert_same_logits(half.reference[1], reference_logits(network, half.weights, half.reference[0]))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_run_in_bfloat16_taken_up_ends_as_one_that_was_never_interrupted(
    pytorch: Engine, tiny_dataset: Dataset, tmp_path: Path, frozen: bool
) -> None:
    _, whole = fit(pytorch, MOVING | HALF, tiny_dataset, freeze_batch_norm=frozen)
    watch = Watch(stop_after=2)
    fit(pytorch, MOVING | HALF, tiny_dataset, watch, freeze_batch_norm=frozen)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    checkpoint = Checkpoint.read(tmp_path / "checkpoint")
    _, resumed = fit(pytorch, MOVING | HALF, tiny_dataset, resume=checkpoint, freeze_batch_norm=frozen)
    assert same_weights(resumed.weights, whole.weights)


# ---- auto


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    """Steps take this long: in float32, in bfloat16."""

    def set_to(float32: float, bfloat16: float) -> None:
        seconds = iter([float32, float32, bfloat16, bfloat16])
        monkeypatch.setattr(precision, "seconds_of", lambda step: next(seconds))

    return set_to


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen"),
    [(3.0, 1.0, "bfloat16"), (1.3, 1.0, "bfloat16"), (1.1, 1.0, "float32"), (1.0, 5.0, "float32")],
)
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    pytorch: Engine,
    tiny_dataset: Dataset,
    clock: Callable[[float, float], None],
    float32: float,
    bfloat16: float,
    chosen: str,
) -> None:
    clock(float32, bfloat16)
    before = job(MOVING | AUTO, tiny_dataset)
    settled = pytorch.settle(before)
    assert settled.recipe == before.recipe.override({"precision": chosen})
    assert pytorch.settle(settled) is settled


def test_a_device_without_bfloat16_computes_in_float32(
    pytorch: Engine, tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: nn.Module, *values: object) -> None:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError('"slow_conv2d" not implemented for BFloat16')
        return plain(self, *values)  # type: ignore[no-any-return]

    plain = nn.Sequential.__call__
    monkeypatch.setattr(nn.Sequential, "__call__", fails)
    assert pytorch.settle(job(MOVING | AUTO, tiny_dataset)).recipe.precision == "float32"


def test_measuring_leaves_the_run_as_it_would_be(
    pytorch: Engine, tiny_dataset: Dataset, clock: Callable[[float, float], None]
) -> None:
    clock(1.0, 2.0)
    _, measured = fit(pytorch, MOVING | AUTO, tiny_dataset)
    _, named = fit(pytorch, MOVING, tiny_dataset)
    assert same_weights(measured.weights, named.weights)


def test_a_precision_that_is_named_is_not_measured(
    pytorch: Engine, tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "seconds_of", lambda step: pytest.fail("measured"))
    for values in (MOVING, MOVING | HALF):
        named = job(values, tiny_dataset)
        assert pytorch.settle(named) is named


def test_the_learning_rate_test_settles_its_job(
    pytorch: Engine, tiny_dataset: Dataset, clock: Callable[[float, float], None]
) -> None:
    clock(1.0, 2.0)
    assert len(list(losses_at(job(LINEAR | AUTO, tiny_dataset), tiny_dataset, [0.01, 0.02], pytorch))) == 2


def test_the_record_of_a_run_says_which_precision_it_was(
    tiny_dataset: Dataset, tmp_path: Path, clock: Callable[[float, float], None]
) -> None:
    clock(3.0, 1.0)
    recipe = Recipe.parse(LINEAR | AUTO | {"epochs": 2}, "linear")
    run = train(tiny_dataset, recipe=recipe, engine="pytorch", out=tmp_path / "run", **ENGINE_SETTINGS)
    assert record(run.folder)["recipe"]["precision"] == "bfloat16"
    longer = train(tiny_dataset, resume=run.folder, epochs=3, **ENGINE_SETTINGS)  # no second measurement
    assert isinstance(longer.recipe, Recipe)
    assert longer.recipe.precision == "bfloat16"


# ---- where there is none


@pytest.mark.parametrize("engine", [open_engine("numpy"), RemoteEngine()], ids=["numpy", "tensorflow"])
def test_an_engine_without_bfloat16_names_the_field_and_trains_auto_in_float32(
    engine: Engine, tiny_dataset: Dataset
) -> None:
    with pytest.raises(EngineError, match=r"precision.*--engine pytorch"):
        fit(engine, LINEAR | HALF, tiny_dataset)
    _, auto = fit(engine, LINEAR | AUTO, tiny_dataset)
    _, named = fit(engine, LINEAR, tiny_dataset)
    assert same_weights(auto.weights, named.weights)


def test_another_precision_is_refused() -> None:
    with pytest.raises(RecipeError, match="precision"):
        Recipe.parse(LINEAR | {"precision": "float16"}, "test")
