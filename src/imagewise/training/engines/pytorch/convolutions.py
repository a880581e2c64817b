"""Convolutions whose padding differs by side, with the frozen batch normalisation behind them, and ReLU6 in place.

A training step of a mobile network spends its time on memory, not on arithmetic: a copy of each padded input, and each
BatchNorm's pass over its input, forwards and backwards. Both are spared here; the function and its gradients stay.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape

_LEAST, _MOST = 0.0, 6.0  # of ReLU6


class PaddedConv(nn.Conv2d):
    """A convolution whose padding differs by side; weights are named as in nn.Conv2d."""

    def __init__(self, channels: int, layer: L.Conv) -> None:
        super().__init__(channels, layer.filters, layer.kernel, layer.stride, groups=layer.groups, bias=layer.bias)
        self._sides = in_order(layer.sides)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        found: Tensor = super()._conv_forward(F.pad(input, self._sides), weight, bias)
        return found


class MirroredConv(nn.Conv2d):
    """A convolution on planes that are mirrored in both directions; see `can_be_mirrored`.

    TensorFlow's SAME pads behind. Mirrored, that is in front, where PyTorch's padding on both sides is as good: no
    window reaches the other side's.
    """

    def __init__(self, channels: int, layer: L.Conv) -> None:
        padding = layer.sides[2:]
        super().__init__(
            channels, layer.filters, layer.kernel, layer.stride, padding, groups=layer.groups, bias=layer.bias
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        mirrored = weight if self.kernel_size == (1, 1) else weight.flip((2, 3))
        found: Tensor = super()._conv_forward(input, mirrored, bias)
        return found


class LayerStack(nn.Sequential):
    """Layers in a row. A BatchNorm in evaluation mode is computed as part of the convolution before it.

    Its four vectors are multiplied into the convolution's weights at each call, so that they and the convolution are
    trained as if they were apart.
    """

    def __init__(self, layers: list[nn.Module], mirrored: bool = False) -> None:
        """`mirrored`: the stack takes pictures as they are, and its convolutions take mirrored ones."""
        super().__init__(*layers)
        self._mirrored = mirrored
        self._pairs: list[tuple[nn.Module, nn.BatchNorm2d | None]] = []
        for layer in layers:
            before, norm = self._pairs[-1] if self._pairs else (None, None)
            if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d) and norm is None:
                self._pairs[-1] = (before, layer)
            else:
                self._pairs.append((layer, None))

    def forward(self, x: Tensor) -> Tensor:
        """The output of the last layer."""
        if self._mirrored:
            x = x.flip((2, 3))
        for layer, norm in self._pairs:
            if norm is None:
                x = layer(x)
            elif norm.training or not isinstance(layer, nn.Conv2d):
                x = norm(layer(x))
            else:
                x = _normalized(layer, norm, x)
        return x


def _normalized(conv: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * factor
    if conv.bias is not None:
        shift = shift + conv.bias * factor
    found: Tensor = conv._conv_forward(x, conv.weight * factor[:, None, None, None], shift)
    return found


class OverwritingReLU6(nn.Module):
    """min(max(x, 0), 6), written over x, which nobody else may need.

    PyTorch's own in-place ReLU6 keeps a copy of its input for the gradient, which the output can tell as well.
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` itself."""
        changed: Tensor = _Clamp.apply(x)  # type: ignore[no-untyped-call]
        return changed


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x.clamp_(_LEAST, _MOST)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient where the output is between the limits, 0 elsewhere: as where the input was."""
        (output,), (gradient,) = ctx.saved_tensors, gradients
        passed: Tensor = torch.ops.aten.hardtanh_backward(gradient, output, _LEAST, _MOST)
        return passed


def in_order(sides: L.Sides) -> L.Sides:
    """The sides in the order of `torch.nn.functional.pad`: left, right, top, bottom."""
    top, left, bottom, right = sides
    return (left, right, top, bottom)


def symmetric(sides: L.Sides) -> tuple[int, int] | None:
    """PyTorch's padding, (vertical, horizontal), if opposite sides are equal."""
    top, left, bottom, right = sides
    return (top, left) if (top, left) == (bottom, right) else None


def can_be_mirrored(layers: tuple[Layer, ...], shape: Shape) -> bool:
    """Whether the layers give the same if the input and all kernels are mirrored and each convolution pads both sides
    as it pads below and on the right. False where nothing is gained, too: where opposite sides are equal already.
    """
    windows = _windows(layers, shape)
    padded_by_side = any(symmetric(layer.sides) is None for layer, _ in windows)
    return padded_by_side and _keeps_order(layers) and all(_aligns(layer, shape) for layer, shape in windows)


def _windows(layers: tuple[Layer, ...], shape: Shape) -> list[tuple[L.Conv | L.MaxPool | L.AveragePool, Shape]]:
    """All layers with windows, and the shapes that they see."""
    found: list[tuple[L.Conv | L.MaxPool | L.AveragePool, Shape]] = []
    for layer in layers:
        if isinstance(layer, L.Conv | L.MaxPool | L.AveragePool):
            found.append((layer, shape))
        elif isinstance(layer, L.Branch):
            found += _windows(layer.body, shape) + _windows(layer.shortcut, shape)
        shape = layer.output_shape(shape)
    return found


def _keeps_order(layers: tuple[Layer, ...]) -> bool:
    """No layer sees where in the plane a value is."""
    return not any(
        isinstance(layer, L.Flatten)
        or (isinstance(layer, L.Branch) and not (_keeps_order(layer.body) and _keeps_order(layer.shortcut)))
        for layer in layers
    )


def _aligns(layer: L.Conv | L.MaxPool | L.AveragePool, shape: Shape) -> bool:
    """The last window ends where the padding ends, so that counted from there the windows are the same; and padding
    both sides alike adds no window."""
    kernel = layer.kernel if isinstance(layer, L.Conv) else layer.size
    if not isinstance(layer, L.Conv) and symmetric(layer.sides) is None:
        return False
    top, left, bottom, right = layer.sides
    return all(
        (side + before + after - kernel) % layer.stride == 0 and 0 <= after - before < layer.stride
        for side, before, after in ((shape[1], top, bottom), (shape[2], left, right))
    )
