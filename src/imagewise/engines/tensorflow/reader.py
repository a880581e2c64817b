"""The Keras reader of a network: layer list to keras.Model, canonical weights in and out."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.engines.tensorflow.framework import keras
from imagewise.engines.tensorflow.keras_layers import Draw, GroupedConv, Norm, SeededDropout
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
    stack_shape,
)
from imagewise.network import Network, Weights


class KerasNetwork:
    """A network as a Keras model.

    Attributes:
        model: pixels (N, H, W, C) float32 in 0..255 to logits (N, classes); normalisation is inside.
        draw: takes the seed that Dropout draws from, before each call with training=True.
    """

    def __init__(self, network: Network) -> None:
        self.draw = Draw()
        self._layers: dict[str, Any] = {}  # those with weights, by the prefix of their canonical names
        pixels = keras.Input(network.input_shape, dtype="float32", name="pixels")
        scale, shift = network.scale_and_shift
        x = keras.layers.Rescaling(scale, shift)(pixels)
        self.model = keras.Model(pixels, self._stack(network.layers, network.planes, x, ""))
        held = {prefix + part: v for prefix, layer in self._layers.items() for part, v in _parts(layer).items()}
        self._variables = {name: held[name] for name in network.weight_shapes()}

    @property
    def parameters(self) -> dict[str, Any]:
        """The tf.Variables that training changes, by canonical name, in Keras's layout."""
        return {name: variable.value for name, variable in self._variables.items() if variable.trainable}

    def load(self, weights: Weights) -> None:
        """Put canonical weights into the model, in place."""
        for name, variable in self._variables.items():
            variable.assign(_to_keras(weights[name]))

    def read(self) -> Weights:
        """The model's canonical weights, copied."""
        return {name: _from_keras(variable.numpy()) for name, variable in self._variables.items()}

    def _stack(self, layers: tuple[Layer, ...], shape: Shape, x: Any, prefix: str) -> Any:
        for number, layer in enumerate(layers):
            x = self._layer(layer, shape, x, f"{prefix}{number}")
            shape = output_shape(layer, shape)
        return x

    def _weighted(self, name: str, layer: Any, x: Any) -> Any:
        self._layers[f"{name}."] = layer
        return layer(x)

    def _layer(self, layer: Layer, shape: Shape, x: Any, name: str) -> Any:
        match layer:
            case Dense():
                # zeros, because Keras's own first values would be drawn from Python's global generator
                dense = keras.layers.Dense(layer.units, use_bias=layer.bias, kernel_initializer="zeros", name=name)
                return self._weighted(name, dense, x)
            case Conv():
                x = keras.layers.ZeroPadding2D(layer.padding)(x) if layer.padding else x
                return self._weighted(name, _conv(layer, name), x)
            case BatchNorm():
                return self._weighted(name, Norm(layer, name=name), x)
            case ReLU():
                return keras.ops.relu(x)
            case Sigmoid():
                return keras.ops.sigmoid(x)
            case MaxPool():
                if layer.padding:
                    sides = (layer.padding, layer.padding)
                    x = keras.ops.pad(x, ((0, 0), sides, sides, (0, 0)), constant_values=-inf)
                return keras.layers.MaxPooling2D(layer.size, layer.stride)(x)
            case GlobalPool():
                return keras.ops.max(x, (1, 2)) if layer.kind == "max" else keras.ops.mean(x, (1, 2))
            case Flatten():
                return _flatten(x, shape)
            case Dropout():
                return SeededDropout(layer.rate, self.draw, len(self._layers), name=name)(x)
            case Branch():
                return self._branch(layer, shape, x, name)

    def _branch(self, layer: Branch, shape: Shape, x: Any, name: str) -> Any:
        body = self._stack(layer.body, shape, x, f"{name}.body.")
        shortcut = self._stack(layer.shortcut, shape, x, f"{name}.shortcut.")
        if len(output_shape(layer, shape)) == 3 and len(stack_shape(layer.body, shape)) == 1:
            body = body[:, None, None, :]
        return body * shortcut if layer.merge == "multiply" else body + shortcut


def _conv(layer: Conv, name: str) -> Any:
    if layer.groups > 1:
        return GroupedConv(layer, name=name)
    return keras.layers.Conv2D(
        layer.filters, layer.kernel, layer.stride, use_bias=layer.bias, kernel_initializer="zeros", name=name
    )


def _flatten(x: Any, shape: Shape) -> Any:
    if len(shape) == 1:
        return x
    channels, height, width = shape
    if channels > 1 and height * width > 1:  # else both orders are the same
        x = keras.ops.transpose(x, (0, 3, 1, 2))
    return keras.ops.reshape(x, (-1, channels * height * width))


def _parts(layer: Any) -> dict[str, Any]:
    if isinstance(layer, Norm):
        return {weight.name: weight for weight in layer.weights}
    return {"weight": layer.kernel, "bias": layer.bias}


def _to_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Conv from OIHW to HWIO, Dense transposed."""
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _from_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return (value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T).copy(order="C")
