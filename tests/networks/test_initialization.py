"""First weights, against torch.nn.init's formulas and draws."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from torch.nn import init

from imagewise.networks import layers as L
from imagewise.networks.initialization import initial_weights
from imagewise.networks.network import Network

NETWORK = Network(
    (8, 8, 3),
    (0.0,) * 3,
    (1.0,) * 3,
    (L.Conv(64, 3, padding=1), L.Conv(96, 5, groups=4, bias=False), L.BatchNorm(), L.Flatten(), L.Dense(100)),
)
MATRICES = ("0.weight", "1.weight", "4.weight")


@pytest.mark.parametrize("scheme", ["he", "glorot", "normal"])
@pytest.mark.parametrize("name", MATRICES)
def test_weights_are_distributed_as_torch_nn_init_draws_them(scheme: str, name: str) -> None:
    found = initial_weights(NETWORK, scheme, 0)[name]
    wanted = torch.empty(found.shape)
    generator = torch.Generator().manual_seed(0)
    match scheme:
        case "he":
            init.kaiming_normal_(wanted, nonlinearity="relu", generator=generator)
        case "glorot":
            init.xavier_uniform_(wanted, generator=generator)
        case "normal":
            init.normal_(wanted, generator=generator)
    # thousands of draws: their deviations differ by chance by a few percent, means by a few deviations / sqrt(n)
    assert found.std() == pytest.approx(float(wanted.std()), rel=0.06)
    assert abs(found.mean()) < 5 * found.std() / sqrt(found.size)
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx(
        torch.quantile(wanted.flatten(), torch.tensor([0.1, 0.5, 0.9])).numpy(), abs=0.1 * float(wanted.std())
    )


@pytest.mark.parametrize("name", MATRICES)
def test_glorot_fills_its_bounds_and_does_not_pass_them(name: str) -> None:
    found = initial_weights(NETWORK, "glorot", 0)[name]
    fan_in, fan_out = init._calculate_fan_in_and_fan_out(torch.empty(found.shape))
    bound = sqrt(6 / (fan_in + fan_out))
    assert 0.98 * bound < np.abs(found).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("scheme", ["he", "glorot"])
def test_biases_start_at_zero(scheme: str) -> None:
    weights = initial_weights(NETWORK, scheme, 0)
    assert not weights["0.bias"].any()
    assert not weights["4.bias"].any()


def test_the_articles_normal_draws_biases_too() -> None:
    biases = initial_weights(NETWORK, "normal", 0)["4.bias"]
    assert biases.std() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("scheme", ["he", "glorot", "normal"])
def test_norms_start_as_doing_nothing(scheme: str) -> None:
    weights = initial_weights(NETWORK, scheme, 0)
    for part, value in {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}.items():
        assert (weights[f"2.{part}"] == value).all()


def test_all_weights_are_there_and_decided_by_the_seed() -> None:
    one, same, other = (initial_weights(NETWORK, "he", seed) for seed in (3, 3, 4))
    NETWORK.check_weights(one)
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not any(np.array_equal(one[name], other[name]) for name in MATRICES)


def test_equal_layers_start_from_different_weights() -> None:
    branch = L.Branch("add", (L.Dense(5),), (L.Dense(5),))
    network = Network((2, 2, 1), (0.0,), (1.0,), (L.Flatten(), branch, L.Dense(5), L.Dense(5)))
    weights = initial_weights(network, "he", 0)
    assert not np.array_equal(weights["1.body.0.weight"], weights["1.shortcut.0.weight"])
    assert not np.array_equal(weights["2.weight"], weights["3.weight"])
