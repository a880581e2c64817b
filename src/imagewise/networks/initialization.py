"""Initial weights, drawn with NumPy, so that every engine starts from the same ones."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np

from imagewise.networks import layers as L
from imagewise.networks.network import Network, Weights


def initial_weights(network: Network, scheme: str, seed: int) -> Weights:
    """Canonical weights, float32, the same for the same network, scheme and seed.

    Args:
        network: the network that the weights are for.
        scheme: `he` (He et al. 2015, normal, fan-in; zero biases), `glorot` (Glorot and Bengio 2010, uniform; zero
            biases) or `normal` (weights and biases from N(0, 1), as in the article).
        seed: 0 or more.
    """
    generator = np.random.default_rng(seed)
    weights: Weights = {}
    for name, layer, shape in L.weight_shapes(network.layers, network.planes):
        part = name.rpartition(".")[2]
        if isinstance(layer, L.BatchNorm):
            value = np.full(shape, 1.0 if part in ("weight", "running_var") else 0.0)
        elif scheme == "normal":
            value = generator.standard_normal(shape)
        elif part == "bias":
            value = np.zeros(shape)
        else:
            receptive = prod(shape[2:])
            fan_in, fan_out = shape[1] * receptive, shape[0] * receptive
            if scheme == "he":
                value = generator.standard_normal(shape) * sqrt(2 / fan_in)
            else:
                value = generator.uniform(-1, 1, shape) * sqrt(6 / (fan_in + fan_out))
        weights[name] = value.astype(np.float32)
    return weights
