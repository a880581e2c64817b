"""Gradients of a batch that is computed a few pictures at a time are those of the whole batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contract import a_network
from engine_runs import LINEAR, OPTIMIZERS, RESTLESS, fit
from imagewise.data.dataset import Dataset
from imagewise.networks.families.mobilenet_v2 import mobilenet_v2
from imagewise.networks.layers import BatchNorm, Conv, Dense, GlobalPool, ReLU6
from imagewise.networks.network import Network
from imagewise.training.engines.pytorch import gradients
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.pytorch.gradients import BatchGradients, pictures_at_once
from imagewise.training.engines.pytorch.loss import TrainingLoss
from imagewise.training.engines.pytorch.mixup import Mixed
from imagewise.training.engines.pytorch.module import build_module
from imagewise.training.job import TrainingJob
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe

NETWORK = a_network(Conv(4, 3), BatchNorm(), ReLU6(), GlobalPool(), Dense(3))
MIXED = Mixed(torch.arange(7).roll(1) % 3, torch.linspace(0, 0.5, 7, dtype=torch.float64))


def found(at_once: int | None, loss: TrainingLoss, mixed: Mixed | None) -> tuple[Tensor, Tensor, list[Tensor]]:
    torch.manual_seed(1)
    module = build_module(NETWORK).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn((7, *NETWORK.planes), dtype=torch.float64)
    return BatchGradients(module, loss, list(module.parameters()), at_once)(x, torch.arange(7) % 3, mixed)


@pytest.mark.parametrize("mixed", [None, MIXED], ids=["plain", "mixed"])
@pytest.mark.parametrize("weights", [None, [0.5, 3.0, 1.0]], ids=["alike", "weighted"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 6, 7, 20])
def test_parts_of_a_batch_add_up_to_the_whole(at_once: int, weights: list[float] | None, mixed: Mixed | None) -> None:
    loss = TrainingLoss(0.1, None if weights is None else torch.tensor(weights, dtype=torch.float64))
    for part, whole in zip(found(at_once, loss, mixed), found(None, loss, mixed), strict=True):
        torch.testing.assert_close(part, whole)


def a_job(dataset: Dataset, values: dict[str, Any] = LINEAR, **changes: Any) -> TrainingJob:
    return replace(make_job(Recipe.parse(values, "test"), dataset), **changes)


def test_pictures_that_see_each_other_are_computed_together(tiny_dataset: Dataset) -> None:
    assert pictures_at_once(a_job(tiny_dataset)) is None
    assert pictures_at_once(a_job(tiny_dataset, freeze_batch_norm=True)) is not None


def test_larger_pictures_are_computed_fewer_at_once_and_frozen_layers_do_not_count(tiny_dataset: Dataset) -> None:
    def at_once(side: int, resolution: float = 1.0, frozen: int = 0) -> int:
        network = Network((side, side, 3), (0.5,) * 3, (0.5,) * 3, (*mobilenet_v2(side), Dense(3)))
        multipliers = {name: 0.0 for name in network.weight_shapes() if int(name.partition(".")[0]) < frozen}
        recipe = Recipe.parse(LINEAR | {"augment": {"resolution": resolution}}, "test")
        job = a_job(tiny_dataset, network=network, rate_multipliers=multipliers, freeze_batch_norm=True)
        job = replace(job, recipe=recipe)
        found = pictures_at_once(job)
        assert found is not None
        return found

    assert 1 <= at_once(1024) < at_once(224) < at_once(128)
    assert at_once(224, resolution=0.5) == at_once(112)
    assert at_once(224) < at_once(224, frozen=26) < at_once(224, frozen=70)


def test_a_frozen_network_is_trained_in_parts_as_whole(tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    values = RESTLESS | {"optimizer": OPTIMIZERS["sgd"], "network": {"name": "convnet", "params": {"filters": [3]}}}
    _, whole = fit(PyTorchEngine("cpu"), values, tiny_dataset, freeze_batch_norm=True)
    monkeypatch.setattr(gradients, "AT_ONCE_BYTES", 1)
    _, parts = fit(PyTorchEngine("cpu"), values, tiny_dataset, freeze_batch_norm=True)
    for name, value in whole.weights.items():
        np.testing.assert_allclose(parts.weights[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    assert [r.cost for r in parts.history] == pytest.approx([r.cost for r in whole.history], rel=1e-4)
    assert [r.accuracy for r in parts.history] == [r.accuracy for r in whole.history]
