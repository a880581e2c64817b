"""The contract of everything that reads a network: the same layers and weights give the same logits.

`reference_logits` says in plain float64 NumPy what each layer means. A new engine adds its reader (one function,
`(network, weights, images) -> logits`) to a list of readers and is held to the same networks. This module imports
no framework, so that a reader that shares no process with PyTorch can be held to it too.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

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
    stack_shape,
    weight_shapes,
)
from imagewise.model import Card
from imagewise.network import Network, Weights
from imagewise.onnx_graph import build_graph, with_metadata
from imagewise.picture import Framing, FramingKind

Reader = Callable[[Network, Weights, NDArray[np.uint8]], NDArray[np.float32]]
Values = NDArray[np.float64]

TOLERANCE = 1e-4
MERGES: tuple[Literal["add", "multiply"], ...] = ("add", "multiply")
KINDS: tuple[Literal["average", "max"], ...] = ("average", "max")


def assert_same_logits(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    """The design's tolerance, and the same best class except where two are nearly tied."""
    assert found.shape == wanted.shape
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    assert float(np.abs(found - wanted).max()) <= allowed
    best_two = np.sort(wanted, axis=1)[:, -2:]
    clear = best_two[:, -1] - best_two[:, 0] > 2 * allowed
    assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


def reference_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> Values:
    """What the layers mean, written for reading and not for speed."""
    values = (images / 255 - np.array(network.mean)) / np.array(network.std)
    return _stack(network.layers, weights, "", values.transpose(0, 3, 1, 2))


def _stack(layers: tuple[Layer, ...], weights: Weights, prefix: str, x: Values) -> Values:
    for number, layer in enumerate(layers):
        x = _layer(layer, weights, f"{prefix}{number}.", x)
    return x


def _layer(layer: Layer, weights: Weights, name: str, x: Values) -> Values:
    def weight(part: str) -> Values:
        return weights[name + part].astype(np.float64)

    match layer:
        case Dense():
            return x @ weight("weight").T + (weight("bias") if layer.bias else 0)
        case Conv():
            windows = _windows(x, layer.kernel, layer.stride, layer.padding, 0.0)
            parts = zip(np.split(windows, layer.groups, 1), np.split(weight("weight"), layer.groups), strict=True)
            made = np.concatenate([np.einsum("nchwij,fcij->nfhw", part, kernel) for part, kernel in parts], 1)
            return made + (weight("bias")[:, None, None] if layer.bias else 0)
        case BatchNorm():
            scale, shift, mean, variance = (
                weight(part).reshape(-1, *[1] * (x.ndim - 2))
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            return np.asarray((x - mean) / np.sqrt(variance + layer.epsilon) * scale + shift)
        case ReLU():
            return np.maximum(x, 0)
        case Sigmoid():
            return np.asarray(np.exp(-np.logaddexp(0, -x)))  # 1 / (1 + exp(-x)) without overflow
        case MaxPool():
            return np.asarray(_windows(x, layer.size, layer.stride, layer.padding, -np.inf).max((4, 5)))
        case GlobalPool():
            return np.asarray(x.max((2, 3)) if layer.kind == "max" else x.mean((2, 3)))
        case Flatten():
            return x.reshape(len(x), -1)
        case Dropout():
            return x
        case Branch():
            body, shortcut = (_stack(getattr(layer, way), weights, f"{name}{way}.", x) for way in ("body", "shortcut"))
            body = body[:, :, None, None] if body.ndim < shortcut.ndim else body
            return body * shortcut if layer.merge == "multiply" else body + shortcut


def _windows(x: Values, size: int, stride: int, padding: int, fill: float) -> Values:
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    windows = sliding_window_view(np.pad(x, sides, constant_values=fill), (size, size), (2, 3))
    return np.asarray(windows[:, :, ::stride, ::stride])


def random_weights(network: Network, seed: int = 0) -> Weights:
    """Nothing at its default: running statistics, scales and biases are random too. Values keep their size."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, layer, shape in weight_shapes(network.layers, network.planes):
        part = name.rpartition(".")[2]
        value = rng.standard_normal(shape)
        if part == "running_var":
            value = rng.uniform(0.5, 2, shape)
        elif isinstance(layer, BatchNorm):
            value = value * 0.5 + (part == "weight")
        elif part == "weight":
            value *= sqrt(2 / prod(shape[1:]))
        weights[name] = value.astype(np.float32)
    return weights


def random_images(network: Network, count: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *network.input_shape), dtype=np.uint8)


def a_network(*layers: Layer, shape: tuple[int, int, int] = (9, 6, 3)) -> Network:
    """With a normalisation of its own for each channel."""
    return Network(shape, (0.5, 0.4, 0.3)[: shape[2]], (0.2, 0.3, 0.25)[: shape[2]], layers)


EXCITATION = (GlobalPool(), Dense(2), ReLU(), Dense(6), Sigmoid())

# Every kind of layer, each where it could be read in two ways.
CASES: dict[str, Network] = {
    "dense": a_network(Flatten(), Dense(5), ReLU(), Dense(4, bias=False)),
    "flatten order": a_network(Conv(4, 2), Flatten(), Dense(3)),
    "flatten twice": a_network(Flatten(), Flatten(), Dense(3)),
    "convolution with padding": a_network(Conv(4, 3, padding=1), Flatten(), Dense(3)),
    "convolution wider than the picture": a_network(Conv(4, 8, padding=2), Flatten(), Dense(3), shape=(4, 5, 3)),
    "stride over odd sides": a_network(Conv(4, 3, stride=2, padding=1), Flatten(), Dense(3), shape=(7, 9, 3)),
    "stride over even sides": a_network(Conv(4, 3, stride=2, padding=1), Flatten(), Dense(3), shape=(8, 6, 3)),
    "stride that leaves a rest": a_network(Conv(4, 2, stride=3, bias=False), Flatten(), Dense(3), shape=(7, 10, 1)),
    "groups": a_network(Conv(6, 3, groups=3), ReLU(), Conv(6, 1, groups=2), Flatten(), Dense(3)),
    "one filter a channel": a_network(Conv(6, 1), Conv(6, 3, padding=1, groups=6), Flatten(), Dense(3)),
    "largest of negative values": a_network(BatchNorm(), MaxPool(3, 2, padding=1), Flatten(), Dense(3)),
    "pool over odd sides": a_network(MaxPool(2, 2), Flatten(), Dense(3), shape=(7, 5, 1)),
    "pool with overlap": a_network(MaxPool(3, 1, padding=1), MaxPool(2, 1), Flatten(), Dense(3), shape=(4, 6, 1)),
    "average": a_network(Conv(5, 3), GlobalPool("average"), Dense(3)),
    "maximum": a_network(Conv(5, 3), GlobalPool("max"), Dense(3)),
    "logits from a pool": a_network(Conv(5, 3), GlobalPool()),
    "norm after convolution": a_network(Conv(5, 3, bias=False), BatchNorm(), ReLU(), GlobalPool()),
    "norm after convolution with bias": a_network(Conv(5, 3), BatchNorm(epsilon=0.1), ReLU(), GlobalPool()),
    "norm after groups": a_network(Conv(6, 3, groups=3), BatchNorm(), ReLU(), GlobalPool()),
    "norm after dense": a_network(Flatten(), Dense(5, bias=False), BatchNorm(), ReLU(), Dense(4), BatchNorm()),
    "norm of the input": a_network(BatchNorm(epsilon=0.01), Flatten(), Dense(4)),
    "norm of the input as a vector": a_network(Flatten(), BatchNorm(), Dense(4)),
    "norm after relu": a_network(Conv(5, 3), ReLU(), BatchNorm(), GlobalPool(), BatchNorm()),
    "two norms": a_network(Conv(5, 3), BatchNorm(), BatchNorm(), GlobalPool()),
    "dropout does nothing": a_network(Dropout(0.5), Flatten(), Dense(5), Dropout(0.9), Dense(4), Dropout(0.1)),
    "residual": a_network(Conv(4, 1), Branch("add", (Conv(4, 3, padding=1), BatchNorm(), ReLU())), GlobalPool()),
    "residual with projection": a_network(
        Branch(
            "add",
            (Conv(4, 3, stride=2, padding=1), BatchNorm(), ReLU(), Conv(4, 3, padding=1), BatchNorm()),
            (Conv(4, 1, stride=2, bias=False), BatchNorm()),
        ),
        ReLU(),
        GlobalPool(),
    ),
    "residual of vectors": a_network(Flatten(), Dense(5), Branch("add", (Dense(5), ReLU())), Dense(3)),
    "squeeze and excitation": a_network(Conv(6, 3), Branch("multiply", EXCITATION), GlobalPool()),
    "excitation of a branch's way": a_network(Branch("multiply", EXCITATION, (Conv(6, 3), ReLU())), GlobalPool("max")),
    "gate of vectors": a_network(Flatten(), Dense(4), Branch("multiply", (Dense(4), Sigmoid()))),
    "gate of planes": a_network(Branch("multiply", (Conv(4, 3), Sigmoid()), (Conv(4, 3),)), Flatten(), Dense(3)),
    "branches in branches": a_network(
        Conv(6, 3, padding=1),
        Branch(
            "add",
            (
                Conv(6, 3, padding=1),
                BatchNorm(),
                Branch("multiply", EXCITATION, (Branch("add", (BatchNorm(), ReLU())),)),
            ),
            (Branch("add", (MaxPool(3, 1, padding=1),)),),
        ),
        Flatten(),
        Dense(3),
    ),
}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Random networks over small pictures, each of whose layers fits."""
    shape = (draw(st.integers(3, 10)), draw(st.integers(3, 10)), draw(st.sampled_from([1, 3])))
    planes: Shape = (shape[2], *shape[:2])
    layers = draw(_plane_layers(planes, 4, 2))
    planes = stack_shape(layers, planes)
    to_vector: list[Layer] = [Flatten(), GlobalPool("average"), GlobalPool("max")]
    layers += (draw(st.sampled_from(to_vector)),)
    layers += draw(_vector_layers(stack_shape(layers, (shape[2], *shape[:2]))[0], 3, 1))
    if draw(st.booleans()):
        layers += (Dense(draw(st.integers(2, 5)), bias=draw(st.booleans())),)
    mean = draw(st.tuples(*[st.floats(0, 1)] * shape[2]))
    std = draw(st.tuples(*[st.floats(0.1, 1)] * shape[2]))
    return Network(shape, mean, std, layers)


@st.composite
def _plane_layers(draw: st.DrawFn, shape: Shape, most: int, depth: int) -> tuple[Layer, ...]:
    layers: tuple[Layer, ...] = ()
    for _ in range(draw(st.integers(0, most))):
        layers += draw(_plane_layer(stack_shape(layers, shape), depth))
    return layers


@st.composite
def _plane_layer(draw: st.DrawFn, shape: Shape, depth: int) -> tuple[Layer, ...]:
    channels, side = shape[0], min(shape[1:])
    kinds = ["conv", "conv", "norm", "relu", "sigmoid", "pool", "dropout"] + ["add", "project", "excite"] * (depth > 0)
    match draw(st.sampled_from(kinds)):
        case "conv":
            padding = draw(st.integers(0, 2))
            kernel = draw(st.integers(1, min(4, side + 2 * padding)))
            groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
            filters = groups * draw(st.integers(1, 3))
            return (Conv(filters, kernel, draw(st.integers(1, 3)), padding, groups, draw(st.booleans())),)
        case "norm":
            return (BatchNorm(draw(st.sampled_from([1e-5, 1e-3, 0.1]))),)
        case "sigmoid":
            return (Sigmoid(),)
        case "pool":
            size = draw(st.integers(1, min(4, side)))
            return (MaxPool(size, draw(st.integers(1, 3)), draw(st.integers(0, size // 2))),)
        case "dropout":
            return (Dropout(0.5),)
        case "add":
            body = draw(_plane_layers(shape, 2, depth - 1))
            back = Conv(channels, 3, padding=1)
            body = body if body and stack_shape(body, shape) == shape else (BatchNorm(), back, *_kept(body, shape))
            return (Branch("add", body, draw(st.sampled_from([(), (ReLU(),), (back, BatchNorm())]))),)
        case "project":
            stride, filters = draw(st.integers(1, 3)), draw(st.integers(1, 4))
            body = (Conv(filters, 3, stride, 1), *draw(_kept_layers(depth)))
            return (Branch(draw(st.sampled_from(MERGES)), body, (Conv(filters, 1, stride, bias=False), BatchNorm())),)
        case "excite":
            pool = GlobalPool(draw(st.sampled_from(KINDS)))
            body = (pool, *draw(_vector_layers(channels, 2, depth - 1)), Dense(channels), Sigmoid())
            return (Branch("multiply", body, draw(_kept_layers(depth))),)
    return (ReLU(),)


def _kept(layers: tuple[Layer, ...], shape: Shape) -> tuple[Layer, ...]:
    return layers if stack_shape(layers, shape) == shape else ()


def _kept_layers(depth: int) -> st.SearchStrategy[tuple[Layer, ...]]:
    """Some layers that keep any shape of planes."""
    nested = Branch("add", (BatchNorm(), ReLU())) if depth > 1 else MaxPool(3, 1, 1)
    return st.lists(st.sampled_from([BatchNorm(), ReLU(), nested]), max_size=2).map(tuple)


@st.composite
def _vector_layers(draw: st.DrawFn, features: int, most: int, depth: int) -> tuple[Layer, ...]:
    layers: tuple[Layer, ...] = ()
    for _ in range(draw(st.integers(0, most))):
        width = stack_shape(layers, (features,))[0]
        choices: list[Layer] = [Dense(draw(st.integers(1, 6))), Dense(3, bias=False), BatchNorm(), ReLU(), Sigmoid()]
        choices += [Dropout(0.2), Flatten()]
        if depth:
            choices += [Branch("add", (Dense(width), BatchNorm())), Branch("multiply", (Dense(width), Sigmoid()))]
        layers += (draw(st.sampled_from(choices)),)
    return layers


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
    path.write_bytes(with_metadata(build_graph(network, weights), Card(**(values | changes)).to_metadata()))
    return path
