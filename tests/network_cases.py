"""The networks that every reader must agree on: hand-picked cases, and random ones for Hypothesis."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from contract import ACTIVATIONS, a_network, plane_layers
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape, stack_shape
from imagewise.networks.network import Network

MERGES: tuple[Literal["add", "multiply"], ...] = ("add", "multiply")
KINDS: tuple[Literal["average", "max"], ...] = ("average", "max")
GATES: tuple[Layer, ...] = (L.Sigmoid(), L.HardSigmoid())
EXCITATION = (L.GlobalPool(), L.Dense(2), L.ReLU(), L.Dense(6), L.Sigmoid())


def _mobile(activation: Layer, gate: Layer, depthwise: L.Conv) -> tuple[Layer, ...]:
    """A block of MobileNet V3 or EfficientNet: expand, depthwise, squeeze-and-excitation, project."""
    excitation = (L.GlobalPool(), L.Dense(3), activation, L.Dense(8), gate)
    expanded = (L.Conv(8, 1, bias=False), L.BatchNorm(1e-3, 0.01), activation)
    filtered = (depthwise, L.BatchNorm(1e-3, 0.01), activation, L.Branch("multiply", excitation))
    return (*expanded, *filtered, L.Conv(4, 1, bias=False), L.BatchNorm(1e-3, 0.01))


# Places where readers could disagree.
CASES: dict[str, Network] = {
    "dense": a_network(L.Flatten(), L.Dense(5), L.ReLU(), L.Dense(4, bias=False)),
    "flatten order": a_network(L.Conv(4, 2), L.Flatten(), L.Dense(3)),
    "flatten twice": a_network(L.Flatten(), L.Flatten(), L.Dense(3)),
    "convolution with padding": a_network(L.Conv(4, 3, padding=1), L.Flatten(), L.Dense(3)),
    "convolution wider than the picture": a_network(L.Conv(4, 8, padding=2), L.Flatten(), L.Dense(3), shape=(4, 5, 3)),
    "stride over odd sides": a_network(L.Conv(4, 3, stride=2, padding=1), L.Flatten(), L.Dense(3), shape=(7, 9, 3)),
    "stride over even sides": a_network(L.Conv(4, 3, stride=2, padding=1), L.Flatten(), L.Dense(3), shape=(8, 6, 3)),
    "stride that leaves a rest": a_network(
        L.Conv(4, 2, stride=3, bias=False), L.Flatten(), L.Dense(3), shape=(7, 10, 1)
    ),
    "groups": a_network(L.Conv(6, 3, groups=3), L.ReLU(), L.Conv(6, 1, groups=2), L.Flatten(), L.Dense(3)),
    "one filter a channel": a_network(L.Conv(6, 1), L.Conv(6, 3, padding=1, groups=6), L.Flatten(), L.Dense(3)),
    "largest of negative values": a_network(L.BatchNorm(), L.MaxPool(3, 2, padding=1), L.Flatten(), L.Dense(3)),
    "convolution padded by side": a_network(L.Conv(4, 3, padding=(0, 1, 2, 3)), L.Flatten(), L.Dense(3)),
    "stride padded by side": a_network(L.Conv(4, 3, 2, (0, 0, 1, 1)), L.Flatten(), L.Dense(3), shape=(8, 6, 3)),
    "groups padded by side": a_network(
        L.Conv(6, 5, 2, (1, 2, 2, 1), groups=3), L.Conv(6, 2, 1, (0, 1, 1, 0), groups=6), L.Flatten(), L.Dense(3)
    ),
    "pool padded by side": a_network(
        L.BatchNorm(), L.MaxPool(3, 2, (0, 0, 1, 1)), L.MaxPool(2, 1, (1, 0, 0, 1)), L.Flatten(), shape=(8, 6, 3)
    ),
    "average of windows": a_network(L.AveragePool(2, 2), L.AveragePool(3, 1), L.Flatten(), shape=(8, 7, 3)),
    "average that counts padding": a_network(L.AveragePool(3, 2, 1), L.Flatten(), L.Dense(3), shape=(8, 7, 3)),
    "average that leaves padding out": a_network(
        L.AveragePool(3, 2, 1, count_include_pad=False), L.Flatten(), L.Dense(3), shape=(8, 7, 3)
    ),
    "average padded by side that counts padding": a_network(
        L.AveragePool(4, 3, (0, 1, 2, 1)), L.Flatten(), shape=(7, 8, 3)
    ),
    "average padded by side that leaves padding out": a_network(
        L.AveragePool(4, 3, (0, 1, 2, 1), count_include_pad=False), L.Flatten(), shape=(7, 8, 3)
    ),
    "mobile blocks": a_network(
        L.Conv(4, 3, 2, (0, 0, 1, 1), bias=False),
        L.BatchNorm(1e-3),
        L.HardSwish(),
        L.Branch("add", _mobile(L.ReLU6(), L.HardSigmoid(), L.Conv(8, 3, 1, 1, 8, bias=False))),
        *_mobile(L.HardSwish(), L.HardSigmoid(), L.Conv(8, 5, 2, (1, 1, 2, 2), 8, bias=False)),
        *_mobile(L.SiLU(), L.Sigmoid(), L.Conv(8, 3, 2, (0, 0, 1, 1), 8, bias=False)),
        L.GlobalPool(),
        L.Dense(9),
        L.HardSwish(),
        L.Dense(3),
        shape=(16, 12, 3),
    ),
    "mobile blocks padded behind on even sides": a_network(
        L.Conv(4, 3, 2, (0, 0, 1, 1), bias=False),
        L.BatchNorm(1e-3),
        L.ReLU6(),
        L.Branch("add", _mobile(L.ReLU6(), L.Sigmoid(), L.Conv(8, 3, 1, 1, 8, bias=False))),
        *_mobile(L.ReLU6(), L.Sigmoid(), L.Conv(8, 5, 2, (1, 1, 2, 2), 8, bias=False)),
        *_mobile(L.SiLU(), L.Sigmoid(), L.Conv(8, 3, 2, (0, 0, 1, 1), 8, bias=False)),
        L.GlobalPool("max"),
        L.Dense(3),
        shape=(16, 32, 3),
    ),
    "pool over odd sides": a_network(L.MaxPool(2, 2), L.Flatten(), L.Dense(3), shape=(7, 5, 1)),
    "pool with overlap": a_network(
        L.MaxPool(3, 1, padding=1), L.MaxPool(2, 1), L.Flatten(), L.Dense(3), shape=(4, 6, 1)
    ),
    "average": a_network(L.Conv(5, 3), L.GlobalPool("average"), L.Dense(3)),
    "maximum": a_network(L.Conv(5, 3), L.GlobalPool("max"), L.Dense(3)),
    "logits from a pool": a_network(L.Conv(5, 3), L.GlobalPool()),
    "norm after convolution": a_network(L.Conv(5, 3, bias=False), L.BatchNorm(), L.ReLU(), L.GlobalPool()),
    "norm after convolution with bias": a_network(L.Conv(5, 3), L.BatchNorm(epsilon=0.1), L.ReLU(), L.GlobalPool()),
    "norm after groups": a_network(L.Conv(6, 3, groups=3), L.BatchNorm(), L.ReLU(), L.GlobalPool()),
    "norm after dense": a_network(
        L.Flatten(), L.Dense(5, bias=False), L.BatchNorm(), L.ReLU(), L.Dense(4), L.BatchNorm()
    ),
    "norm of the input": a_network(L.BatchNorm(epsilon=0.01), L.Flatten(), L.Dense(4)),
    "norm of the input as a vector": a_network(L.Flatten(), L.BatchNorm(), L.Dense(4)),
    "norm after relu": a_network(L.Conv(5, 3), L.ReLU(), L.BatchNorm(), L.GlobalPool(), L.BatchNorm()),
    "two norms": a_network(L.Conv(5, 3), L.BatchNorm(), L.BatchNorm(), L.GlobalPool()),
    "dropout does nothing": a_network(
        L.Dropout(0.5), L.Flatten(), L.Dense(5), L.Dropout(0.9), L.Dense(4), L.Dropout(0.1)
    ),
    "residual": a_network(
        L.Conv(4, 1), L.Branch("add", (L.Conv(4, 3, padding=1), L.BatchNorm(), L.ReLU())), L.GlobalPool()
    ),
    "residual with projection": a_network(
        L.Branch(
            "add",
            (L.Conv(4, 3, stride=2, padding=1), L.BatchNorm(), L.ReLU(), L.Conv(4, 3, padding=1), L.BatchNorm()),
            (L.Conv(4, 1, stride=2, bias=False), L.BatchNorm()),
        ),
        L.ReLU(),
        L.GlobalPool(),
    ),
    "residual of vectors": a_network(L.Flatten(), L.Dense(5), L.Branch("add", (L.Dense(5), L.ReLU())), L.Dense(3)),
    "squeeze and excitation": a_network(L.Conv(6, 3), L.Branch("multiply", EXCITATION), L.GlobalPool()),
    "excitation of a branch's way": a_network(
        L.Branch("multiply", EXCITATION, (L.Conv(6, 3), L.ReLU())), L.GlobalPool("max")
    ),
    "features of two depths": a_network(
        L.Conv(4, 3),
        L.ReLU(),
        L.Branch("concat", (L.Conv(5, 3), L.ReLU(), L.GlobalPool()), (L.GlobalPool(),)),
        L.Dense(3),
    ),
    "concat of vectors": a_network(L.Flatten(), L.Branch("concat", (L.Dense(5), L.ReLU()), (L.Dense(2),))),
    "gate of vectors": a_network(L.Flatten(), L.Dense(4), L.Branch("multiply", (L.Dense(4), L.Sigmoid()))),
    "gate of planes": a_network(
        L.Branch("multiply", (L.Conv(4, 3), L.Sigmoid()), (L.Conv(4, 3),)), L.Flatten(), L.Dense(3)
    ),
    "branches in branches": a_network(
        L.Conv(6, 3, padding=1),
        L.Branch(
            "add",
            (
                L.Conv(6, 3, padding=1),
                L.BatchNorm(),
                L.Branch("multiply", EXCITATION, (L.Branch("add", (L.BatchNorm(), L.ReLU())),)),
            ),
            (L.Branch("add", (L.MaxPool(3, 1, padding=1),)),),
        ),
        L.Flatten(),
        L.Dense(3),
    ),
}
# Inputs from -8 to 8, so that each piece of each activation is met.
CASES |= {
    f"{type(layers[0]).__name__}, {type(layers[1]).__name__}": Network((9, 6, 1), (0.5,), (1 / 16,), layers)
    for activation in ACTIVATIONS
    for layers in ((activation, L.Flatten()), (L.Flatten(), activation))
}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Random networks over small pictures, each of whose layers fits."""
    shape = (draw(st.integers(3, 10)), draw(st.integers(3, 10)), draw(st.sampled_from([1, 3])))
    planes: Shape = (shape[2], *shape[:2])
    layers = draw(_plane_layers(planes, 4, 2))
    planes = stack_shape(layers, planes)
    to_vector: list[Layer] = [L.Flatten(), L.GlobalPool("average"), L.GlobalPool("max")]
    layers += (draw(st.sampled_from(to_vector)),)
    layers += draw(_vector_layers(stack_shape(layers, (shape[2], *shape[:2]))[0], 3, 1))
    if draw(st.booleans()):
        layers += (L.Dense(draw(st.integers(2, 5)), bias=draw(st.booleans())),)
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
    channels = shape[0]
    match draw(st.sampled_from(["layer"] * 8 + ["add", "project", "excite"] * (depth > 0))):
        case "add":
            body = draw(_plane_layers(shape, 2, depth - 1))
            back = L.Conv(channels, 3, padding=1)
            body = body if body and stack_shape(body, shape) == shape else (L.BatchNorm(), back, *_kept(body, shape))
            return (L.Branch("add", body, draw(st.sampled_from([(), (L.ReLU(),), (back, L.BatchNorm())]))),)
        case "project":
            stride, filters = draw(st.integers(1, 3)), draw(st.integers(1, 4))
            body = (L.Conv(filters, 3, stride, 1), *draw(_kept_layers(depth)))
            shortcut = (L.Conv(filters, 1, stride, bias=False), L.BatchNorm())
            return (L.Branch(draw(st.sampled_from(MERGES)), body, shortcut),)
        case "excite":
            pool = L.GlobalPool(draw(st.sampled_from(KINDS)))
            gate = draw(st.sampled_from(GATES))
            body = (pool, *draw(_vector_layers(channels, 2, depth - 1)), L.Dense(channels), gate)
            return (L.Branch("multiply", body, draw(_kept_layers(depth))),)
        case _:
            return (draw(plane_layers(shape)),)


def _kept(layers: tuple[Layer, ...], shape: Shape) -> tuple[Layer, ...]:
    return layers if stack_shape(layers, shape) == shape else ()


def _kept_layers(depth: int) -> st.SearchStrategy[tuple[Layer, ...]]:
    """Some layers that keep any shape of planes."""
    nested = L.Branch("add", (L.BatchNorm(), L.ReLU())) if depth > 1 else L.MaxPool(3, 1, 1)
    return st.lists(st.sampled_from([L.BatchNorm(), L.ReLU(), nested]), max_size=2).map(tuple)


@st.composite
def _vector_layers(draw: st.DrawFn, features: int, most: int, depth: int) -> tuple[Layer, ...]:
    layers: tuple[Layer, ...] = ()
    for _ in range(draw(st.integers(0, most))):
        width = stack_shape(layers, (features,))[0]
        choices: list[Layer] = [L.Dense(draw(st.integers(1, 6))), L.Dense(3, bias=False), L.BatchNorm(), L.Flatten()]
        choices += [L.Dropout(0.2), *ACTIVATIONS]
        if depth:
            choices += [
                L.Branch("add", (L.Dense(width), L.BatchNorm())),
                L.Branch("multiply", (L.Dense(width), L.Sigmoid())),
            ]
        layers += (draw(st.sampled_from(choices)),)
    return layers
