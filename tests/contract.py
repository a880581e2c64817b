"""The contract of everything that reads a network: the same layers and weights give the same logits.

`reference_logits` defines each layer in plain float64 NumPy, from the layer's fields alone. A new engine adds its
reader (one function, `(network, weights, images) -> logits`) to a list of readers and must agree on the same networks
(network_cases.py). A new kind of layer adds its definition to `_layer`, and itself to `ACTIVATIONS` or `plane_layers`;
a test fails until it does. This module imports no framework, so that a reader that cannot share a process with PyTorch
can use it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from pathlib import Path
from typing import Any, assert_never

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from imagewise.framing.framing import Framing, FramingKind
from imagewise.model.card import ModelCard
from imagewise.model.onnx_writer import build_graph, with_metadata
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape
from imagewise.networks.network import Network, Weights

Reader = Callable[[Network, Weights, NDArray[np.uint8]], NDArray[np.float32]]
Values = NDArray[np.float64]

TOLERANCE = 1e-4


def assert_same_logits(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Fail unless all differ by at most the design's tolerance and the best classes agree, except near ties."""
    assert found.shape == wanted.shape
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    assert float(np.abs(found - wanted).max()) <= allowed
    best_two = np.sort(wanted, axis=1)[:, -2:]
    clear = best_two[:, -1] - best_two[:, 0] > 2 * allowed
    assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


def reference_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> Values:
    """Logits by definition, float64 (n, classes); written for reading and not for speed."""
    return reference_values(network.layers, weights, normalized(network, images))


def normalized(network: Network, images: NDArray[np.uint8]) -> Values:
    """The input of the first layer, float64 (n, C, H, W)."""
    values = (images / 255 - np.array(network.mean)) / np.array(network.std)
    return np.asarray(values.transpose(0, 3, 1, 2))


def reference_values(layers: tuple[Layer, ...], weights: Weights, x: Values, prefix: str = "") -> Values:
    """Output of several layers, whose weights are named from `prefix`, for the input `x`."""
    for number, layer in enumerate(layers):
        x = _layer(layer, weights, f"{prefix}{number}.", x)
    return x


def _layer(layer: Layer, weights: Weights, name: str, x: Values) -> Values:
    def weight(part: str) -> Values:
        return weights[name + part].astype(np.float64)

    match layer:
        case L.Dense():
            return x @ weight("weight").T + (weight("bias") if layer.bias else 0)
        case L.Conv():
            windows = _windows(x, layer.kernel, layer.stride, layer.padding, 0.0)
            parts = zip(np.split(windows, layer.groups, 1), np.split(weight("weight"), layer.groups), strict=True)
            made = np.concatenate([np.einsum("nchwij,fcij->nfhw", part, kernel) for part, kernel in parts], 1)
            return made + (weight("bias")[:, None, None] if layer.bias else 0)
        case L.BatchNorm():
            scale, shift, mean, variance = (
                weight(part).reshape(-1, *[1] * (x.ndim - 2))
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            return np.asarray((x - mean) / np.sqrt(variance + layer.epsilon) * scale + shift)
        case L.ReLU():
            return np.maximum(x, 0)
        case L.ReLU6():
            return np.clip(x, 0, 6)
        case L.Sigmoid():
            return _sigmoid(x)
        case L.HardSigmoid():
            return np.clip(x + 3, 0, 6) / 6
        case L.HardSwish():
            return np.asarray(x * np.clip(x + 3, 0, 6) / 6)
        case L.SiLU():
            return x * _sigmoid(x)
        case L.MaxPool():
            return np.asarray(_windows(x, layer.size, layer.stride, layer.padding, -np.inf).max((4, 5)))
        case L.AveragePool():
            fill = 0.0 if layer.count_include_pad else np.nan
            return np.asarray(np.nanmean(_windows(x, layer.size, layer.stride, layer.padding, fill), (4, 5)))
        case L.GlobalPool():
            return np.asarray(x.max((2, 3)) if layer.kind == "max" else x.mean((2, 3)))
        case L.Flatten():
            return x.reshape(len(x), -1)
        case L.Dropout():
            return x
        case L.Branch():
            body = reference_values(layer.body, weights, x, f"{name}body.")
            shortcut = reference_values(layer.shortcut, weights, x, f"{name}shortcut.")
            if layer.merge == "concat":
                return np.concatenate([body, shortcut], axis=1)
            body = body[:, :, None, None] if body.ndim < shortcut.ndim else body
            return body * shortcut if layer.merge == "multiply" else body + shortcut
        case _:
            assert_never(layer)


def _sigmoid(x: Values) -> Values:
    return np.asarray(np.exp(-np.logaddexp(0, -x)))  # 1 / (1 + exp(-x)) without overflow


def _windows(x: Values, size: int, stride: int, padding: int | L.Sides, fill: float) -> Values:
    """Every window, (n, C, H', W', size, size)."""
    top, left, bottom, right = (padding,) * 4 if isinstance(padding, int) else padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    return np.asarray(sliding_window_view(padded, (size, size), (2, 3))[:, :, ::stride, ::stride])


def random_weights(network: Network, seed: int = 0) -> Weights:
    """Weights without a default among them: running statistics, scales and biases are random too."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, layer, shape in L.weight_shapes(network.layers, network.planes):
        part = name.rpartition(".")[2]
        value = rng.standard_normal(shape)
        if part == "running_var":
            value = rng.uniform(0.5, 2, shape)
        elif isinstance(layer, L.BatchNorm):
            value = value * 0.5 + (part == "weight")
        elif part == "weight":
            value *= sqrt(2 / prod(shape[1:]))
        weights[name] = value.astype(np.float32)
    return weights


def random_images(network: Network, count: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *network.input_shape), dtype=np.uint8)


def a_network(*layers: Layer, shape: tuple[int, int, int] = (9, 6, 3)) -> Network:
    """A network whose normalisation differs by channel."""
    return Network(shape, (0.5, 0.4, 0.3)[: shape[2]], (0.2, 0.3, 0.25)[: shape[2]], layers)


ACTIVATIONS: tuple[Layer, ...] = (L.ReLU(), L.ReLU6(), L.Sigmoid(), L.HardSigmoid(), L.HardSwish(), L.SiLU())


@st.composite
def plane_layers(draw: st.DrawFn, shape: Shape) -> Layer:
    """A layer from (C, H, W), which is `shape`, to (C', H', W'); not a Branch."""
    channels, height, width = shape
    stride = draw(st.integers(1, 3))
    size = draw(st.integers(1, min(4, height, width)))
    match draw(st.sampled_from(["conv", "conv", "norm", "activation", "activation", "max", "average", "dropout"])):
        case "conv":
            padding = draw(_paddings(2))
            top, left, bottom, right = (padding,) * 4 if isinstance(padding, int) else padding
            kernel = draw(st.integers(1, min(5, height + top + bottom, width + left + right)))
            groups = draw(st.sampled_from([g for g in (1, 2, 3, channels) if channels % g == 0]))
            return L.Conv(groups * draw(st.integers(1, 3)), kernel, stride, padding, groups, draw(st.booleans()))
        case "norm":
            return L.BatchNorm(draw(st.sampled_from([1e-5, 1e-3, 0.1])))
        case "max":
            return L.MaxPool(size, stride, draw(_paddings(size // 2)))
        case "average":
            return L.AveragePool(size, stride, draw(_paddings(size // 2)), draw(st.booleans()))
        case "dropout":
            return L.Dropout(0.5)
        case _:
            return draw(st.sampled_from(ACTIVATIONS))


def _paddings(most: int) -> st.SearchStrategy[int | L.Sides]:
    side = st.integers(0, most)
    return side | st.tuples(side, side, side, side)


def write_model(path: Path, network: Network, weights: Weights, kind: FramingKind = "photo", **changes: Any) -> Path:
    """A model file without training. `changes` replace fields of its card."""
    values: dict[str, Any] = {
        "class_names": tuple(f"class {number}" for number in range(network.classes)),
        "framing": Framing(kind, *network.input_shape),
        "network": network.as_dict(),
        "recipe": {"name": "none"},
        "data": {"name": "none", "fingerprint": "0", "split_rule": "none", "sketch": []},
        "metrics": {},
        "versions": {"imagewise": "0"},
        "created": "2026-01-01T00:00:00+00:00",
    }
    values |= changes
    card = ModelCard.of(values | {"framing": values["framing"].as_dict()})
    path.write_bytes(with_metadata(build_graph(network, weights), card.to_metadata()))
    return path
