"""The layers that a network is a list of: plain data, each with the shape it makes and the weights it holds.

Padding is explicit, and every epsilon and momentum is a field with PyTorch's meaning. Shapes are (C, H, W) before
Flatten or GlobalPool and (features,) after. To add a kind of layer, write its class here and name it in `Layer`: mypy
then points at each reader that has no case for it, and tests/contract.py holds the readers together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import isfinite, prod
from typing import Literal, get_args

from imagewise.errors import NetworkError

Shape = tuple[int, ...]
Sides = tuple[int, int, int, int]  # top, left, bottom, right
Merge = Literal["add", "multiply", "concat"]


class _LayerKind(ABC):
    """The methods of every layer. Construction refuses field values that no layer can have."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if not _allowed(field.name, value):
                raise NetworkError(f"{type(self).__name__}: {field.name} = {value!r} is not possible.")

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of `shape`. Raises NetworkError where the two do not fit."""

    @abstractmethod
    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Name and shape of each weight of this layer itself, in order, for an input of `shape`."""

    def _require(self, condition: bool, shape: Shape, hint: str) -> None:
        if not condition:
            raise NetworkError(f"{self} does not fit an input of shape {shape}: {hint}.")

    def _require_planes(self, shape: Shape) -> None:
        self._require(len(shape) == 3, shape, "it needs (C, H, W)")


def _allowed(name: str, value: object) -> bool:
    match name:
        case "units" | "filters" | "kernel" | "size" | "stride" | "groups":
            return type(value) is int and value >= 1
        case "padding":
            sides = value if isinstance(value, tuple) and len(value) == 4 else (value,)
            return all(type(side) is int and side >= 0 for side in sides)
        case "bias" | "count_include_pad":
            return type(value) is bool
        case "epsilon":
            return isinstance(value, float) and value > 0 and isfinite(value)
        case "momentum":
            return isinstance(value, float) and 0 < value <= 1
        case "rate":
            return isinstance(value, int | float) and 0 <= value < 1
        case "kind":
            return value in ("average", "max")
        case "merge":
            return value in get_args(Merge)
        case "body" | "shortcut":
            return isinstance(value, tuple) and all(isinstance(layer, _LayerKind) for layer in value)
        case _:
            raise AssertionError(f"no check is written for the field {name!r}")


class _Weightless(_LayerKind):
    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {}


class _SameShape(_Weightless):
    def output_shape(self, shape: Shape) -> Shape:
        return shape


class _Windowed(_LayerKind):
    """A square window that moves over the plane.

    `padding` is one number for all sides, or (top, left, bottom, right), which can express TensorFlow's SAME.
    """

    stride: int
    padding: int | Sides

    @property
    def sides(self) -> Sides:
        """The padding as (top, left, bottom, right)."""
        return self.padding if isinstance(self.padding, tuple) else (self.padding,) * 4

    def _plane(self, size: int, shape: Shape) -> tuple[int, int]:
        """Height and width of the output of a `size` x `size` window."""
        top, left, bottom, right = self.sides
        height = (shape[1] + top + bottom - size) // self.stride + 1
        width = (shape[2] + left + right - size) // self.stride + 1
        self._require(height >= 1 and width >= 1, shape, "the window is larger than the picture")
        return height, width


class _Pooling(_Windowed, _Weightless):
    size: int

    def output_shape(self, shape: Shape) -> Shape:
        self._require_planes(shape)
        # else a window could lie outside the picture; PyTorch's limit, and SAME never needs more
        self._require(2 * max(self.sides) <= self.size, shape, "padding may be at most half the size")
        return (shape[0], *self._plane(self.size, shape))


@dataclass(frozen=True)
class Dense(_LayerKind):
    """y = W x + b. Weights: `weight` (units, features), `bias` (units,)."""

    units: int
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """(units,)."""
        self._require(len(shape) == 1, shape, "put Flatten or GlobalPool before it")
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """`weight` and, unless `bias` is False, `bias`."""
        return {"weight": (self.units, shape[0])} | ({"bias": (self.units,)} if self.bias else {})


@dataclass(frozen=True)
class Conv(_Windowed):
    """2-D cross-correlation with a square kernel. Weights: `weight` (filters, C / groups, k, k), `bias` (filters,)."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int | Sides = 0
    groups: int = 1
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """(filters, H', W')."""
        self._require_planes(shape)
        divided = shape[0] % self.groups == 0 and self.filters % self.groups == 0
        self._require(divided, shape, "groups must divide the channels and the filters")
        return (self.filters, *self._plane(self.kernel, shape))

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """`weight` and, unless `bias` is False, `bias`."""
        weight = (self.filters, shape[0] // self.groups, self.kernel, self.kernel)
        return {"weight": weight} | ({"bias": (self.filters,)} if self.bias else {})


@dataclass(frozen=True)
class BatchNorm(_SameShape):
    """Ioffe and Szegedy 2015, per channel or feature: running = (1 - momentum) running + momentum batch.

    Weights: `weight`, `bias`, `running_mean`, `running_var`, each (channels,).
    """

    epsilon: float = 1e-5
    momentum: float = 0.1

    def weight_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Four of (channels,)."""
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (shape[0],))


@dataclass(frozen=True)
class ReLU(_SameShape):
    """max(x, 0)."""


@dataclass(frozen=True)
class ReLU6(_SameShape):
    """min(max(x, 0), 6); of MobileNet V2 (Sandler et al. 2018)."""


@dataclass(frozen=True)
class Sigmoid(_SameShape):
    """1 / (1 + exp(-x)); the gate of squeeze-and-excitation."""


@dataclass(frozen=True)
class HardSigmoid(_SameShape):
    """min(max(x + 3, 0), 6) / 6; the gate of MobileNet V3 (Howard et al. 2019)."""


@dataclass(frozen=True)
class HardSwish(_SameShape):
    """x * HardSigmoid(x); of MobileNet V3 (Howard et al. 2019)."""


@dataclass(frozen=True)
class SiLU(_SameShape):
    """x * Sigmoid(x), also called swish; of EfficientNet (Tan and Le 2019)."""


@dataclass(frozen=True)
class MaxPool(_Pooling):
    """Largest value of each window; padding counts as minus infinity."""

    size: int
    stride: int
    padding: int | Sides = 0


@dataclass(frozen=True)
class AveragePool(_Pooling):
    """Mean of each window. Padding counts as zeros or, unless `count_include_pad`, not at all, as TensorFlow's SAME."""

    size: int
    stride: int
    padding: int | Sides = 0
    count_include_pad: bool = True


@dataclass(frozen=True)
class GlobalPool(_Weightless):
    """(C, H, W) to (C,): the average or the maximum over the plane."""

    kind: Literal["average", "max"] = "average"

    def output_shape(self, shape: Shape) -> Shape:
        """(C,)."""
        self._require_planes(shape)
        return (shape[0],)


@dataclass(frozen=True)
class Flatten(_Weightless):
    """(C, H, W) to (C * H * W,), in that order."""

    def output_shape(self, shape: Shape) -> Shape:
        """(C * H * W,)."""
        return (prod(shape),)


@dataclass(frozen=True)
class Dropout(_SameShape):
    """In training, zero a share `rate` of the values and scale the rest by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True)
class Branch(_Weightless):
    """merge(body(x), shortcut(x)). An empty shortcut is the identity.

    "add" gives a residual block (He et al. 2015); "multiply" with a pooled body of shape (C,) gives
    squeeze-and-excitation (Hu et al. 2018): (C,) is spread over the plane. "concat" puts features behind each other.
    """

    merge: Merge
    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that both sides share, the shortcut's where the body is a gate, or all features of both sides."""
        body, shortcut = stack_shape(self.body, shape), stack_shape(self.shortcut, shape)
        self._require(bool(self.body), shape, "the body is empty")
        if self.merge == "concat":
            self._require(len(body) == len(shortcut) == 1, shape, "concat needs vectors")
            return (body[0] + shortcut[0],)
        gate = self.merge == "multiply" and len(body) == 1 and len(shortcut) == 3 and body[0] == shortcut[0]
        self._require(gate or body == shortcut, shape, f"the body makes {body} and the shortcut {shortcut}")
        return shortcut

    def is_gated(self, shape: Shape) -> bool:
        """Whether the body makes (C,), which a reader must spread over the shortcut's plane."""
        return len(stack_shape(self.body, shape)) < len(stack_shape(self.shortcut, shape))


Layer = (
    Dense | Conv | BatchNorm | ReLU | ReLU6 | Sigmoid | HardSigmoid | HardSwish | SiLU
    | MaxPool | AveragePool | GlobalPool | Flatten | Dropout | Branch
)  # fmt: skip


def stack_shape(layers: tuple[Layer, ...], shape: Shape) -> Shape:
    """Shape of the output of several layers in a row."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def weight_shapes(layers: tuple[Layer, ...], shape: Shape, prefix: str = "") -> Iterator[tuple[str, Layer, Shape]]:
    """(name, its layer, shape) of every weight, in order: `0.weight`, `3.body.0.bias` ..., as PyTorch names them."""
    for number, layer in enumerate(layers):
        name = f"{prefix}{number}."
        for part, size in layer.weight_shapes(shape).items():
            yield name + part, layer, size
        if isinstance(layer, Branch):
            yield from weight_shapes(layer.body, shape, f"{name}body.")
            yield from weight_shapes(layer.shortcut, shape, f"{name}shortcut.")
        shape = layer.output_shape(shape)
