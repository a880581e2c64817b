"""Weights stored as float16, half the bytes, which onnxruntime turns into float32 once, when it opens the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx
    from onnx import NodeProto, TensorProto

FEWEST = 256  # numbers of a weight that is stored as float16: a node more is not worth less than 512 bytes
SUFFIX = ".float32"  # of the name of a weight once it is float32 again


def as_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its weights as float16, and a Cast to float32 behind each.

    Biases and other vectors stay float32, and so does a weight with values that float16 cannot hold. Sums are computed
    in float32 as before; only the rounding of the weights, by 1 part in 2,048 at most, changes the outputs.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = onnx.ModelProto()
    made.CopyFrom(model)
    casts = []
    for tensor in made.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < FEWEST:
            continue
        values = numpy_helper.to_array(tensor)
        if not np.abs(values).max() <= np.finfo(np.float16).max:
            continue
        half = numpy_helper.from_array(values.astype(np.float16), tensor.name)
        single = tensor.name + SUFFIX
        casts.append(helper.make_node("Cast", [tensor.name], [single], name=single, to=TensorProto.FLOAT))
        tensor.CopyFrom(half)
    rename_inputs(made.graph.node, {node.input[0]: node.output[0] for node in casts})
    others = list(made.graph.node)
    del made.graph.node[:]
    made.graph.node.extend([*casts, *others])
    return made


def as_single(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the weights that `as_half` stored as float32 again, under their names; any other is unchanged."""
    import onnx
    from onnx import numpy_helper

    made = onnx.ModelProto()
    made.CopyFrom(model)
    held = {tensor.name: tensor for tensor in made.graph.initializer}
    casts = {node.output[0]: node.input[0] for node in made.graph.node if _casts_weight(node, held)}
    for name in casts.values():
        values = numpy_helper.to_array(held[name]).astype(np.float32)
        held[name].CopyFrom(numpy_helper.from_array(values, name))
    others = [node for node in made.graph.node if node.output[0] not in casts]
    del made.graph.node[:]
    made.graph.node.extend(others)
    rename_inputs(made.graph.node, casts)
    return made


def _casts_weight(node: NodeProto, held: dict[str, TensorProto]) -> bool:
    from onnx import TensorProto

    if node.op_type != "Cast" or node.input[0] not in held or node.output[0] != node.input[0] + SUFFIX:
        return False
    return held[node.input[0]].data_type == TensorProto.FLOAT16


def rename_inputs(nodes: Iterable[NodeProto], names: dict[str, str]) -> None:
    """Give the nodes, and those of their subgraphs, other values to read."""
    for node in nodes:
        for number, name in enumerate(node.input):
            node.input[number] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename_inputs(attribute.g.node, names)
