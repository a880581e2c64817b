"""A plain Dense stack: its weights and gradients as views of two vectors, forward and backward.

Every weight is a view of `values`, matrices before biases, and `gradients` is laid out alike: an optimiser then makes
one pass over each instead of one for every weight, and decays a prefix. Pictures stay in the order in which a data set
has them, (H, W, C); the first matrix's columns are put into that order instead.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from imagewise.networks.layers import Dense, Flatten, Layer, ReLU
from imagewise.networks.network import Network, Weights

Array = NDArray[np.float32]


def is_dense_stack(layers: tuple[Layer, ...]) -> bool:
    """Whether the layers are Flatten, then alternating Dense and ReLU, ending with Dense; every Dense with a bias."""
    expected = (Dense, ReLU) * (len(layers) // 2)
    kinds = tuple(type(layer) for layer in layers)
    biased = all(layer.bias for layer in layers if isinstance(layer, Dense))
    return len(layers) % 2 == 0 and kinds == (Flatten, *expected[: len(layers) - 1]) and biased


class Stack:
    """Flatten, then alternating Dense and ReLU, ending with Dense; see `is_dense_stack`.

    Attributes:
        values: every weight, (n,) float32.
        gradients: of the last `backward`, (n,) float32.
        matrices: how many of the n are weights of matrices; the rest are biases.
    """

    def __init__(self, network: Network) -> None:
        self._input_shape = network.input_shape
        self._names = [str(number) for number, layer in enumerate(network.layers) if isinstance(layer, Dense)]
        shapes = network.weight_shapes()
        self._shapes = [cast(tuple[int, int], shapes[f"{name}.weight"]) for name in self._names]
        self.matrices = sum(map(prod, self._shapes))
        size = self.matrices + sum(units for units, _ in self._shapes)
        self.values, self.gradients = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self._weights, self._biases = self._views(self.values)
        self._weight_gradients, self._bias_gradients = self._views(self.gradients)
        self._inputs: list[Array] = []

    def _views(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """Each layer's matrix (units, features) and bias (units,), in `vector`."""
        matrices: list[Array] = []
        biases: list[Array] = []
        at, bias_at = 0, self.matrices
        for units, features in self._shapes:
            matrices.append(vector[at : at + units * features].reshape(units, features))
            biases.append(vector[bias_at : bias_at + units])
            at, bias_at = at + units * features, bias_at + units
        return matrices, biases

    def spread(self, value: Callable[[str], float]) -> Array:
        """A number for each weight's name as a vector laid out like `values`, (n,) float32."""
        vector = np.empty_like(self.values)
        for name, weight, bias in zip(self._names, *self._views(vector), strict=True):
            weight[...], bias[...] = value(f"{name}.weight"), value(f"{name}.bias")
        return vector

    def forward(self, x: Array) -> Array:
        """Logits (N, classes) of normalised pictures (N, H * W * C); what `backward` needs is kept."""
        self._inputs = [x]
        for weight, bias in zip(self._weights[:-1], self._biases[:-1], strict=True):
            x = x @ weight.T
            x += bias
            np.maximum(x, 0, out=x)
            self._inputs.append(x)
        return np.asarray(x @ self._weights[-1].T + self._biases[-1])

    def backward(self, upstream: Array) -> None:
        """Fill `gradients` by the chain rule, from d cost / d logits (N, classes)."""
        for number in reversed(range(len(self._weights))):
            below = self._inputs[number]
            np.matmul(upstream.T, below, out=self._weight_gradients[number])
            np.sum(upstream, axis=0, out=self._bias_gradients[number])
            if number:  # below is a ReLU's output: where it is 0 nothing flows back
                upstream = upstream @ self._weights[number]
                upstream *= below > 0

    def read(self) -> Weights:
        """Canonical weights, copied."""
        height, width, channels = self._input_shape
        weights: Weights = {}
        for number, name in enumerate(self._names):
            matrix = self._weights[number]
            if number == 0:
                planes = matrix.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
                matrix = planes.reshape(matrix.shape)
            weights[f"{name}.weight"] = matrix.copy()
            weights[f"{name}.bias"] = self._biases[number].copy()
        return weights

    def load(self, weights: Weights) -> None:
        """Take canonical weights."""
        height, width, channels = self._input_shape
        for number, name in enumerate(self._names):
            matrix = weights[f"{name}.weight"]
            if number == 0:
                matrix = matrix.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(matrix.shape)
            self._weights[number][...] = matrix
            self._biases[number][...] = weights[f"{name}.bias"]
