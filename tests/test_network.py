from __future__ import annotations

import json
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import a_network, networks, random_weights
from imagewise.engines.pytorch.module import build_module
from imagewise.errors import NetworkError
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
    layer_from_dict,
    output_shape,
)
from imagewise.network import Network, build_layers, builders, convnet, perceptron


def parameters(network: Network) -> int:
    return sum(prod(shape) for shape in network.weight_shapes().values())


def test_the_default_perceptron_is_the_articles() -> None:
    network = Network((28, 28, 1), (0.0,), (1.0,), perceptron(10))
    assert network.layers == (Flatten(), Dense(256), ReLU(), Dense(256), ReLU(), Dense(10))
    assert parameters(network) == 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10
    assert network.classes == 10


@given(networks())
def test_names_and_shapes_of_weights_are_those_of_pytorch(network: Network) -> None:
    state = {name: tuple(value.shape) for name, value in build_module(network).state_dict().items()}
    assert network.weight_shapes() == {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


@given(networks())
def test_a_network_goes_through_json_unchanged(network: Network) -> None:
    assert Network.from_dict(json.loads(json.dumps(network.as_dict()))) == network


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (Dense(7), (3,), (7,)),
        (Conv(4, 3), (3, 28, 20), (4, 26, 18)),
        (Conv(4, 3, stride=2, padding=1), (3, 7, 8), (4, 4, 4)),
        (Conv(4, 5, padding=2, groups=2), (2, 1, 3), (4, 1, 3)),
        (MaxPool(2, 2), (5, 7, 6), (5, 3, 3)),
        (MaxPool(3, 2, padding=1), (5, 7, 6), (5, 4, 3)),
        (GlobalPool(), (5, 7, 6), (5,)),
        (Flatten(), (5, 7, 6), (210,)),
        (Flatten(), (5,), (5,)),
        (Dropout(0.5), (5, 7, 6), (5, 7, 6)),
        (Branch("multiply", (GlobalPool(), Dense(5))), (5, 7, 6), (5, 7, 6)),
        (Branch("add", (Conv(2, 1, 2),), (Conv(2, 2, 2),)), (5, 6, 6), (2, 3, 3)),
    ],
    ids=str,
)
def test_what_shape_each_layer_makes(layer: Layer, shape: Shape, wanted: Shape) -> None:
    assert output_shape(layer, shape) == wanted


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((Dense(3),), r"Dense\(units=3.*put Flatten or GlobalPool before it"),
        ((Flatten(), Conv(3, 3)), r"Conv\(.*it needs \(C, H, W\)"),
        ((Flatten(), MaxPool(2, 2)), r"MaxPool\(.*it needs \(C, H, W\)"),
        ((GlobalPool(), GlobalPool()), r"GlobalPool\(.*it needs \(C, H, W\)"),
        ((Conv(4, 3, groups=2), Flatten()), r"groups=2.*shape \(3, 9, 6\).*groups must divide"),
        ((Conv(4, 3, groups=3), Flatten()), r"groups must divide the channels and the filters"),
        ((Conv(4, 7), Flatten()), r"kernel=7.*the window is larger than the picture"),
        ((MaxPool(10, 1, padding=1), Flatten()), r"the window is larger than the picture"),
        ((MaxPool(3, 1, padding=2), Flatten()), r"padding may be at most half the size"),
        ((Branch("add", ()), Flatten()), r"the body is empty"),
        ((Branch("add", (Conv(4, 3),)), Flatten()), r"the body makes \(4, 7, 4\) and the shortcut \(3, 9, 6\)"),
        ((Branch("add", (GlobalPool(),)), Flatten()), r"the body makes \(3,\) and the shortcut \(3, 9, 6\)"),
        ((Branch("multiply", (GlobalPool(), Dense(2))), Flatten()), r"the body makes \(2,\)"),
        ((Branch("multiply", (ReLU(),), (GlobalPool(),)),), r"the body makes \(3, 9, 6\)"),
        ((Conv(4, 3),), r"the last layer must make logits .* end with Dense"),
        ((), r"the last layer must make logits"),
    ],
)
def test_layers_that_do_not_fit_are_refused_with_layer_shape_and_remedy(layers: tuple[Layer, ...], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        a_network(*layers)


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (Dense, {"units": 0}, "units = 0"),
        (Dense, {"units": 2.0}, "units = 2.0"),
        (Dense, {"units": True}, "units = True"),
        (Dense, {"units": "3"}, "units = '3'"),
        (Dense, {"units": 3, "bias": 1}, "bias = 1"),
        (Conv, {"filters": -1, "kernel": 3}, "filters = -1"),
        (Conv, {"filters": 3, "kernel": 0}, "kernel = 0"),
        (Conv, {"filters": 3, "kernel": (3, 3)}, r"kernel = \(3, 3\)"),
        (Conv, {"filters": 3, "kernel": 3, "stride": 0}, "stride = 0"),
        (Conv, {"filters": 3, "kernel": 3, "padding": -1}, "padding = -1"),
        (Conv, {"filters": 3, "kernel": 3, "padding": "same"}, "padding = 'same'"),
        (Conv, {"filters": 3, "kernel": 3, "groups": 0}, "groups = 0"),
        (BatchNorm, {"epsilon": 0.0}, "epsilon = 0.0"),
        (BatchNorm, {"epsilon": float("nan")}, "epsilon = nan"),
        (BatchNorm, {"momentum": 1.5}, "momentum = 1.5"),
        (MaxPool, {"size": 0, "stride": 1}, "size = 0"),
        (GlobalPool, {"kind": "sum"}, "kind = 'sum'"),
        (Dropout, {"rate": 1.0}, "rate = 1.0"),
        (Dropout, {"rate": -0.1}, "rate = -0.1"),
        (Dropout, {"rate": "0.5"}, "rate = '0.5'"),
        (Branch, {"merge": "concat", "body": (ReLU(),)}, "merge = 'concat'"),
        (Branch, {"merge": "add", "body": [ReLU()]}, "body = "),
        (Branch, {"merge": "add", "body": ("relu",)}, "body = "),
    ],
)
def test_impossible_values_are_refused_at_construction_and_named(kind: Any, values: dict[str, Any], field: str) -> None:
    with pytest.raises(NetworkError, match=f"{kind.__name__}: {field}"):
        kind(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"layer": "Attention"}, "unknown layer.*this version knows Dense, Conv"),
        ({}, "unknown layer"),
        ("Dense", "unknown layer"),
        ({"layer": "Dense"}, "layer Dense: .*units"),
        ({"layer": "Dense", "units": 3, "unit": 4}, "layer Dense: .*'unit'"),
        ({"layer": "ReLU", "bias": True}, "layer ReLU: .*'bias'"),
        ({"layer": "Branch", "merge": "add", "body": [{"layer": "Nothing"}]}, "unknown layer.*Nothing"),
    ],
)
def test_a_layer_that_this_version_does_not_know_is_refused(values: Any, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        layer_from_dict(values)


def a_dict(**changes: Any) -> dict[str, Any]:
    return a_network(Flatten(), Dense(3), shape=(5, 4, 1)).as_dict() | changes


@pytest.mark.parametrize(
    "values",
    [
        {},
        [],
        None,
        a_dict(input_shape=[5, 4]),
        a_dict(input_shape=[5, 4, 0], mean=[], std=[]),
        a_dict(input_shape=[-5, 4, 1]),
        a_dict(input_shape=[5.5, 4, 1]),
        a_dict(input_shape=["5", 4, 1]),
        a_dict(input_shape=7),
        a_dict(mean=[0.1, 0.2]),
        a_dict(mean=["a"]),
        a_dict(mean=[float("nan")]),
        a_dict(std=[0.0]),
        a_dict(std=[-1.0]),
        a_dict(std=[float("nan")]),
        a_dict(std=[float("inf")]),
        a_dict(std=[]),
        a_dict(std=None),
        a_dict(layers=[]),
        a_dict(layers=None),
        a_dict(layers=[{"layer": ["Dense"]}]),
        a_dict(layers=[{"layer": "Branch", "merge": "add", "body": 3}]),
        a_dict(layers={"layer": "Flatten"}),
    ],
    ids=str,
)
def test_what_is_no_network_is_refused_whatever_it_is(values: Any) -> None:
    with pytest.raises(NetworkError):
        Network.from_dict(values)


@given(networks(), st.data())
def test_weights_must_be_exactly_the_networks(network: Network, data: st.DataObject) -> None:
    weights = random_weights(network)
    network.check_weights(weights)
    if weights:
        name = data.draw(st.sampled_from(sorted(weights)))
        for wrong in (weights[name][..., None], weights[name].astype(np.float16)):
            with pytest.raises(NetworkError, match=f"differ in {name}"):
                network.check_weights({**weights, name: wrong})  # type: ignore[dict-item]
        del weights[name]
    else:
        weights, name = {"9.weight": np.zeros(3, dtype=np.float32)}, "9.weight"
    with pytest.raises(NetworkError, match=f"differ in {name}"):
        network.check_weights(weights)


@pytest.mark.parametrize("name", builders())
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (9, 14, 1)])
def test_every_architecture_fits_pictures_of_many_shapes(name: str, shape: tuple[int, int, int]) -> None:
    channels = shape[2]
    network = Network(shape, (0.0,) * channels, (1.0,) * channels, build_layers(name, {}, 7))
    assert network.classes == 7


def test_parameters_of_an_architecture_come_from_a_recipes_plain_values() -> None:
    assert build_layers("perceptron", {"hidden": [5], "dropout": 0.5}, 3) == (
        Flatten(), Dense(5), ReLU(), Dropout(0.5), Dense(3),
    )  # fmt: skip
    assert build_layers("convnet", {"filters": [4, 8], "dense": 9}, 3) == convnet(3, filters=(4, 8), dense=9)
    assert Sigmoid() not in convnet(3)


def test_a_convnet_halves_by_strides_where_the_recipe_says_so() -> None:
    params = {"filters": [4, 8], "repeats": 1, "stem_kernel": 5, "downsample": "stride", "dense": 0}
    assert build_layers("convnet", params, 3) == (
        Conv(4, kernel=5, stride=2, padding=2, bias=False), BatchNorm(), ReLU(),
        Conv(8, kernel=3, stride=2, padding=1, bias=False), BatchNorm(), ReLU(),
        Flatten(), Dense(3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("resnet1001", {}, "unknown network 'resnet1001'; the networks are perceptron, convnet"),
        ("perceptron", {"hiden": [3]}, "no parameter hiden; it has hidden, "),
        ("perceptron", {"classes": 3}, "no parameter classes"),
        ("perceptron", {"hidden": 3}, "'perceptron': .*params .*'hidden': 3.* not usable"),
        ("perceptron", {"hidden": [0]}, "units = 0"),
        ("perceptron", {"hidden": ["3"]}, "units = '3'"),
        ("perceptron", {"dropout": 1.5}, "rate = 1.5"),
        ("perceptron", {"dropout": -0.5}, "rate = -0.5"),
        ("convnet", {"filters": [4.5]}, "filters = 4.5"),
        ("convnet", {"dense": None}, "units = None"),
        ("convnet", {"downsample": "average"}, "downsample is pool or stride, not 'average'"),
    ],
)
def test_a_wrong_architecture_or_parameter_is_refused_and_named(name: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        build_layers(name, params, 10)
