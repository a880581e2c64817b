"""Graphs of imagewise's form out of a stranger's: `pictures` in, `features`, or `probabilities` and `logits`, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from imagewise.backbones.onnx_files.body import Body, opsets_of
from imagewise.backbones.onnx_files.normalization import Normalization
from imagewise.backbones.onnx_files.picture_input import Layout, PictureInput

Pooling = Literal["none", "planes", "planes last", "tokens"]


@dataclass(frozen=True, eq=False)
class Parts:
    """A body, and what belongs around it.

    Attributes:
        picture: its input.
        layout: which axis of the input are the colours.
        pooling: from the body's output to (N, features): `none`, it is that; `planes`, the mean over (N, features, H,
            W); `planes last`, over (N, H, W, features); `tokens`, over (N, tokens, features).
        cast: the body's output is of another floating type than float32.
        one_by_one: the body takes one picture a run; a Scan feeds it one after the other.
    """

    body: Body
    picture: PictureInput
    layout: Layout
    pooling: Pooling = "none"
    cast: bool = False
    one_by_one: bool = False


Head = tuple[NDArray[np.float32], NDArray[np.float32]]  # weight (classes, features) and bias (classes,)


def assemble(
    parts: Parts, side: int, normalization: Normalization | None, features: int, head: Head | None
) -> onnx.ModelProto:
    """The whole graph for pictures uint8 (N, side, side, 3), checked.

    Args:
        normalization: None for an input of uint8.
        features: length of the feature vector.
        head: None makes `features` the output.
    """
    graph = _Graph()
    value = _prepared(graph, parts, normalization)
    value = _one_by_one(graph, parts, side, value, features) if parts.one_by_one else _all_at_once(graph, parts, value)
    graph.constants += parts.body.constants
    if head is None:
        graph.add("Identity", [value], output="features")
        outputs = {"features": features}
    else:
        weight, bias = head
        logits = [value, graph.constant(weight, "head.weight"), graph.constant(bias, "head.bias")]
        graph.add("Gemm", logits, output="logits", transB=1)
        graph.add("Softmax", ["logits"], output="probabilities", axis=1)
        outputs = dict.fromkeys(("probabilities", "logits"), len(bias))
    return graph.model(parts.body, side, outputs)


def bare(parts: Parts, dims: list[int | str]) -> onnx.ModelProto:
    """The body alone, from its own input of `dims` to its output: to look at what it does."""
    body = parts.body
    start = helper.make_tensor_value_info(body.input, parts.picture.elem_type, dims)
    end = onnx.ValueInfoProto(name=body.output)  # onnxruntime finds type and shape
    graph = helper.make_graph(list(body.nodes), "body", [start], [end], list(body.constants))
    return _model(graph, body)


class _Graph:
    """Nodes and constants of our own, and the body's."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, value: NDArray[np.generic], name: str) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def model(self, body: Body, side: int, outputs: dict[str, int]) -> onnx.ModelProto:
        pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", side, side, 3])
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in outputs.items()]
        model = _model(helper.make_graph(self.nodes, "imagewise", [pictures], made, self.constants), body)
        onnx.checker.check_model(model)
        return model


def _model(graph: onnx.GraphProto, body: Body) -> onnx.ModelProto:
    opsets = opsets_of(body)
    ir_version = helper.find_min_ir_version_for(opsets, ignore_unknown=True)
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, producer_name="imagewise")


def _prepared(graph: _Graph, parts: Parts, normalization: Normalization | None) -> str:
    """From `pictures` to the body's input, for many pictures."""
    value = "pictures"
    if normalization is not None:
        value = graph.add("Cast", [value], to=TensorProto.FLOAT)
    if parts.layout == "NCHW":
        value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    if normalization is None:
        return value
    axis, shape = (1, (3, 1, 1)) if parts.layout == "NCHW" else (3, (3,))
    if normalization.is_bgr:
        order = graph.constant(np.array([2, 1, 0], np.int64), "order")
        value = graph.add("Gather", [value, order], axis=axis)
    scale, shift = normalization.scale_and_shift
    value = graph.add("Mul", [value, graph.constant(scale.reshape(shape), "scale")])
    return graph.add("Add", [value, graph.constant(shift.reshape(shape), "shift")]) if shift.any() else value


def _all_at_once(graph: _Graph, parts: Parts, value: str) -> str:
    graph.add("Identity", [value], output=parts.body.input)
    graph.nodes += parts.body.nodes
    return _pooled(graph, parts)


def _one_by_one(graph: _Graph, parts: Parts, side: int, value: str, features: int) -> str:
    """A Scan over the pictures; the body's constants are the outer graph's."""
    inner = _Graph()
    dims = [3, side, side] if parts.layout == "NCHW" else [side, side, 3]
    one = graph.constant(np.array([1, *dims], np.int64), "one_picture")
    flat = graph.constant(np.array([features], np.int64), "one_vector")
    inner.add("Reshape", ["picture", one], output=parts.body.input)
    inner.nodes += parts.body.nodes
    inner.add("Reshape", [_pooled(inner, parts), flat], output="vector")
    start = helper.make_tensor_value_info("picture", parts.picture.elem_type, dims)
    end = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [features])
    body = helper.make_graph(inner.nodes, "one_by_one", [start], [end])
    return graph.add("Scan", [value], body=body, num_scan_inputs=1)


def _pooled(graph: _Graph, parts: Parts) -> str:
    value = parts.body.output
    if parts.cast:
        value = graph.add("Cast", [value], to=TensorProto.FLOAT)
    if parts.pooling == "none":
        return value
    if parts.pooling == "planes last":
        value = graph.add("Transpose", [value], perm=[0, 3, 1, 2])
    elif parts.pooling == "tokens":
        value = graph.add("Transpose", [value], perm=[0, 2, 1])
    return graph.add("Flatten", [graph.add("GlobalAveragePool", [value])])
