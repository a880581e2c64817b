"""A network as data: the input, its normalisation, and a list of layers; to plain values for JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import NetworkError
from imagewise.networks.layers import Layer, Shape, stack_shape, weight_shapes

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Network:
    """A function from pictures to logits.

    Attributes:
        input_shape: (H, W, C) of the uint8 pictures.
        mean, std: C numbers each, in units of pixels scaled to 0..1; the input of the first layer is
            (pixels / 255 - mean) / std, as (C, H, W) float32.
        layers: applied in order; the last makes (classes,) logits.

    Raises:
        NetworkError: the layers fit neither each other nor the input, or a number is not possible.
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
        """Number of logits."""
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
        """Raise NetworkError unless `weights` has exactly this network's names and shapes, float32."""
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


def layer_as_dict(layer: Layer) -> dict[str, Any]:
    """Plain values for JSON: the class's name under `layer`, then its fields."""
    values: dict[str, Any] = {"layer": type(layer).__name__}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, tuple):  # of layers, or of the sides of a padding
            value = [part if isinstance(part, int) else layer_as_dict(part) for part in value]
        values[field.name] = value
    return values


def layer_from_dict(values: dict[str, Any]) -> Layer:
    """The inverse of `layer_as_dict`. Raises NetworkError on an unknown layer or field."""
    kinds = {kind.__name__: kind for kind in get_args(Layer)}
    if not isinstance(values, dict) or str(values.get("layer")) not in kinds:
        raise NetworkError(f"unknown layer {values!r}; this version knows {', '.join(kinds)}.")
    arguments = {key: _from_plain(value) for key, value in values.items() if key != "layer"}
    try:
        layer: Layer = kinds[values["layer"]](**arguments)
    except TypeError as error:
        raise NetworkError(f"layer {values['layer']}: {error}.") from error
    return layer


def _from_plain(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(layer_from_dict(part) if isinstance(part, dict) else part for part in value)
