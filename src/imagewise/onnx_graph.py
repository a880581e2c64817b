"""The ONNX writer of a network: layer list and canonical weights to a graph, with the onnx package's builders.

Milliseconds, where a generic tracer takes 2 to 8 s. Input `pictures` uint8 (N, H, W, C); outputs `logits` and
`probabilities` float32 (N, classes). Normalisation lives in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from imagewise.folding import fold_batch_norm
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
    output_shape,
    stack_shape,
)
from imagewise.network import Network, Weights

OPSET = 17  # 2022: old enough for every runtime in use, and has all that is needed
IR_VERSION = 8  # what opset 17 came with


def build_graph(network: Network, weights: Weights) -> onnx.ModelProto:
    """The whole model but its metadata. Raises NetworkError where the weights are not the network's."""
    network.check_weights(weights)
    network, weights = fold_batch_norm(network, weights)
    writer = _Writer(weights)
    value = writer.normalized(network)
    logits = writer.stack(network.layers, network.planes, value, "")
    writer.add("Identity", [logits], output="logits")
    writer.add("Softmax", ["logits"], output="probabilities", axis=1)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", network.classes])
        for name in ("probabilities", "logits")
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", *network.input_shape])
    graph = helper.make_graph(writer.nodes, "imagewise", [pictures], outputs, writer.constants)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="imagewise",
    )
    onnx.checker.check_model(model)
    return model


def with_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The bytes of model.onnx: the graph with `metadata_props`."""
    helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


class _Writer:
    """Appends nodes; each method takes the name of a value and returns the name of what it made."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._weights = weights

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, value: NDArray[np.generic], name: str) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def normalized(self, network: Network) -> str:
        scale, shift = (v[:, None, None] for v in network.scale_and_shift)
        value = self.add("Cast", ["pictures"], to=TensorProto.FLOAT)
        value = self.add("Transpose", [value], perm=[0, 3, 1, 2])
        value = self.add("Mul", [value, self.constant(scale, "scale")])
        return self.add("Add", [value, self.constant(shift, "shift")]) if shift.any() else value

    def stack(self, layers: tuple[Layer, ...], shape: Shape, value: str, prefix: str) -> str:
        for number, layer in enumerate(layers):
            value = self._layer(layer, shape, value, f"{prefix}{number}.")
            shape = output_shape(layer, shape)
        return value

    def _weight(self, prefix: str, *parts: str) -> list[str]:
        return [self.constant(self._weights[prefix + part], prefix + part) for part in parts]

    def _layer(self, layer: Layer, shape: Shape, value: str, prefix: str) -> str:
        match layer:
            case Dense():
                weights = self._weight(prefix, *(("weight", "bias") if layer.bias else ("weight",)))
                return self.add("Gemm", [value, *weights], transB=1)
            case Conv():
                weights = self._weight(prefix, *(("weight", "bias") if layer.bias else ("weight",)))
                return self.add(
                    "Conv",
                    [value, *weights],
                    kernel_shape=[layer.kernel] * 2,
                    strides=[layer.stride] * 2,
                    pads=[layer.padding] * 4,
                    group=layer.groups,
                )
            case BatchNorm():
                weights = self._weight(prefix, "weight", "bias", "running_mean", "running_var")
                return self.add("BatchNormalization", [value, *weights], epsilon=layer.epsilon)
            case ReLU() | Sigmoid():
                return self.add("Relu" if isinstance(layer, ReLU) else "Sigmoid", [value])
            case MaxPool():
                return self.add(
                    "MaxPool",
                    [value],
                    kernel_shape=[layer.size] * 2,
                    strides=[layer.stride] * 2,
                    pads=[layer.padding] * 4,
                )
            case GlobalPool():
                pooled = self.add("GlobalMaxPool" if layer.kind == "max" else "GlobalAveragePool", [value])
                return self.add("Flatten", [pooled])
            case Flatten():
                return self.add("Flatten", [value]) if len(shape) == 3 else value
            case Dropout():
                return value
            case Branch():
                return self._branch(layer, shape, value, prefix)

    def _branch(self, layer: Branch, shape: Shape, value: str, prefix: str) -> str:
        body = self.stack(layer.body, shape, value, f"{prefix}body.")
        shortcut = self.stack(layer.shortcut, shape, value, f"{prefix}shortcut.")
        if len(output_shape(layer, shape)) == 3 and len(stack_shape(layer.body, shape)) == 1:
            axes = self.constant(np.array([2, 3]), f"{prefix}plane_axes")
            body = self.add("Unsqueeze", [body, axes])
        return self.add("Mul" if layer.merge == "multiply" else "Add", [body, shortcut])
