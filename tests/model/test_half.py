"""Weights as float16: half the bytes, nearly the same answers, and float32 again where something reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from contract import write_model
from imagewise.export.onnx_reader import read_network
from imagewise.model.half import as_half, as_single
from imagewise.model.model import Model
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.networks.architectures import build_layers
from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.initialization import initial_weights
from imagewise.networks.network import Network, Weights

SIDE = 32


def network() -> tuple[Network, Weights]:
    layers = build_layers("resnet", {"widths": [32, 64], "blocks": 2, "squeeze": 4}, 5)
    made = Network((SIDE, SIDE, 3), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), layers)
    return made, initial_weights(made, "he", 0)


def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)


def logits(model: onnx.ModelProto) -> NDArray[np.float32]:
    return Session(model.SerializeToString(), "model.onnx").run(pictures())[1]


def test_the_file_has_half_the_bytes_and_nearly_the_same_answers() -> None:
    whole = build_graph(*network())
    half = as_half(whole)
    onnx.checker.check_model(half, full_check=True)
    assert half.ByteSize() < 0.53 * whole.ByteSize()
    wanted = logits(whole)
    difference = np.abs(logits(half) - wanted).max()
    assert 0 < difference < 2e-3 * np.abs(wanted).max()
    assert [each.version for each in half.opset_import] == [each.version for each in whole.opset_import]


def test_answers_are_exactly_those_of_rounded_weights_in_float32() -> None:
    made, weights = network()
    folded, held = fold_batch_norm(made, weights)
    large = {name: value.ndim > 1 and value.size >= 256 for name, value in held.items()}
    rounded = {n: v.astype(np.float16).astype(np.float32) if large[n] else v for n, v in held.items()}
    assert np.array_equal(logits(as_half(build_graph(made, weights))), logits(build_graph(folded, rounded)))


def test_weights_come_back_under_their_names() -> None:
    whole = build_graph(*network())
    back = as_single(as_half(whole))
    names = [[each.name for each in model.graph.initializer] for model in (back, whole)]
    assert names[0] == names[1]
    assert list(back.graph.node) == list(whole.graph.node)
    for found, wanted in zip(back.graph.initializer, whole.graph.initializer, strict=True):
        assert found.data_type == wanted.data_type
        np.testing.assert_allclose(
            numpy_helper.to_array(found), numpy_helper.to_array(wanted), rtol=2**-11, atol=2**-24
        )


def test_a_graph_without_float16_comes_back_as_it_is() -> None:
    whole = build_graph(*network())
    assert as_single(whole) == whole


@pytest.mark.parametrize("value", [1e5, np.inf, np.nan])
def test_a_weight_that_float16_cannot_hold_stays_as_it_is(value: float) -> None:
    made, weights = network()
    weights = {name: array.copy() for name, array in weights.items()}
    last = [name for name in weights if name.endswith("weight")][-1]
    weights[last][0, 0] = value
    kept = as_half(build_graph(made, weights)).graph.initializer
    kinds = {each.data_type for each in kept if list(each.dims) == list(weights[last].shape)}
    assert kinds == {TensorProto.FLOAT}


def test_weights_that_a_subgraph_reads_are_halved_too() -> None:
    weight = numpy_helper.from_array(np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32), "weight")
    row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [1, 16])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 16])
    body = helper.make_graph([helper.make_node("MatMul", ["row", "weight"], ["out"])], "body", [row], [out])
    scan = helper.make_node("Scan", ["rows"], ["outs"], body=body, num_scan_inputs=1)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1, 16]) for name in ("rows", "outs")]
    model = helper.make_model(
        helper.make_graph([scan], "scan", ends[:1], ends[1:], [weight]), opset_imports=[helper.make_opsetid("", 11)]
    )
    half = as_half(model)
    onnx.checker.check_model(half, full_check=True)
    assert half.graph.initializer[0].data_type == TensorProto.FLOAT16
    assert as_single(half).graph.node[0] == model.graph.node[0]


def test_the_network_of_a_half_file_is_read_as_float32(tmp_path: Path) -> None:
    made, weights = network()
    file = write_model(tmp_path / "model.onnx", made, weights)
    file.write_bytes(as_half(onnx.load(file)).SerializeToString())
    found, held = read_network(file, Model.open(file))
    folded, wanted = fold_batch_norm(made, weights)
    assert found == folded
    for name, value in wanted.items():
        assert held[name].dtype == np.float32
        np.testing.assert_allclose(held[name], value, rtol=2**-11, atol=2**-24)
