"""Batch normalisation folded into the Dense or Conv directly before it: the same function, fewer steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer
from imagewise.networks.network import Network, Weights


def fold_batch_norm(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """The same function at inference, without each BatchNorm that directly follows a Dense or Conv.

    All other layers stay as they are, and the weights are renumbered. Computed in float64; the inputs do not change.
    """
    layers, folded = _fold(network.layers, weights, "", "")
    return replace(network, layers=layers), dict(folded)


def _fold(
    layers: tuple[Layer, ...], weights: Weights, old: str, new: str
) -> tuple[tuple[Layer, ...], list[tuple[str, np.ndarray]]]:
    """Layers and renumbered weights of one stack; `old` and `new` are the prefixes of the names before and after."""
    kept: list[Layer] = []
    named: list[tuple[str, np.ndarray]] = []
    number = 0
    while number < len(layers):
        layer, source, target = layers[number], f"{old}{number}.", f"{new}{len(kept)}."
        following = layers[number + 1] if number + 1 < len(layers) else None
        if isinstance(layer, L.Dense | L.Conv) and isinstance(following, L.BatchNorm):
            named += _folded(layer, following, weights, source, f"{old}{number + 1}.", target)
            kept.append(replace(layer, bias=True))
            number += 2
            continue
        if isinstance(layer, L.Branch):
            body, body_weights = _fold(layer.body, weights, f"{source}body.", f"{target}body.")
            shortcut, shortcut_weights = _fold(layer.shortcut, weights, f"{source}shortcut.", f"{target}shortcut.")
            named += body_weights + shortcut_weights
            kept.append(replace(layer, body=body, shortcut=shortcut))
        else:
            named += [(target + k.removeprefix(source), v) for k, v in weights.items() if k.startswith(source)]
            kept.append(layer)
        number += 1
    return tuple(kept), named


def _folded(
    layer: L.Dense | L.Conv, norm: L.BatchNorm, weights: Weights, source: str, norm_source: str, target: str
) -> Iterator[tuple[str, np.ndarray]]:
    """The weights of `layer` with `norm` in them, named from `target`."""
    scale, shift, mean, variance = (
        weights[norm_source + part].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / np.sqrt(variance + norm.epsilon)
    kernel = weights[source + "weight"].astype(np.float64)
    bias = weights[source + "bias"].astype(np.float64) if layer.bias else np.zeros(len(kernel))
    kernel = kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))
    yield target + "weight", kernel.astype(np.float32)
    yield target + "bias", ((bias - mean) * factor + shift).astype(np.float32)
