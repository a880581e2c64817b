"""A pretrained network in PyTorch's own modules, as anybody would write it; imagewise's own may be faster."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.backbones.pretrained import Pretrained
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding, as timm's Conv2dSame."""

    def __init__(self, channels: int, layer: L.Conv) -> None:
        super().__init__(channels, layer.filters, layer.kernel, layer.stride, groups=layer.groups, bias=layer.bias)
        top, left, bottom, right = layer.sides
        self._around = (left, right, top, bottom)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._around))


class Residual(nn.Module):
    """body(x) + x"""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.body(x) + x
        return added


def plain_module(backbone: Pretrained, side: int) -> nn.Module:
    """From normalised pictures (N, 3, side, side) float32 to features, with the published weights."""
    module = _stack(backbone.layers(side), (3, side, side))
    state = {name: torch.from_numpy(value.copy()) for name, value in backbone.weights.items()}
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return module


def _stack(layers: tuple[Layer, ...], shape: Shape) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in layers:
        modules.append(_module(layer, shape))
        shape = layer.output_shape(shape)
    return nn.Sequential(*modules)


def _module(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case L.Conv():
            top, left, bottom, right = layer.sides
            if top == left == bottom == right:
                return nn.Conv2d(
                    shape[0], layer.filters, layer.kernel, layer.stride, top, groups=layer.groups, bias=layer.bias
                )
            return SameConv(shape[0], layer)
        case L.BatchNorm():
            return nn.BatchNorm2d(shape[0], eps=layer.epsilon)
        case L.ReLU6():
            return nn.ReLU6()
        case L.GlobalPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case L.Branch(merge="add", shortcut=()):
            return Residual(_stack(layer.body, shape))
        case _:
            raise NotImplementedError(f"{type(layer).__name__} is in no backbone that is measured")
