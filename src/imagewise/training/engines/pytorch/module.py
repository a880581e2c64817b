"""The PyTorch reader of a network: layer list to nn.Module, canonical weights in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Merge, Shape
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.pytorch.convolutions import (
    LayerStack,
    MirroredConv,
    OverwritingReLU6,
    PaddedConv,
    can_be_mirrored,
    in_order,
    symmetric,
)


class SeededDropout(nn.Module):
    """Dropout that draws from its own generator, which the loop seeds by (seed, epoch, step)."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate = rate
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as `x`."""
        if not self.training or self.rate == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.generator)
        return x.mul(kept.div_(1 - self.rate))


class GlobalPooling(nn.Module):
    """(N, C, H, W) to (N, C)."""

    def __init__(self, maximum: bool) -> None:
        super().__init__()
        self.maximum = maximum

    def forward(self, x: Tensor) -> Tensor:
        """The maximum or the mean over the plane."""
        return x.amax(dim=(2, 3)) if self.maximum else x.mean(dim=(2, 3))


class PaddedAveragePool(nn.Module):
    """An average pool whose padding differs by side, for planes of any size."""

    def __init__(self, layer: L.AveragePool) -> None:
        super().__init__()
        self._layer = layer
        self._sides = in_order(layer.sides)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        means = self._means(x)
        if self._layer.count_include_pad:
            return means
        share = self._means(x.new_ones(1, 1, *x.shape[2:]))  # of each window that is not padding
        return means / share

    def _means(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, self._sides), self._layer.size, self._layer.stride)


class BranchModule(nn.Module):
    """merge(body(x), shortcut(x)); a gate of shape (N, C) is spread over the plane."""

    def __init__(self, body: nn.Sequential, shortcut: nn.Sequential, merge: Merge) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.merge = merge

    def forward(self, x: Tensor) -> Tensor:
        """The body's and the shortcut's output, merged."""
        a, b = self.body(x), self.shortcut(x)
        if self.merge == "concat":
            return torch.cat([a, b], dim=1)
        if a.ndim < b.ndim:
            a = a[:, :, None, None]
        merged: Tensor = a * b if self.merge == "multiply" else a + b
        return merged


@dataclass(frozen=True)
class _Building:
    """What all layers of a module have in common: where Dropout draws from, and whether planes are mirrored."""

    generator: torch.Generator
    mirrored: bool


def build_module(network: Network, generator: torch.Generator | None = None) -> nn.Sequential:
    """A module from normalised (N, C, H, W) float32 to logits (N, classes); `generator` feeds Dropout."""
    building = _Building(generator or torch.Generator(), can_be_mirrored(network.layers, network.planes))
    with torch.random.fork_rng(devices=[]):  # PyTorch's layers draw initial weights, which nobody uses
        return LayerStack(_modules(network.layers, network.planes, building), building.mirrored)


def _modules(layers: tuple[Layer, ...], shape: Shape, building: _Building) -> list[nn.Module]:
    modules = []
    before: Layer | None = None
    for layer in layers:
        modules.append(_module(layer, shape, building, before))
        shape, before = layer.output_shape(shape), layer
    return modules


def _module(layer: Layer, shape: Shape, building: _Building, before: Layer | None) -> nn.Module:
    # a step spends its time on memory: what nobody else reads is overwritten, and no gradient needs these outputs
    in_place = isinstance(before, L.Conv | L.Dense | L.BatchNorm)
    match layer:
        case L.Dense():
            return nn.Linear(shape[0], layer.units, layer.bias)
        case L.Conv():
            return _conv(layer, shape[0], building.mirrored)
        case L.BatchNorm():
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return kind(shape[0], eps=layer.epsilon, momentum=layer.momentum)
        case L.ReLU():
            return nn.ReLU(in_place)
        case L.ReLU6():
            return OverwritingReLU6() if in_place else nn.ReLU6()
        case L.Sigmoid():
            return nn.Sigmoid()
        case L.HardSigmoid():
            return nn.Hardsigmoid()
        case L.HardSwish():
            return nn.Hardswish()
        case L.SiLU():
            return nn.SiLU()
        case L.MaxPool():
            if (padding := symmetric(layer.sides)) is not None:
                return nn.MaxPool2d(layer.size, layer.stride, padding)
            return nn.Sequential(nn.ConstantPad2d(in_order(layer.sides), -inf), nn.MaxPool2d(layer.size, layer.stride))
        case L.AveragePool():
            if (padding := symmetric(layer.sides)) is not None:
                return nn.AvgPool2d(layer.size, layer.stride, padding, count_include_pad=layer.count_include_pad)
            return PaddedAveragePool(layer)
        case L.GlobalPool():
            return GlobalPooling(layer.kind == "max")
        case L.Flatten():
            return nn.Flatten()
        case L.Dropout():
            return SeededDropout(layer.rate, building.generator)
        case L.Branch():
            body, shortcut = (LayerStack(_modules(side, shape, building)) for side in (layer.body, layer.shortcut))
            return BranchModule(body, shortcut, layer.merge)
        case _:
            assert_never(layer)


def _conv(layer: L.Conv, channels: int, mirrored: bool) -> nn.Conv2d:
    if mirrored:
        return MirroredConv(channels, layer)
    padding = symmetric(layer.sides)
    if padding is None:
        return PaddedConv(channels, layer)
    return nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride, padding, groups=layer.groups, bias=layer.bias)


def load_weights(module: nn.Module, weights: Mapping[str, object]) -> None:
    """Put canonical weights into the module, in place. Raises ValueError where names do not fit."""
    state = {name: torch.tensor(value) for name, value in weights.items()}
    missing, unexpected = module.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"weights do not fit the module: {wrong}")


def read_weights(module: nn.Module) -> Weights:
    """The module's canonical weights, copied."""
    return {
        name: value.detach().cpu().contiguous().numpy().copy()
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")  # a count of batches; with a fixed momentum nothing reads it
    }
