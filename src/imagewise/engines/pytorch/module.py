"""The PyTorch reader of a network: layer list to nn.Module, canonical weights in and out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from imagewise.layers import (
    BatchNorm,
    Branch,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    ReLU,
    Shape,
    Sigmoid,
    output_shape,
)
from imagewise.network import Network, Weights


class SeededDropout(nn.Module):
    """Dropout that draws from a generator of its own, which the loop seeds by (seed, epoch, step)."""

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


class BranchModule(nn.Module):
    """merge(body(x), shortcut(x)); a gate of shape (N, C) is spread over the plane."""

    def __init__(self, body: nn.Sequential, shortcut: nn.Sequential, multiply: bool) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.multiply = multiply

    def forward(self, x: Tensor) -> Tensor:
        """Both ways, merged."""
        a, b = self.body(x), self.shortcut(x)
        if a.ndim < b.ndim:
            a = a[:, :, None, None]
        merged: Tensor = a * b if self.multiply else a + b
        return merged


def build_module(network: Network, generator: torch.Generator | None = None) -> nn.Sequential:
    """A module from normalised (N, C, H, W) float32 to logits (N, classes); `generator` feeds Dropout."""
    with torch.random.fork_rng(devices=[]):  # PyTorch's layers draw first weights, which nobody will use
        return _stack(network.layers, network.planes, generator or torch.Generator())


def _stack(layers: tuple[Layer, ...], shape: Shape, generator: torch.Generator) -> nn.Sequential:
    modules = []
    for layer in layers:
        modules.append(_module(layer, shape, generator))
        shape = output_shape(layer, shape)
    return nn.Sequential(*modules)


def _module(layer: Layer, shape: Shape, generator: torch.Generator) -> nn.Module:
    match layer:
        case Dense():
            return nn.Linear(shape[0], layer.units, layer.bias)
        case Conv():
            return nn.Conv2d(
                shape[0],
                layer.filters,
                layer.kernel,
                layer.stride,
                layer.padding,
                groups=layer.groups,
                bias=layer.bias,
            )
        case BatchNorm():
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return kind(shape[0], eps=layer.epsilon, momentum=layer.momentum)
        case ReLU():
            return nn.ReLU()
        case Sigmoid():
            return nn.Sigmoid()
        case MaxPool():
            return nn.MaxPool2d(layer.size, layer.stride, layer.padding)
        case GlobalPool():
            return GlobalPooling(layer.kind == "max")
        case Flatten():
            return nn.Flatten()
        case Dropout():
            return SeededDropout(layer.rate, generator)
        case Branch():
            body, shortcut = _stack(layer.body, shape, generator), _stack(layer.shortcut, shape, generator)
            return BranchModule(body, shortcut, layer.merge == "multiply")


def load_weights(module: nn.Module, weights: Mapping[str, object]) -> None:
    """Put canonical weights into the module, in place."""
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
        if not name.endswith("num_batches_tracked")  # counts batches; with a fixed momentum nothing reads it
    }
