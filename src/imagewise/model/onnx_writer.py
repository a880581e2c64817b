"""The ONNX writer of a network: layer list and canonical weights to a graph, with the onnx package's builders.

Milliseconds, where a generic tracer takes 2 to 8 s. Input `pictures` uint8 (N, H, W, C); outputs `probabilities` and
`logits` float32 (N, classes). Normalisation is part of the graph. The graph declares the lowest opset and IR version
that it needs, so that older runtimes load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from imagewise.networks import layers as L
from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.layers import Layer, Shape
from imagewise.networks.network import Network, Weights

# IR version 4, which came with opset 9, is the first whose constants need not be inputs as well.
LOWEST_OPSET = 9
# The opset from which on the form that is written here holds, up to the newest. Forms that a later opset took back
# (Unsqueeze with its axes as an attribute, Clip with its limits as attributes) are not used.
_SINCE = {
    "Add": 7,
    "AveragePool": 7,
    "BatchNormalization": 9,
    "Cast": 9,
    "Clip": 11,
    "Concat": 4,
    "Conv": 1,
    "Flatten": 9,
    "Gemm": 7,
    "Gemm without bias": 11,
    "GlobalAveragePool": 1,
    "GlobalMaxPool": 1,
    "HardSigmoid": 6,
    "Identity": 1,
    "MaxPool": 1,
    "Mul": 7,
    "Pad": 11,
    "Relu": 6,
    "Reshape": 5,
    "Sigmoid": 6,
    "Softmax": 1,  # of two axes; of more it changed with 13
    "Transpose": 1,
}


def build_graph(network: Network, weights: Weights) -> onnx.ModelProto:
    """The whole model but its metadata. Raises NetworkError where the weights are not the network's."""
    network.check_weights(weights)
    network, weights = fold_batch_norm(network, weights)
    writer = _Writer(weights)
    logits = writer.network(network)
    writer.add("Identity", [logits], output="logits")
    writer.add("Softmax", ["logits"], output="probabilities", axis=1)
    return writer.model(network, ["probabilities", "logits"])


def build_feature_graph(network: Network, weights: Weights) -> onnx.ModelProto:
    """From `pictures` to `features`, float32 (N, features), of a network whose last layer makes features.

    Raises:
        NetworkError: the weights are not the network's.
    """
    network.check_weights(weights)
    network, weights = fold_batch_norm(network, weights)
    writer = _Writer(weights)
    writer.add("Identity", [writer.network(network)], output="features")
    return writer.model(network, ["features"])


def with_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The bytes of model.onnx: the graph with `metadata_props`."""
    helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


class _Writer:
    """Appends nodes; each method takes the name of a value and returns the name of what it made.

    Attributes:
        nodes, constants: of the graph so far.
        opset: the lowest that these nodes need.
    """

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.opset = LOWEST_OPSET
        self._weights = weights

    def add(
        self, kind: str, inputs: list[str], output: str | None = None, form: str | None = None, **attributes: Any
    ) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        self.opset = max(self.opset, _SINCE[form or kind])
        return name

    def constant(self, value: NDArray[np.generic], name: str) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def network(self, network: Network) -> str:
        """All of a network, from the input `pictures` on."""
        return self.stack(network.layers, network.planes, self.normalized(network), "")

    def model(self, network: Network, outputs: list[str]) -> onnx.ModelProto:
        """The finished graph with outputs of shape (N, what the network makes), checked."""
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", network.classes]) for name in outputs]
        pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", *network.input_shape])
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model(
            helper.make_graph(self.nodes, "imagewise", [pictures], made, self.constants),
            opset_imports=[opset],
            ir_version=helper.find_min_ir_version_for([opset]),
            producer_name="imagewise",
        )
        onnx.checker.check_model(model)
        return model

    def normalized(self, network: Network) -> str:
        scale, shift = (v[:, None, None] for v in network.scale_and_shift)
        value = self.add("Cast", ["pictures"], to=TensorProto.FLOAT)
        value = self.add("Transpose", [value], perm=[0, 3, 1, 2])
        value = self.add("Mul", [value, self.constant(scale, "scale")])
        return self.add("Add", [value, self.constant(shift, "shift")]) if shift.any() else value

    def stack(self, layers: tuple[Layer, ...], shape: Shape, value: str, prefix: str) -> str:
        for number, layer in enumerate(layers):
            value = self._layer(layer, shape, value, f"{prefix}{number}.")
            shape = layer.output_shape(shape)
        return value

    def _weight(self, prefix: str, *parts: str) -> list[str]:
        return [self.constant(self._weights[prefix + part], prefix + part) for part in parts]

    def _layer(self, layer: Layer, shape: Shape, value: str, prefix: str) -> str:
        match layer:
            case L.Dense():
                weights = self._weight(prefix, *(("weight", "bias") if layer.bias else ("weight",)))
                form = None if layer.bias else "Gemm without bias"
                return self.add("Gemm", [value, *weights], form=form, transB=1)
            case L.Conv():
                weights = self._weight(prefix, *(("weight", "bias") if layer.bias else ("weight",)))
                return self.add("Conv", [value, *weights], **_window(layer, layer.kernel), group=layer.groups)
            case L.BatchNorm():
                weights = self._weight(prefix, "weight", "bias", "running_mean", "running_var")
                return self.add("BatchNormalization", [value, *weights], epsilon=layer.epsilon)
            case L.ReLU():
                return self.add("Relu", [value])
            case L.ReLU6():
                limits = {"least": 0, "most": 6}
                constants = [self.constant(np.array(v, np.float32), prefix + name) for name, v in limits.items()]
                return self.add("Clip", [value, *constants])
            case L.Sigmoid():
                return self.add("Sigmoid", [value])
            case L.HardSigmoid():
                return self._hard_sigmoid(value)
            case L.HardSwish():
                # ONNX's own HardSwish needs opset 14 and is defined as these two
                return self.add("Mul", [value, self._hard_sigmoid(value)])
            case L.SiLU():
                return self.add("Mul", [value, self.add("Sigmoid", [value])])
            case L.MaxPool():
                return self.add("MaxPool", [value], **_window(layer, layer.size))
            case L.AveragePool():
                return self._average_pool(layer, value, prefix)
            case L.GlobalPool():
                pooled = self.add("GlobalMaxPool" if layer.kind == "max" else "GlobalAveragePool", [value])
                return self.add("Flatten", [pooled])
            case L.Flatten():
                return self.add("Flatten", [value]) if len(shape) == 3 else value
            case L.Dropout():
                return value
            case L.Branch():
                return self._branch(layer, shape, value, prefix)
            case _:
                assert_never(layer)

    def _average_pool(self, layer: L.AveragePool, value: str, prefix: str) -> str:
        attributes = _window(layer, layer.size)
        if layer.count_include_pad and any(layer.sides):
            # Pad and not the attribute count_include_pad, which OpenCV ignores in silence; onnxruntime fuses the two
            top, left, bottom, right = attributes.pop("pads")
            pads = self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64), f"{prefix}pads")
            value = self.add("Pad", [value, pads])
        return self.add("AveragePool", [value], **attributes)

    def _hard_sigmoid(self, value: str) -> str:
        return self.add("HardSigmoid", [value], alpha=1 / 6, beta=0.5)  # ONNX's default slope is 0.2

    def _branch(self, layer: L.Branch, shape: Shape, value: str, prefix: str) -> str:
        body = self.stack(layer.body, shape, value, f"{prefix}body.")
        shortcut = self.stack(layer.shortcut, shape, value, f"{prefix}shortcut.")
        if layer.merge == "concat":
            return self.add("Concat", [body, shortcut], axis=1)
        if layer.is_gated(shape):
            # Reshape and not Unsqueeze: OpenCV reads no Unsqueeze of two axes at once, and its form changed with 13
            planes = np.array([-1, layer.output_shape(shape)[0], 1, 1], dtype=np.int64)
            body = self.add("Reshape", [body, self.constant(planes, f"{prefix}planes")])
        return self.add("Mul" if layer.merge == "multiply" else "Add", [body, shortcut])


def _window(layer: L.Conv | L.MaxPool | L.AveragePool, size: int) -> dict[str, Any]:
    """The attributes of a window; ONNX's order of the padding is ours: top, left, bottom, right."""
    return {"kernel_shape": [size] * 2, "strides": [layer.stride] * 2, "pads": list(layer.sides)}
