"""The module's convolutions: padding by side without copies, frozen batch normalisation, what a step keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contract import a_network, random_weights
from imagewise.networks import layers as L
from imagewise.networks.families.efficientnet_lite import efficientnet_lite0
from imagewise.networks.families.mobilenet_v2 import mobilenet_v2
from imagewise.networks.layers import Layer
from imagewise.networks.network import Network
from imagewise.training.engines.pytorch.convolutions import MirroredConv, PaddedConv, can_be_mirrored
from imagewise.training.engines.pytorch.module import build_module, load_weights

STEM = (L.Conv(4, 3, 2, (0, 0, 1, 1), bias=False), L.BatchNorm(1e-3), L.ReLU6())
WIDE = (L.Conv(8, 1), L.BatchNorm(), L.ReLU6(), L.Conv(8, 5, 2, (1, 1, 2, 2), 8, bias=False), L.BatchNorm(), L.ReLU())
RESIDUAL = L.Branch("add", (L.ReLU(), L.Conv(8, 3, 1, 1, 4), L.BatchNorm(), L.ReLU6(), L.Conv(8, 1), L.BatchNorm()))
MOBILE = (*STEM, *WIDE, RESIDUAL, L.GlobalPool(), L.Dense(3))


def mobile(*layers: Layer, side: int = 16) -> Network:
    return a_network(*layers, shape=(side, side, 3))


NETWORKS = {
    "padded as TensorFlow does, even sides": mobile(*MOBILE),
    "padded as TensorFlow does, uneven sides": mobile(*MOBILE, side=13),
    "padded on both sides alike": mobile(L.Conv(4, 3, 2, 1), L.BatchNorm(), L.ReLU6(), L.GlobalPool(), L.Dense(3)),
    "order in the plane counts": mobile(*STEM, L.Flatten(), L.Dense(3)),
}


def by_definition(layers: Sequence[Layer], weights: dict[str, Tensor], x: Tensor, prefix: str = "") -> Tensor:
    """The layers in plain PyTorch: a padded copy, a convolution, a batch normalisation by running statistics."""
    for number, layer in enumerate(layers):
        name = f"{prefix}{number}."
        match layer:
            case L.Conv():
                top, left, bottom, right = layer.sides
                x = F.pad(x, (left, right, top, bottom))
                x = F.conv2d(x, weights[name + "weight"], weights.get(name + "bias"), layer.stride, 0, 1, layer.groups)
            case L.BatchNorm():
                mean, variance = weights[name + "running_mean"], weights[name + "running_var"]
                x = F.batch_norm(x, mean, variance, weights[name + "weight"], weights[name + "bias"], eps=layer.epsilon)
            case L.ReLU():
                x = x.relu()
            case L.ReLU6():
                x = x.clamp(0, 6)
            case L.Branch():
                x = x + by_definition(layer.body, weights, x, name + "body.")
            case L.GlobalPool():
                x = x.mean((2, 3))
            case L.Flatten():
                x = x.flatten(1)
            case L.Dense():
                x = F.linear(x, weights[name + "weight"], weights.get(name + "bias"))
            case _:
                raise AssertionError(layer)
    return x


def frozen(network: Network) -> nn.Module:
    """In float64, in training mode but for its batch normalisation."""
    module = build_module(network).double().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_weights(module, {name: value.astype(np.float64) for name, value in random_weights(network).items()})
    module.train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    return module  # type: ignore[no-any-return]


def pictures(network: Network, count: int = 5) -> Tensor:
    x = torch.randn((count, *network.planes), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return x.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_logits_and_gradients_are_those_of_the_definition(network: Network) -> None:
    module, x = frozen(network), pictures(network)
    parameters = dict(module.named_parameters())
    weights = {k: v.detach().clone().requires_grad_(k in parameters) for k, v in module.state_dict().items()}
    found, wanted = module(x), by_definition(network.layers, weights, x)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    seed = torch.randn(found.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    gradients = torch.autograd.grad(found, list(parameters.values()), seed)
    expected = torch.autograd.grad(wanted, [weights[name] for name in parameters], seed)
    for name, gradient, reference in zip(parameters, gradients, expected, strict=True):
        torch.testing.assert_close(gradient, reference, rtol=1e-9, atol=1e-9, msg=name)


def test_the_pictures_given_are_left_as_they_are() -> None:
    network = mobile(L.Conv(8, 1), RESIDUAL, L.GlobalPool(), L.Dense(3))
    module, x = frozen(network), pictures(network)
    before = x.clone()
    module(x)
    assert torch.equal(x, before)
    residual, inner = module[1], torch.randn(2, 8, 4, 4, dtype=torch.float64)  # type: ignore[index]
    kept = inner.clone()
    residual(inner)
    assert torch.equal(inner, kept)


def test_batch_normalisation_that_is_trained_takes_the_statistics_of_the_batch() -> None:
    network = mobile(*MOBILE)
    module, x = frozen(network), pictures(network)
    before = module.state_dict()["1.running_mean"].clone()
    module(x)
    assert torch.equal(module.state_dict()["1.running_mean"], before)
    module.train()
    module(x)
    assert not torch.equal(module.state_dict()["1.running_mean"], before)


@pytest.mark.parametrize("side", [128, 160, 192, 224, 225])
def test_a_network_padded_as_tensorflow_does_needs_no_padded_copies(side: int) -> None:
    network = Network((side, side, 3), (0.5,) * 3, (0.5,) * 3, (*efficientnet_lite0(side), L.Dense(2)))
    module = build_module(network)
    assert not any(isinstance(layer, PaddedConv) for layer in module.modules())
    assert side == 225 or any(isinstance(layer, MirroredConv) for layer in module.modules())


@pytest.mark.parametrize(
    "layers",
    [
        mobilenet_v2(64),  # nothing to gain
        (*STEM, L.Flatten()),
        (*STEM, L.MaxPool(2, 2), L.Conv(4, 3, 2, (1, 1, 0, 0)), L.GlobalPool()),  # padded in front
        (*STEM, L.AveragePool(3, 2, (0, 0, 1, 1)), L.GlobalPool()),
        (L.Conv(4, 3, 2, 1), *STEM, L.GlobalPool()),  # the last window ends before the padding
        (L.Conv(4, 3, 1, (0, 0, 2, 2)), L.GlobalPool()),  # padding both sides would add a window
        (L.Branch("add", (L.Conv(3, 3, 1, (0, 0, 2, 2)),)), L.GlobalPool()),
    ],
)
def test_other_networks_are_not_mirrored(layers: tuple[Layer, ...]) -> None:
    assert not can_be_mirrored(layers, (3, 64, 64))


def kept_by(module: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The logits, and everything that autograd keeps of the step that is not a weight."""
    kept: list[Tensor] = []
    weights = {value.data_ptr() for value in module.state_dict().values()}

    def note(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            kept.append(tensor)
        return tensor

    read: Callable[[Any], Tensor] = lambda tensor: tensor  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(note, read):
        return module(x), kept


def freeze(module: nn.Module, layers: int) -> None:
    """The first `layers` layers."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(int(name.partition(".")[0]) >= layers)


def test_below_the_first_trained_layer_nothing_is_kept() -> None:
    network = mobile(*MOBILE)
    module, x = frozen(network), pictures(network)
    freeze(module, len(network.layers) - 1)
    _, kept = kept_by(module, x)
    assert {tuple(tensor.shape) for tensor in kept} == {(len(x), 8)}  # the features, for the gradient of the head
    freeze(module, 9)
    _, kept = kept_by(module, x)
    assert not any(tensor.shape[2:] in ((16, 16), (8, 8)) for tensor in kept)


def test_a_frozen_norm_and_an_activation_keep_nothing_of_their_own() -> None:
    network = mobile(*STEM, L.Conv(4, 1), L.GlobalPool(), L.Dense(3))
    module, x = frozen(network), pictures(network)
    _, kept = kept_by(module, x)
    planes = [tensor for tensor in kept if tensor.ndim == 4 and len(tensor) == len(x)]
    # the pictures, and what the activation leaves, which its own gradient and the next convolution's need
    assert sorted(tuple(tensor.shape[2:]) for tensor in {tensor.data_ptr(): tensor for tensor in planes}.values()) == [
        (8, 8),
        (16, 16),
    ]
