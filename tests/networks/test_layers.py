from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

import pytest
from hypothesis import given

from contract import a_network, normalized, random_images, random_weights, reference_values
from imagewise.errors import NetworkError
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape, stack_shape
from imagewise.networks.network import Network
from imagewise.training.engines.pytorch.module import build_module
from network_cases import networks


@dataclass(frozen=True)
class Unfinished(L.Dense):
    """A new kind of layer whose field nobody checks."""

    unchecked: float = 0.1


def test_a_field_without_a_check_is_a_mistake_in_the_code_and_not_in_silence_allowed() -> None:
    with pytest.raises(AssertionError, match="unchecked"):
        Unfinished(3)


def test_every_field_of_every_kind_of_layer_is_checked() -> None:
    for kind in get_args(Layer):
        for field in fields(kind):
            assert not L._allowed(field.name, object()), f"{kind.__name__}.{field.name}"


@given(networks())
def test_names_and_shapes_of_weights_are_those_of_pytorch(network: Network) -> None:
    state = {name: tuple(value.shape) for name, value in build_module(network).state_dict().items()}
    assert network.weight_shapes() == {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (L.Dense(7), (3,), (7,)),
        (L.Conv(4, 3), (3, 28, 20), (4, 26, 18)),
        (L.Conv(4, 3, stride=2, padding=1), (3, 7, 8), (4, 4, 4)),
        (L.Conv(4, 5, padding=2, groups=2), (2, 1, 3), (4, 1, 3)),
        (L.MaxPool(2, 2), (5, 7, 6), (5, 3, 3)),
        (L.MaxPool(3, 2, padding=1), (5, 7, 6), (5, 4, 3)),
        (L.MaxPool(3, 2, padding=(0, 0, 1, 1)), (5, 8, 6), (5, 4, 3)),
        (L.Conv(4, 3, stride=2, padding=(0, 1, 2, 0)), (3, 7, 8), (4, 4, 4)),
        (L.Conv(4, 3, padding=(1, 0, 0, 0)), (3, 7, 8), (4, 6, 6)),
        (L.Conv(4, 3, padding=(0, 1, 0, 0)), (3, 7, 8), (4, 5, 7)),
        (L.Conv(4, 3, padding=(0, 0, 1, 0)), (3, 7, 8), (4, 6, 6)),
        (L.Conv(4, 3, padding=(0, 0, 0, 1)), (3, 7, 8), (4, 5, 7)),
        (L.AveragePool(2, 2), (5, 7, 6), (5, 3, 3)),
        (L.AveragePool(2, 2, padding=(0, 0, 1, 0)), (5, 7, 6), (5, 4, 3)),
        (L.GlobalPool(), (5, 7, 6), (5,)),
        (L.Flatten(), (5, 7, 6), (210,)),
        (L.Flatten(), (5,), (5,)),
        (L.Dropout(0.5), (5, 7, 6), (5, 7, 6)),
        (L.Branch("multiply", (L.GlobalPool(), L.Dense(5))), (5, 7, 6), (5, 7, 6)),
        (L.Branch("add", (L.Conv(2, 1, 2),), (L.Conv(2, 2, 2),)), (5, 6, 6), (2, 3, 3)),
    ],
    ids=str,
)
def test_the_shape_that_each_layer_makes(layer: Layer, shape: Shape, wanted: Shape) -> None:
    assert layer.output_shape(shape) == wanted


@given(networks())
def test_every_layer_of_a_random_network_makes_the_shape_that_it_announces(network: Network) -> None:
    weights, x = random_weights(network), normalized(network, random_images(network, 2))
    for end in range(len(network.layers) + 1):
        layers = network.layers[:end]
        assert reference_values(layers, weights, x).shape[1:] == stack_shape(layers, network.planes)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((L.Dense(3),), r"Dense\(units=3.*shape \(3, 9, 6\).*Flatten or GlobalPool"),
        ((L.Flatten(), L.Conv(3, 3)), r"Conv\(.*\(C, H, W\)"),
        ((L.Flatten(), L.MaxPool(2, 2)), r"MaxPool\(.*\(C, H, W\)"),
        ((L.GlobalPool(), L.GlobalPool()), r"GlobalPool\(.*\(C, H, W\)"),
        ((L.Conv(4, 3, groups=2), L.Flatten()), r"groups=2.*shape \(3, 9, 6\).*groups"),
        ((L.Conv(4, 3, groups=3), L.Flatten()), r"filters=4.*groups=3.*: groups"),
        ((L.Conv(4, 7), L.Flatten()), r"kernel=7.*window"),
        ((L.MaxPool(10, 1, padding=1), L.Flatten()), r"size=10.*window"),
        ((L.MaxPool(3, 1, padding=2), L.Flatten()), r"padding=2.*half the size"),
        ((L.MaxPool(3, 1, padding=(0, 0, 0, 2)), L.Flatten()), r"padding=\(0, 0, 0, 2\).*half the size"),
        ((L.AveragePool(2, 1, padding=(2, 0, 0, 0)), L.Flatten()), r"padding=\(2, 0, 0, 0\).*half the size"),
        ((L.AveragePool(11, 1, padding=(0, 3, 1, 3)), L.Flatten()), r"size=11.*window"),
        ((L.AveragePool(7, 1), L.Flatten()), r"size=7.*shape \(3, 9, 6\).*window"),
        ((L.Flatten(), L.AveragePool(2, 2)), r"AveragePool\(.*\(C, H, W\)"),
        ((L.GlobalPool(), L.Branch("multiply", (L.ReLU(),), (L.Dense(2),))), r"\(3,\) .*\(2,\)"),
        ((L.Branch("add", ()), L.Flatten()), r"body=\(\).*: the body"),
        ((L.Branch("add", (L.Conv(4, 3),)), L.Flatten()), r"the body makes \(4, 7, 4\) and the shortcut \(3, 9, 6\)"),
        ((L.Branch("add", (L.GlobalPool(),)), L.Flatten()), r"the body makes \(3,\) and the shortcut \(3, 9, 6\)"),
        ((L.Branch("multiply", (L.GlobalPool(), L.Dense(2))), L.Flatten()), r"the body makes \(2,\)"),
        ((L.Branch("multiply", (L.ReLU(),), (L.GlobalPool(),)),), r"the body makes \(3, 9, 6\)"),
        ((L.Conv(4, 3),), "logits .*Dense"),
        ((), "logits .*Dense"),
    ],
)
def test_layers_that_do_not_fit_are_refused_with_layer_shape_and_remedy(layers: tuple[Layer, ...], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        a_network(*layers)


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (L.Dense, {"units": 0}, "units = 0"),
        (L.Dense, {"units": 2.0}, "units = 2.0"),
        (L.Dense, {"units": True}, "units = True"),
        (L.Dense, {"units": "3"}, "units = '3'"),
        (L.Dense, {"units": 3, "bias": 1}, "bias = 1"),
        (L.Conv, {"filters": -1, "kernel": 3}, "filters = -1"),
        (L.Conv, {"filters": 3, "kernel": 0}, "kernel = 0"),
        (L.Conv, {"filters": 3, "kernel": (3, 3)}, r"kernel = \(3, 3\)"),
        (L.Conv, {"filters": 3, "kernel": 3, "stride": 0}, "stride = 0"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": -1}, "padding = -1"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": "same"}, "padding = 'same'"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": True}, "padding = True"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": (1, 1)}, r"padding = \(1, 1\)"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": (0, 0, 1, -1)}, r"padding = \(0, 0, 1, -1\)"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": (0, 0, 1, 0.5)}, r"padding = \(0, 0, 1, 0.5\)"),
        (L.Conv, {"filters": 3, "kernel": 3, "padding": [0, 0, 1, 1]}, r"padding = \[0, 0, 1, 1\]"),
        (L.MaxPool, {"size": 3, "stride": 1, "padding": (0, 0, 1, True)}, r"padding = \(0, 0, 1, True\)"),
        (L.AveragePool, {"size": 3, "stride": 1, "padding": ((0, 0, 1, 1),)}, r"padding = \(\(0, "),
        (L.AveragePool, {"size": 3, "stride": 0}, "stride = 0"),
        (L.AveragePool, {"size": 3, "stride": 1, "count_include_pad": 0}, "count_include_pad = 0"),
        (L.Conv, {"filters": 3, "kernel": 3, "groups": 0}, "groups = 0"),
        (L.BatchNorm, {"epsilon": 0.0}, "epsilon = 0.0"),
        (L.BatchNorm, {"epsilon": float("nan")}, "epsilon = nan"),
        (L.BatchNorm, {"epsilon": float("inf")}, "epsilon = inf"),
        (L.BatchNorm, {"momentum": 1.5}, "momentum = 1.5"),
        (L.MaxPool, {"size": 0, "stride": 1}, "size = 0"),
        (L.GlobalPool, {"kind": "sum"}, "kind = 'sum'"),
        (L.Dropout, {"rate": 1.0}, "rate = 1.0"),
        (L.Dropout, {"rate": -0.1}, "rate = -0.1"),
        (L.Dropout, {"rate": "0.5"}, "rate = '0.5'"),
        (L.Branch, {"merge": "mean", "body": (L.ReLU(),)}, "merge = 'mean'"),
        (L.Branch, {"merge": "add", "body": [L.ReLU()]}, "body = "),
        (L.Branch, {"merge": "add", "body": ("relu",)}, "body = "),
    ],
)
def test_impossible_values_are_refused_at_construction_and_named(kind: Any, values: dict[str, Any], field: str) -> None:
    with pytest.raises(NetworkError, match=f"{kind.__name__}: {field}"):
        kind(**values)
