"""An architecture as data: the input, a short list of layers, and the builders that recipes name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import NetworkError
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
    layer_as_dict,
    layer_from_dict,
    stack_shape,
    weight_shapes,
)

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Network:
    """Pictures in, logits out.

    Attributes:
        input_shape: (H, W, C) of the uint8 pictures.
        mean, std: per channel, of pixels scaled to 0..1; the input of the first layer is
            (pixels / 255 - mean) / std, as (C, H, W) float32.
        layers: applied in order; the last makes (classes,) logits.

    Raises:
        NetworkError: the layers do not fit each other or the input.
    """

    input_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not all(type(side) is int and side >= 1 for side in self.input_shape):
            raise NetworkError(f"an input of {self.input_shape} is not possible; it is (height, width, channels).")
        channels = self.input_shape[2]
        numbers = all(isinstance(value, int | float) and isfinite(value) for value in (*self.mean, *self.std))
        if len(self.mean) != channels or len(self.std) != channels or not numbers or min(self.std) <= 0:
            raise NetworkError(f"mean and std need {channels} values each, std above 0, for {self.input_shape}.")
        if len(stack_shape(self.layers, self.planes)) != 1:
            raise NetworkError("the last layer must make logits of shape (classes,); end with Dense.")

    @property
    def planes(self) -> Shape:
        """(C, H, W): the shape that the first layer sees."""
        height, width, channels = self.input_shape
        return (channels, height, width)

    @property
    def classes(self) -> int:
        """How many logits come out."""
        return stack_shape(self.layers, self.planes)[0]

    @property
    def scale_and_shift(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Normalisation as `pixels * scale + shift`: two (C,) float32 arrays, the same for every reader."""
        mean, std = np.array(self.mean), np.array(self.std)
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def weight_shapes(self) -> dict[str, Shape]:
        """Name and shape of every canonical weight."""
        return {name: shape for name, _, shape in weight_shapes(self.layers, self.planes)}

    def check_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Raise NetworkError unless `weights` are exactly this network's, float32."""
        found = {name: (value.shape, str(value.dtype)) for name, value in weights.items()}
        wanted = {name: (shape, "float32") for name, shape in self.weight_shapes().items()}
        if found != wanted:
            wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
            raise NetworkError(f"these weights are not of this network; they differ in {', '.join(wrong)}.")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "input_shape": list(self.input_shape),
            "mean": list(self.mean),
            "std": list(self.std),
            "layers": [layer_as_dict(layer) for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Network:
        """The inverse of `as_dict`. Raises NetworkError."""
        try:
            height, width, channels = values["input_shape"]
            return cls(
                (height, width, channels),
                tuple(values["mean"]),
                tuple(values["std"]),
                tuple(layer_from_dict(layer) for layer in values["layers"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NetworkError(f"this is not a network of ours: {error!r}.") from error


def perceptron(
    classes: int, *, hidden: tuple[int, ...] = (256, 256), batch_norm: bool = False, dropout: float = 0.0
) -> tuple[Layer, ...]:
    """A multi-layer perceptron: Dense and ReLU for each of `hidden`, then Dense. The article's is (256, 256).

    With `batch_norm` a BatchNorm stands before each ReLU; in the model file it is folded away, so that the network
    that recognises is the same.
    """
    layers: list[Layer] = [Flatten()]
    for units in hidden:
        layers += [Dense(units, bias=False), BatchNorm(), ReLU()] if batch_norm else [Dense(units), ReLU()]
        if dropout:
            layers.append(Dropout(dropout))
    return (*layers, Dense(classes))


def convnet(
    classes: int,
    *,
    filters: tuple[int, ...] = (16, 32),
    repeats: int = 2,
    stem_kernel: int = 3,
    downsample: str = "pool",
    dense: int = 128,
    dropout: float = 0.0,
) -> tuple[Layer, ...]:
    """A plain convolutional network: for each of `filters` a stage that halves the picture, then a hidden Dense layer
    (none where `dense` is 0) and the logits.

    A stage is `repeats` times Conv-BatchNorm-ReLU, the network's first `stem_kernel` (odd) wide, 3x3 after
    that. `downsample` says what halves: `pool`, a 2x2 MaxPool at the stage's end, or `stride`, its first convolution,
    which takes a quarter of the arithmetic and a little of the accuracy.
    """
    if downsample not in ("pool", "stride"):
        raise NetworkError(f"downsample is pool or stride, not {downsample!r}")
    layers: list[Layer] = []
    for stage, width in enumerate(filters):
        for number in range(repeats):
            side = stem_kernel if stage == number == 0 else 3
            stride = 2 if downsample == "stride" and not number else 1
            layers += [*_normed(Conv(width, kernel=side, stride=stride, padding=side // 2, bias=False)), ReLU()]
        if downsample == "pool":
            layers.append(MaxPool(2, stride=2))
    layers.append(Flatten())
    if dense != 0:
        layers += [Dense(dense, bias=False), BatchNorm(), ReLU()]
    if dropout:
        layers.append(Dropout(dropout))
    return (*layers, Dense(classes))


def resnet(
    classes: int,
    *,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    blocks: int = 1,
    stem_stride: int = 2,
    squeeze: int = 0,
    dropout: float = 0.0,
) -> tuple[Layer, ...]:
    """A residual network for photographs (He et al. 2015): a 3x3 stem, then for each of `widths` a stage of `blocks`
    blocks, each stage but the first halving the picture; global average, Dropout, the logits.

    With `squeeze` each block ends with squeeze-and-excitation (Hu et al. 2018), a `squeeze`-th as wide in its middle.
    """
    layers: list[Layer] = [*_normed(Conv(widths[0], kernel=3, stride=stem_stride, padding=1, bias=False)), ReLU()]
    before = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers += [_residual(before, width, stride, squeeze), ReLU()]
            before = width
    layers.append(GlobalPool())
    if dropout:
        layers.append(Dropout(dropout))
    return (*layers, Dense(classes))


def _residual(before: int, width: int, stride: int, squeeze: int) -> Branch:
    body = (
        *_normed(Conv(width, kernel=3, stride=stride, padding=1, bias=False)),
        ReLU(),
        *_normed(Conv(width, kernel=3, padding=1, bias=False)),
    )
    if squeeze:
        gate = (GlobalPool(), Dense(max(1, width // squeeze)), ReLU(), Dense(width), Sigmoid())
        body = (*body, Branch("multiply", gate))
    same = stride == 1 and before == width
    return Branch("add", body, () if same else _normed(Conv(width, kernel=1, stride=stride, bias=False)))


def _normed(layer: Conv) -> tuple[Layer, ...]:
    return (layer, BatchNorm())


def builders() -> dict[str, Callable[..., tuple[Layer, ...]]]:
    """The architectures that a recipe can name."""
    return {"perceptron": perceptron, "convnet": convnet, "resnet": resnet}


def build_layers(name: str, params: Mapping[str, Any], classes: int) -> tuple[Layer, ...]:
    """The layers of the architecture `name`. Raises NetworkError on an unknown name or parameter."""
    known = builders()
    if name not in known:
        raise NetworkError(f"unknown network {name!r}; the networks are {', '.join(known)}.")
    signature = inspect.signature(known[name])
    unknown = set(params) - {key for key, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    if unknown:
        options = [key for key, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY]
        raise NetworkError(
            f"network {name!r} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(options)}."
        )
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in params.items()}
    try:
        return known[name](classes, **values)
    except (TypeError, ValueError, NetworkError) as error:
        raise NetworkError(f"network {name!r}: network.params {dict(params)} are not usable: {error}") from error
