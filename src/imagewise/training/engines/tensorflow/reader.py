"""The Keras reader of a network: layer list to keras.Model, canonical weights in and out."""

from __future__ import annotations

from math import inf
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.tensorflow.framework import keras
from imagewise.training.engines.tensorflow.keras_layers import Draw, GroupedConv, Norm, SeededDropout


class KerasNetwork:
    """A network as a Keras model.

    Attributes:
        model: pixels (N, H, W, C) float32 in 0..255 to logits (N, classes); normalisation is inside.
        draw: holds the seed that Dropout draws from; set it before each call with training=True.
    """

    def __init__(self, network: Network) -> None:
        self.draw = Draw()
        self._layers: dict[str, Any] = {}  # layers with weights, by the prefix of their canonical names
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
            shape = layer.output_shape(shape)
        return x

    def _weighted(self, name: str, layer: Any, x: Any) -> Any:
        self._layers[f"{name}."] = layer
        return layer(x)

    def _layer(self, layer: Layer, shape: Shape, x: Any, name: str) -> Any:
        match layer:
            case L.Dense():
                # zeros, because Keras would draw initial weights from Python's global generator
                dense = keras.layers.Dense(layer.units, use_bias=layer.bias, kernel_initializer="zeros", name=name)
                return self._weighted(name, dense, x)
            case L.Conv():
                return self._weighted(name, _conv(layer, name), _padded(x, layer.sides))
            case L.BatchNorm():
                return self._weighted(name, Norm(layer, name=name), x)
            case L.ReLU():
                return keras.ops.relu(x)
            case L.ReLU6():
                return keras.ops.relu6(x)
            case L.Sigmoid():
                return keras.ops.sigmoid(x)
            case L.HardSigmoid():
                return keras.ops.hard_sigmoid(x)
            case L.HardSwish():
                return keras.ops.hard_swish(x)
            case L.SiLU():
                return keras.ops.silu(x)
            case L.MaxPool():
                return keras.layers.MaxPooling2D(layer.size, layer.stride)(_padded(x, layer.sides, -inf))
            case L.AveragePool():
                return _average_pool(layer, shape, x)
            case L.GlobalPool():
                return keras.ops.max(x, (1, 2)) if layer.kind == "max" else keras.ops.mean(x, (1, 2))
            case L.Flatten():
                return _flatten(x, shape)
            case L.Dropout():
                return SeededDropout(layer.rate, self.draw, len(self._layers), name=name)(x)
            case L.Branch():
                return self._branch(layer, shape, x, name)
            case _:
                assert_never(layer)

    def _branch(self, layer: L.Branch, shape: Shape, x: Any, name: str) -> Any:
        body = self._stack(layer.body, shape, x, f"{name}.body.")
        shortcut = self._stack(layer.shortcut, shape, x, f"{name}.shortcut.")
        if layer.merge == "concat":
            return keras.ops.concatenate([body, shortcut], axis=1)
        if layer.is_gated(shape):
            body = body[:, None, None, :]
        return body * shortcut if layer.merge == "multiply" else body + shortcut


def _conv(layer: L.Conv, name: str) -> Any:
    """Without padding, which comes before it."""
    if layer.groups > 1:
        return GroupedConv(layer, name=name)
    return keras.layers.Conv2D(
        layer.filters, layer.kernel, layer.stride, use_bias=layer.bias, kernel_initializer="zeros", name=name
    )


def _padded(x: Any, sides: L.Sides, fill: float = 0.0) -> Any:
    if not any(sides):
        return x
    top, left, bottom, right = sides
    if fill == 0:
        return keras.layers.ZeroPadding2D(((top, bottom), (left, right)))(x)
    return keras.ops.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)


def _average_pool(layer: L.AveragePool, shape: Shape, x: Any) -> Any:
    means = keras.layers.AveragePooling2D(layer.size, layer.stride)(_padded(x, layer.sides))
    if layer.count_include_pad or not any(layer.sides):
        return means
    _, height, width = layer.output_shape(shape)
    top, left, _, _ = layer.sides
    rows = _inside(shape[1], top, height, layer)
    columns = _inside(shape[2], left, width, layer)
    return keras.layers.Rescaling((layer.size**2 / np.outer(rows, columns))[..., None])(means)


def _inside(side: int, before: int, count: int, layer: L.AveragePool) -> NDArray[np.int64]:
    """The number of rows (or columns) of each window that are not padding, (count,)."""
    starts = np.arange(count) * layer.stride - before
    return np.minimum(starts + layer.size, side) - np.maximum(starts, 0)


def _flatten(x: Any, shape: Shape) -> Any:
    """(N, H, W, C) to (N, C * H * W), in the canonical order."""
    if len(shape) == 1:
        return x
    channels, height, width = shape
    if channels > 1 and height * width > 1:  # else both orders are the same
        x = keras.ops.transpose(x, (0, 3, 1, 2))
    return keras.ops.reshape(x, (-1, channels * height * width))


def _parts(layer: Any) -> dict[str, Any]:
    """The Keras layer's variables by their canonical names; a missing bias is None."""
    if isinstance(layer, Norm):
        return {weight.name: weight for weight in layer.weights}
    return {"weight": layer.kernel, "bias": layer.bias}


def _to_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """Conv from OIHW to HWIO, Dense transposed."""
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _from_keras(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return (value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T).copy(order="C")
