"""8-bit integers for mobile networks: ReLU6 is part of the convolution, and equal constants are stored once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from contract import a_network, random_weights
from imagewise.export.quantization import quantize
from imagewise.model.half import as_half
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.networks import layers as L

BLOCK = (
    L.Conv(24, 1, bias=False),
    L.BatchNorm(),
    L.ReLU6(),
    L.Conv(24, 3, padding=1, groups=24, bias=False),
    L.BatchNorm(),
    L.ReLU6(),
    L.Conv(8, 1, bias=False),
    L.BatchNorm(),
)
NETWORK = a_network(
    L.Conv(8, 3, stride=2, padding=(0, 0, 1, 1), bias=False),
    L.BatchNorm(),
    L.ReLU6(),
    L.Branch("add", BLOCK),
    L.Branch("add", BLOCK),
    L.Conv(32, 1),
    L.ReLU6(),
    L.GlobalPool(),
    L.Dense(4),
    shape=(24, 24, 3),
)


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    levels = rng.random((60, 24, 24, 3)) * rng.random((60, 1, 1, 3)) * 255
    return levels.astype(np.uint8)


@pytest.fixture(scope="module")
def whole() -> onnx.ModelProto:
    return build_graph(NETWORK, random_weights(NETWORK))


def logits(content: bytes, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return Session(content, "model.onnx").run(pictures)[1]


def test_relu6_is_part_of_the_convolution_before_it(whole: onnx.ModelProto, pictures: NDArray[np.uint8]) -> None:
    content = quantize(whole.SerializeToString(), pictures)
    kinds = Counter(node.op_type for node in onnx.load_from_string(content).graph.node)
    assert kinds["Clip"] == 0
    wanted = logits(whole.SerializeToString(), pictures)
    difference = np.abs(logits(content, pictures) - wanted).max()
    assert difference < 0.1 * np.ptp(wanted, axis=0).max()


def test_no_constant_is_stored_twice(whole: onnx.ModelProto, pictures: NDArray[np.uint8]) -> None:
    held = onnx.load_from_string(quantize(whole.SerializeToString(), pictures)).graph.initializer
    contents = Counter((each.data_type, tuple(each.dims), each.raw_data or str(each)) for each in held if each.raw_data)
    assert max(contents.values()) == 1


def test_a_half_file_becomes_what_its_float32_weights_become(
    whole: onnx.ModelProto, pictures: NDArray[np.uint8]
) -> None:
    half = as_half(whole)
    held = onnx.load_from_string(quantize(half.SerializeToString(), pictures)).graph.initializer
    kinds = {each.data_type for each in held if len(each.dims) > 1 and np.prod(each.dims) >= 64}
    assert kinds == {onnx.TensorProto.INT8}
