"""The graph of a model file: valid, of standard operators, for runtimes as old as can be."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from contract import (
    a_network,
    assert_same_logits,
    random_images,
    random_weights,
    reference_logits,
)
from imagewise.errors import NetworkError
from imagewise.model.model import load_model, shipped_model
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.networks import layers as L
from imagewise.networks.architectures import builders
from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.network import Network
from network_cases import CASES, networks

NEWEST_OPSET = 21  # the newest that the oldest onnxruntime in use (1.20) reads


def with_opset(graph: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The same nodes, read by another opset's rules."""
    changed = onnx.ModelProto()
    changed.CopyFrom(graph)
    changed.opset_import[0].version = opset
    changed.ir_version = helper.find_min_ir_version_for(changed.opset_import)
    return changed


def opset_of(graph: onnx.ModelProto) -> int:
    (opset,) = graph.opset_import
    assert opset.domain == ""
    return int(opset.version)


@given(network=networks())
@settings(max_examples=25)
def test_the_graph_is_valid_whole_and_only_of_standard_operators(network: Network) -> None:
    graph = build_graph(network, random_weights(network))
    onnx.checker.check_model(graph, full_check=True)
    assert {node.domain for node in graph.graph.node} == {""}
    assert not any(constant.external_data for constant in graph.graph.initializer)
    assert [value.name for value in graph.graph.input] == ["pictures"]
    assert [value.name for value in graph.graph.output] == ["probabilities", "logits"]


@pytest.mark.parametrize(
    ("layers", "opset", "ir_version"),
    [
        ((L.Conv(4, 3), L.BatchNorm(), L.ReLU(), L.GlobalPool(), L.Dense(3)), 9, 4),
        (
            (L.Conv(4, 3, 2, (0, 0, 1, 1)), L.MaxPool(2, 2), L.AveragePool(2, 1, 1, False), L.Flatten(), L.BatchNorm()),
            9,
            4,
        ),
        ((L.HardSwish(), L.HardSigmoid(), L.SiLU(), L.Sigmoid(), L.GlobalPool("max"), L.Dense(3)), 9, 4),
        ((L.Branch("multiply", (L.GlobalPool(), L.Dense(3), L.Sigmoid())), L.Flatten()), 9, 4),
        ((L.Flatten(), L.Dense(3, bias=False), L.BatchNorm()), 9, 4),
        ((L.Flatten(), L.Dense(3, bias=False)), 11, 6),
        ((L.ReLU6(), L.Flatten()), 11, 6),
        ((L.AveragePool(2, 1, 1), L.Flatten()), 11, 6),
        ((L.AveragePool(2, 2), L.Flatten()), 9, 4),
    ],
)
def test_the_opset_and_ir_version_are_what_the_layers_need(
    layers: tuple[L.Layer, ...], opset: int, ir_version: int
) -> None:
    network = a_network(*layers)
    graph = build_graph(network, random_weights(network))
    assert (opset_of(graph), graph.ir_version) == (opset, ir_version)


@pytest.mark.parametrize("network", CASES.values(), ids=CASES)
def test_no_lower_opset_with_its_ir_version_would_be_valid(network: Network) -> None:
    graph = build_graph(network, random_weights(network))
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(with_opset(graph, opset_of(graph) - 1), full_check=True)


@given(network=networks(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_a_graph_means_the_same_at_every_opset_from_its_own_to_the_newest(network: Network, seed: int) -> None:
    weights, images = random_weights(network, seed), random_images(network)
    graph = build_graph(network, weights)
    wanted = reference_logits(network, weights, images)
    for opset in {opset_of(graph), 11, 12, 13, 14, 15, 17, 18, NEWEST_OPSET}:
        if opset >= opset_of(graph):
            moved = with_opset(graph, opset)
            onnx.checker.check_model(moved, full_check=True)
            assert_same_logits(Session(moved.SerializeToString(), "a model").run(images)[1], wanted)


@pytest.mark.parametrize("name", [*builders(), "squeeze and excitation"])
def test_no_operator_is_written_that_opencv_or_an_older_runtime_does_not_read(name: str) -> None:
    network = CASES[name] if name in CASES else Network((32, 32, 3), (0.5,) * 3, (0.5,) * 3, builders()[name](3))
    kinds = {node.op_type for node in build_graph(network, random_weights(network)).graph.node}
    assert kinds.isdisjoint({"Unsqueeze", "HardSwish", "Squeeze"})


def test_the_shipped_model_file_gives_the_logits_of_its_network_written_today() -> None:
    shipped = onnx.load(shipped_model())
    network = Network.from_dict(load_model().card.network)
    empty = {name: np.zeros(shape, np.float32) for name, shape in network.weight_shapes().items()}
    folded, _ = fold_batch_norm(network, empty)
    held = {constant.name: numpy_helper.to_array(constant) for constant in shipped.graph.initializer}
    weights = {name: held[name] for name in folded.weight_shapes()}
    images = random_images(network, 20)
    today = Session(build_graph(folded, weights).SerializeToString(), "today").run(images)
    for found, wanted in zip(today, Session(shipped_model().read_bytes(), "shipped").run(images), strict=True):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("change", ["missing", "more", "shape", "float64"])
def test_weights_of_another_network_are_refused_and_named(change: str) -> None:
    network = a_network(L.Flatten(), L.Dense(4))
    weights = random_weights(network)
    match change:
        case "missing":
            del weights["1.bias"]
        case "more":
            weights["2.bias"] = weights["1.bias"]
        case "shape":
            weights["1.bias"] = weights["1.bias"][:3]
        case "float64":
            weights["1.bias"] = weights["1.bias"].astype(np.float64)
    with pytest.raises(NetworkError, match=r"[12]\.bias"):
        build_graph(network, weights)
