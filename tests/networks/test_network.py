from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import a_network, random_weights
from imagewise.errors import NetworkError
from imagewise.networks import layers as L
from imagewise.networks.network import Network, layer_as_dict, layer_from_dict
from network_cases import networks

# Written by the first edition, byte for byte.
OLDER = (
    '[{"layer": "Conv", "filters": 6, "kernel": 3, "stride": 2, "padding": 1, "groups": 3, "bias": false}, '
    '{"layer": "BatchNorm", "epsilon": 0.01, "momentum": 0.2}, {"layer": "ReLU"}, '
    '{"layer": "MaxPool", "size": 2, "stride": 1, "padding": 1}, '
    '{"layer": "Branch", "merge": "multiply", "body": [{"layer": "GlobalPool", "kind": "max"}, '
    '{"layer": "Dense", "units": 6, "bias": true}, {"layer": "Sigmoid"}], "shortcut": []}, '
    '{"layer": "Branch", "merge": "add", "body": [{"layer": "Conv", "filters": 6, "kernel": 1, "stride": 1, '
    '"padding": 0, "groups": 1, "bias": true}], "shortcut": [{"layer": "BatchNorm", "epsilon": 1e-05, '
    '"momentum": 0.1}]}, {"layer": "Flatten"}, {"layer": "Dropout", "rate": 0.5}, '
    '{"layer": "Dense", "units": 4, "bias": false}]'
)


@given(networks())
def test_a_network_goes_through_json_unchanged(network: Network) -> None:
    assert Network.from_dict(json.loads(json.dumps(network.as_dict()))) == network


def test_the_layer_list_of_an_older_model_file_opens_and_is_written_the_same() -> None:
    layers = json.loads(OLDER)
    network = Network.from_dict({"input_shape": [9, 6, 3], "mean": [0.5] * 3, "std": [0.2] * 3, "layers": layers})
    assert network.layers == (
        L.Conv(6, 3, stride=2, padding=1, groups=3, bias=False),
        L.BatchNorm(0.01, 0.2),
        L.ReLU(),
        L.MaxPool(2, 1, 1),
        L.Branch("multiply", (L.GlobalPool("max"), L.Dense(6), L.Sigmoid())),
        L.Branch("add", (L.Conv(6, 1),), (L.BatchNorm(),)),
        L.Flatten(),
        L.Dropout(0.5),
        L.Dense(4, bias=False),
    )
    assert json.dumps(network.as_dict()["layers"]) == OLDER


@pytest.mark.parametrize(
    ("layer", "written"),
    [
        (
            L.AveragePool(3, 2, (0, 0, 1, 1), count_include_pad=False),
            {"layer": "AveragePool", "size": 3, "stride": 2, "padding": [0, 0, 1, 1], "count_include_pad": False},
        ),
        (L.MaxPool(3, 2, (0, 1, 0, 1)), {"layer": "MaxPool", "size": 3, "stride": 2, "padding": [0, 1, 0, 1]}),
        (L.HardSwish(), {"layer": "HardSwish"}),
    ],
    ids=str,
)
def test_padding_by_side_is_a_list_of_four_in_json(layer: L.Layer, written: dict[str, Any]) -> None:
    assert layer_as_dict(layer) == written
    assert layer_from_dict(written) == layer


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"layer": "Attention"}, "Attention.* Dense, Conv, .*AveragePool"),
        ({}, "unknown"),
        ({"layer": ["Dense"]}, "unknown"),
        ("Dense", "unknown"),
        ({"layer": "Conv", "filters": 2, "kernel": 3, "padding": [1, 1]}, r"Conv: padding"),
        ({"layer": "Conv", "filters": 2, "kernel": 3, "padding": [[1], 1, 1, 1]}, r"Conv: padding"),
        ({"layer": "Branch", "merge": "add", "body": ["Dense"]}, "Branch: body"),
        ({"layer": "Branch", "merge": "add", "body": {"layer": "ReLU"}}, "Branch: body"),
        ({"layer": "Dense"}, "layer Dense: .*units"),
        ({"layer": "Dense", "units": 3, "unit": 4}, "layer Dense: .*'unit'"),
        ({"layer": "ReLU", "bias": True}, "layer ReLU: .*'bias'"),
        ({"layer": "Branch", "merge": "add", "body": [{"layer": "Nothing"}]}, "unknown.*Nothing"),
    ],
)
def test_a_layer_that_this_version_does_not_know_is_refused(values: Any, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        layer_from_dict(values)


def a_dict(**changes: Any) -> dict[str, Any]:
    return a_network(L.Flatten(), L.Dense(3), shape=(5, 4, 1)).as_dict() | changes


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
        a_dict(layers=[None]),
        a_dict(layers=None),
        a_dict(layers=[{"layer": ["Dense"]}]),
        a_dict(layers=[{"layer": "Branch", "merge": "add", "body": 3}]),
        a_dict(layers={"layer": "Flatten"}),
    ],
    ids=str,
)
def test_values_that_are_no_network_are_refused(values: Any) -> None:
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
