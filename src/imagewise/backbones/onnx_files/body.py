"""The part of a file's graph between picture and features, cut out so that it fits into another graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnx.defs
import onnx.shape_inference
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from imagewise.backbones.onnx_files.picture_input import PictureInput
from imagewise.backbones.onnx_files.reading import first_line
from imagewise.backbones.onnx_files.values import Values
from imagewise.errors import ModelError

PREFIX = "backbone."  # of all names, so that none meets one of ours
LARGEST_VALUE = 2**28  # numbers in one value of one picture: 1 GiB of float32
LOWEST_OPSET = 9  # the first whose constants need not be inputs as well; our own nodes need no more


@dataclass(frozen=True, eq=False)
class Body:
    """Nodes and constants from a picture input to one value.

    Attributes:
        nodes, constants: named with `PREFIX`.
        input, output: names of values.
        opsets: the lowest that the nodes need, by domain.
    """

    nodes: tuple[NodeProto, ...]
    constants: tuple[TensorProto, ...]
    input: str
    output: str
    opsets: dict[str, int]


def cut_body(model: onnx.ModelProto, values: Values, picture: PictureInput, output: str) -> Body:
    """The body that makes the value `output`, without what only other outputs need, and without nodes' comments."""
    needed, names = values.behind(output)
    declared = {opset.domain: opset.version for opset in model.opset_import}
    opsets = {"": LOWEST_OPSET}
    nodes = []
    for node in needed:
        copied = helper.make_node(
            node.op_type,
            [PREFIX + name if name else "" for name in node.input],
            [PREFIX + name if name else "" for name in node.output],
            name=PREFIX + (node.name or node.output[0]),
            domain=node.domain,
        )
        copied.attribute.extend(node.attribute)
        nodes.append(copied)
        since = _since(node, declared.get(node.domain, 1))
        opsets[node.domain] = max(opsets.get(node.domain, 1), since)
    constants = []
    for tensor in model.graph.initializer:
        if tensor.name in names:
            named = TensorProto()
            named.CopyFrom(tensor)
            named.name = PREFIX + tensor.name
            named.ClearField("doc_string")
            constants.append(named)
    return Body(tuple(nodes), tuple(constants), PREFIX + picture.name, PREFIX + output, opsets)


def _since(node: NodeProto, declared: int) -> int:
    """The opset from which on the operator has the form that it has in `declared`."""
    try:
        return int(onnx.defs.get_schema(node.op_type, declared, node.domain).since_version)
    except onnx.defs.SchemaError:  # of another domain than ONNX's
        return declared


def bound_values(body: Body, picture: PictureInput, dims: Sequence[int], path: Path) -> None:
    """Refuse a body with a value that is too large, as far as shapes say so, for one picture of `dims`.

    Raises:
        ModelError: names the value; or the graph's shapes do not fit together.
    """
    start = helper.make_tensor_value_info(body.input, picture.elem_type, list(dims))
    end = onnx.ValueInfoProto(name=body.output)
    graph = helper.make_graph(list(body.nodes), "bound", [start], [end], list(body.constants))
    try:
        inferred = onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=opsets_of(body)), data_prop=True
        )
    except Exception as error:  # of several classes
        raise ModelError(
            f"{path}: the shapes of its graph do not fit ({first_line(error)}). Export it again."
        ) from error
    for value in inferred.graph.value_info:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim if dim.HasField("dim_value")]
        if (count := int(np.prod(sizes, dtype=np.float64))) > LARGEST_VALUE:
            raise ModelError(
                f"{path}: the value {value.name.removeprefix(PREFIX)} holds {count:,} numbers for one picture; a "
                f"backbone may have {LARGEST_VALUE:,}. Take a smaller network."
            )


def opsets_of(body: Body) -> list[onnx.OperatorSetIdProto]:
    """The opsets that a model with the body declares."""
    return [helper.make_opsetid(domain, version) for domain, version in body.opsets.items()]


def any_batch(body: Body, batch: int) -> Body:
    """The same body where each Reshape to `batch` pictures, as exporters write it, leaves their number open.

    The caller measures whether that makes it right for any number.
    """
    held = {tensor.name: tensor for tensor in body.constants}
    nodes, added = [], []
    for node in body.nodes:
        shape = held.get(node.input[1]) if node.op_type == "Reshape" and not node.domain else None
        opened = None if shape is None else _opened(numpy_helper.to_array(shape), batch, node)
        if opened is not None:
            copied = NodeProto()
            copied.CopyFrom(node)
            copied.input[1] = f"{node.output[0]}.shape"
            added.append(numpy_helper.from_array(opened, copied.input[1]))
            node = copied
        nodes.append(node)
    return replace(body, nodes=tuple(nodes), constants=(*body.constants, *added))


def _opened(shape: NDArray[np.generic], batch: int, node: NodeProto) -> NDArray[np.int64] | None:
    """The shape with its first axis open; None where it names no batch."""
    sizes = [int(size) for size in shape.ravel()]
    if not sizes or sizes[0] != batch:
        return None
    if -1 not in sizes:
        sizes[0] = -1
    elif any(attribute.name == "allowzero" and attribute.i for attribute in node.attribute):
        return None
    else:
        sizes[0] = 0  # as many as the input has
    return np.array(sizes, np.int64)
