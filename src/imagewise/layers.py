"""The layers that a network is a list of: plain data, with the shape each makes and the weights each holds.

Nothing is implied: padding is explicit and symmetric, every epsilon and momentum is a field with PyTorch's meaning.
Shapes are (C, H, W) before Flatten or GlobalPool and (features,) after. A new kind of layer is a class here and a
case in each reader (engines/*, onnx_graph.py); the contract suite then holds the readers to each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import prod
from typing import Any, Literal, get_args

from imagewise.errors import NetworkError

Shape = tuple[int, ...]


class _Checked:
    """Refuses field values that no layer can have, at construction."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if not _allowed(field.name, value):
                raise NetworkError(f"{type(self).__name__}: {field.name} = {value!r} is not possible.")


def _allowed(name: str, value: object) -> bool:
    match name:
        case "units" | "filters" | "kernel" | "size" | "stride" | "groups":
            return type(value) is int and value >= 1
        case "padding":
            return type(value) is int and value >= 0
        case "bias":
            return type(value) is bool
        case "epsilon":
            return isinstance(value, float) and value > 0
        case "momentum":
            return isinstance(value, float) and 0 < value <= 1
        case "rate":
            return isinstance(value, int | float) and 0 <= value < 1
        case "kind":
            return value in ("average", "max")
        case "merge":
            return value in ("add", "multiply")
        case _:  # body, shortcut
            return isinstance(value, tuple) and all(isinstance(layer, _Checked) for layer in value)


@dataclass(frozen=True)
class Dense(_Checked):
    """y = W x + b. Weights: `weight` (units, features), `bias` (units,)."""

    units: int
    bias: bool = True


@dataclass(frozen=True)
class Conv(_Checked):
    """2-D cross-correlation with a square kernel. Weights: `weight` (filters, C / groups, k, k), `bias` (filters,)."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    bias: bool = True


@dataclass(frozen=True)
class BatchNorm(_Checked):
    """Ioffe and Szegedy 2015, per channel or feature: running = (1 - momentum) running + momentum batch.

    Weights: `weight`, `bias`, `running_mean`, `running_var`, each (channels,).
    """

    epsilon: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True)
class ReLU(_Checked):
    """max(x, 0)."""


@dataclass(frozen=True)
class Sigmoid(_Checked):
    """1 / (1 + exp(-x)); the gate of squeeze-and-excitation."""


@dataclass(frozen=True)
class MaxPool(_Checked):
    """Largest value of each window; padding counts as minus infinity."""

    size: int
    stride: int
    padding: int = 0


@dataclass(frozen=True)
class GlobalPool(_Checked):
    """(C, H, W) to (C,): the average or the maximum over the plane."""

    kind: Literal["average", "max"] = "average"


@dataclass(frozen=True)
class Flatten(_Checked):
    """(C, H, W) to (C * H * W,), in that order."""


@dataclass(frozen=True)
class Dropout(_Checked):
    """In training, zero a share `rate` of the values and scale the rest by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True)
class Branch(_Checked):
    """merge(body(x), shortcut(x)). An empty shortcut is the identity.

    "add" gives a residual block (He et al. 2015); "multiply" with a pooled body of shape (C,) gives
    squeeze-and-excitation (Hu et al. 2018): (C,) is spread over the plane of the other side.
    """

    merge: Literal["add", "multiply"]
    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


Layer = Dense | Conv | BatchNorm | ReLU | Sigmoid | MaxPool | GlobalPool | Flatten | Dropout | Branch


def output_shape(layer: Layer, shape: Shape) -> Shape:
    """The shape of what `layer` makes of an input of `shape`. Raises NetworkError where it does not fit."""
    match layer:
        case Dense(units=units):
            _require(len(shape) == 1, layer, shape, "put Flatten or GlobalPool before it")
            return (units,)
        case Conv():
            _require(len(shape) == 3, layer, shape, "it needs (C, H, W)")
            _require(
                shape[0] % layer.groups == 0 and layer.filters % layer.groups == 0,
                layer,
                shape,
                "groups must divide the channels and the filters",
            )
            return (layer.filters, *_windows(layer, layer.kernel, shape))
        case MaxPool():
            _require(len(shape) == 3, layer, shape, "it needs (C, H, W)")
            _require(2 * layer.padding <= layer.size, layer, shape, "padding may be at most half the size")
            return (shape[0], *_windows(layer, layer.size, shape))
        case GlobalPool():
            _require(len(shape) == 3, layer, shape, "it needs (C, H, W)")
            return (shape[0],)
        case Flatten():
            return (prod(shape),)
        case Branch():
            return _merged_shape(layer, shape)
        case _:
            return shape


def _windows(layer: Conv | MaxPool, size: int, shape: Shape) -> tuple[int, int]:
    height, width = ((side + 2 * layer.padding - size) // layer.stride + 1 for side in shape[1:])
    _require(height >= 1 and width >= 1, layer, shape, "the window is larger than the picture")
    return height, width


def _merged_shape(layer: Branch, shape: Shape) -> Shape:
    _require(bool(layer.body), layer, shape, "the body is empty")
    body, shortcut = stack_shape(layer.body, shape), stack_shape(layer.shortcut, shape)
    if body == shortcut:
        return body
    gate = layer.merge == "multiply" and len(body) == 1 and len(shortcut) == 3 and body[0] == shortcut[0]
    _require(gate, layer, shape, f"the body makes {body} and the shortcut {shortcut}")
    return shortcut


def stack_shape(layers: tuple[Layer, ...], shape: Shape) -> Shape:
    """`output_shape` through several layers."""
    for layer in layers:
        shape = output_shape(layer, shape)
    return shape


def _require(condition: bool, layer: Layer, shape: Shape, hint: str) -> None:
    if not condition:
        raise NetworkError(f"{layer} does not fit an input of shape {shape}: {hint}.")


def weight_shapes(layers: tuple[Layer, ...], shape: Shape, prefix: str = "") -> Iterator[tuple[str, Layer, Shape]]:
    """(name, its layer, shape) of every weight, in order: `0.weight`, `3.body.0.bias` ..., as PyTorch names them."""
    for number, layer in enumerate(layers):
        name = f"{prefix}{number}."
        match layer:
            case Dense():
                yield name + "weight", layer, (layer.units, shape[0])
                if layer.bias:
                    yield name + "bias", layer, (layer.units,)
            case Conv():
                kernel = (layer.kernel, layer.kernel)
                yield name + "weight", layer, (layer.filters, shape[0] // layer.groups, *kernel)
                if layer.bias:
                    yield name + "bias", layer, (layer.filters,)
            case BatchNorm():
                for part in ("weight", "bias", "running_mean", "running_var"):
                    yield name + part, layer, (shape[0],)
            case Branch():
                yield from weight_shapes(layer.body, shape, f"{name}body.")
                yield from weight_shapes(layer.shortcut, shape, f"{name}shortcut.")
            case _:
                pass
        shape = output_shape(layer, shape)


def layer_as_dict(layer: Layer) -> dict[str, Any]:
    """Plain values for JSON: the class's name under `layer`, then its fields."""
    values: dict[str, Any] = {"layer": type(layer).__name__}
    for field in fields(layer):
        value = getattr(layer, field.name)
        values[field.name] = [layer_as_dict(part) for part in value] if isinstance(value, tuple) else value
    return values


def layer_from_dict(values: dict[str, Any]) -> Layer:
    """The inverse of `layer_as_dict`. Raises NetworkError on an unknown layer or field."""
    kinds = {kind.__name__: kind for kind in get_args(Layer)}
    if not isinstance(values, dict) or values.get("layer") not in kinds:
        raise NetworkError(f"unknown layer {values!r}; this version knows {', '.join(kinds)}.")
    kind = kinds[values["layer"]]
    arguments = {key: value for key, value in values.items() if key != "layer"}
    for key in ("body", "shortcut"):
        if kind is Branch and key in arguments:
            arguments[key] = tuple(layer_from_dict(part) for part in arguments[key])
    try:
        layer: Layer = kind(**arguments)
    except TypeError as error:
        raise NetworkError(f"layer {values['layer']}: {error}.") from error
    return layer
