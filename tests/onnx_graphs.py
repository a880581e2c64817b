"""Small ONNX files, as other programs write them, for tests of strangers' networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

CHANNELS, CLASSES = 6, 4
Dims = Sequence[int | str]
Input = tuple[str, int, Dims | None]
PICTURE: Input = ("image", TensorProto.FLOAT, ("N", 3, "H", "W"))


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, list(inputs), [output], **attributes)


def constants(**values: Any) -> list[TensorProto]:
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()]


def weights(seed: int = 0) -> list[TensorProto]:
    """Of a convolution (`kernel`), and of a classifier (`weight`, `bias`)."""
    rng = np.random.default_rng(seed)
    return constants(
        kernel=rng.normal(size=(CHANNELS, 3, 3, 3)).astype(np.float32),
        weight=rng.normal(size=(CLASSES, CHANNELS)).astype(np.float32),
        bias=rng.normal(size=CLASSES).astype(np.float32),
    )


def model(
    nodes: Sequence[NodeProto],
    outputs: Sequence[str],
    inputs: Sequence[Input] = (PICTURE,),
    held: Sequence[TensorProto] | None = None,
    opset: int = 17,
    **more: Any,
) -> onnx.ModelProto:
    """A model whose outputs are named; their types and shapes are for the reader to find."""
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    taken = [helper.make_tensor_value_info(*each) for each in inputs]
    graph = helper.make_graph(list(nodes), "stranger", taken, made, weights() if held is None else list(held))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)


def convolution(source: str = "image") -> list[NodeProto]:
    """From pictures (N, 3, H, W) to `planes` (N, CHANNELS, H, W)."""
    return [
        node("Conv", [source, "kernel"], "summed", pads=[1, 1, 1, 1]),
        node("Relu", ["summed"], "planes"),
    ]


def pooling() -> list[NodeProto]:
    """From `planes` to `features` (N, CHANNELS)."""
    return [node("GlobalAveragePool", ["planes"], "pooled"), node("Flatten", ["pooled"], "features")]


def classifier() -> list[NodeProto]:
    """From `features` to `scores` (N, CLASSES), a softmax."""
    return [
        node("Gemm", ["features", "weight", "bias"], "logits", transB=1),
        node("Softmax", ["logits"], "scores", axis=1),
    ]


def write(path: Path, made: onnx.ModelProto) -> Path:
    path.write_bytes(made.SerializeToString())
    return path
