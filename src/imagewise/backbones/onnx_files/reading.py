"""A stranger's ONNX file, read and checked before anything of it is run. Its last check is that onnxruntime runs it.

What is refused here: files that are larger than a backbone needs, weights in other files, control flow, operators of
domains that onnxruntime lacks. What is put in one form: functions are inlined, and every constant is an initializer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.inliner
from onnx import AttributeProto, NodeProto, TensorProto, numpy_helper

from imagewise.atomic import reason
from imagewise.errors import ModelError
from imagewise.model.session import other_kind

LARGEST_FILE = 2**30  # bytes; protobuf itself ends at twice that
MOST_NODES = 50_000  # a transformer of 48 blocks has some 5,000
LOWEST_OPSET = 7  # onnxruntime's own promise begins here
DOMAINS = frozenset({"", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"})  # of onnxruntime's own operators


class ReadFile(NamedTuple):
    """A file and its graph.

    Attributes:
        content: its bytes.
        model: checked, without functions; no initializer is an input.
        licence: as its metadata say; None where they do not.
    """

    content: bytes
    model: onnx.ModelProto
    licence: str | None


def read_file(path: Path) -> ReadFile:
    """Read and check the ONNX file of a backbone.

    Raises:
        ModelError: it cannot be read, is no ONNX, or holds something that no backbone may hold.
    """
    content = _bytes_of(path)
    try:
        model = onnx.load_from_string(content)
        is_text = all(isinstance(name, str) for name in _names(model))  # protobuf gives bytes for what is no UTF-8
    except Exception as error:  # protobuf's class depends on how it was built
        raise ModelError(_no_onnx(content, path)) from error
    if not is_text or not model.graph.node or not model.opset_import:
        raise ModelError(_no_onnx(content, path))
    model = _one_form(_inlined(model, path))
    _refuse(model, path)
    written = {each.key.lower(): each.value for each in model.metadata_props}
    return ReadFile(content, model, written.get("model_license") or written.get("license"))


def first_line(error: Exception) -> str:
    """The first line of what a library says, for a message of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise ModelError(
                f"{path}: has {size / 2**30:.1f} GiB; a backbone may have {LARGEST_FILE / 2**30:.0f}. Take a smaller "
                "network."
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}. Check the path.") from error


def _no_onnx(content: bytes, path: Path) -> str:
    kind = other_kind(content, path.name)
    if kind is not None:
        return f"{path}: {kind}, not an ONNX file. Export it to ONNX, or name a backbone of the catalog."
    return f"{path}: not an ONNX file, or only a part of one. Export it again, or copy it again."


def _names(model: onnx.ModelProto) -> Iterator[object]:
    """All text of a file that is read later."""
    graph = model.graph
    for each in (*model.opset_import, *model.functions):
        yield each.domain
    for prop in model.metadata_props:
        yield from (prop.key, prop.value)
    for node in _all_nodes((*graph.node, *(each for function in model.functions for each in function.node))):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    yield from (tensor.name for tensor in graph.initializer)
    for value in (*graph.input, *graph.output):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)


def _inlined(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Without functions of its own. Counts first what that would give: functions of functions grow exponentially."""
    if not model.functions:
        return model
    bodies = {(each.domain, each.name): each.node for each in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    waiting = dict(bodies)
    while waiting:
        ready = {
            key: nodes for key, nodes in waiting.items() if not any(_called(n) in waiting for n in _all_nodes(nodes))
        }
        if not ready:
            raise ModelError(f"{path}: its functions call themselves. Export it without functions.")
        for key, nodes in ready.items():
            sizes[key] = sum(sizes.get(_called(node), 1) for node in _all_nodes(nodes))
            del waiting[key]
    _bound_nodes(sum(sizes.get(_called(node), 1) for node in _all_nodes(model.graph.node)), path)
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:
        raise ModelError(f"{path}: its functions cannot be inlined ({first_line(error)}). Export it again.") from error


def _called(node: NodeProto) -> tuple[str, str]:
    return node.domain, node.op_type


def _all_nodes(nodes: object) -> Iterator[NodeProto]:
    """The nodes and those of their subgraphs."""
    for node in nodes:  # type: ignore[attr-defined]
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _all_nodes(graph.node)


def _one_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """Constants as initializers, which are no inputs (as they were before IR version 4); one name for a domain."""
    graph = model.graph
    kept = []
    for node in graph.node:
        if node.domain == "ai.onnx":
            node.domain = ""
        constant = _constant(node)
        if constant is None:
            kept.append(node)
        else:
            constant.name = node.output[0]
            graph.initializer.append(constant)
    for opset in model.opset_import:
        if opset.domain == "ai.onnx":
            opset.domain = ""
    held = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in held]
    del graph.node[:], graph.input[:]
    graph.node.extend(kept)
    graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)
    return model


def _constant(node: NodeProto) -> TensorProto | None:
    """What a Constant holds, unless it is text or sparse."""
    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx") or len(node.attribute) != 1:
        return None
    (attribute,) = node.attribute
    match attribute.name:
        case "value":
            tensor = TensorProto()
            tensor.CopyFrom(attribute.t)
            return tensor
        case "value_float":
            return numpy_helper.from_array(np.array(attribute.f, np.float32))
        case "value_floats":
            return numpy_helper.from_array(np.array(attribute.floats, np.float32))
        case "value_int":
            return numpy_helper.from_array(np.array(attribute.i, np.int64))
        case "value_ints":
            return numpy_helper.from_array(np.array(attribute.ints, np.int64))
        case _:
            return None


def _refuse(model: onnx.ModelProto, path: Path) -> None:
    graph = model.graph
    _bound_nodes(len(graph.node), path)
    if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in _tensors(graph)):
        raise ModelError(
            f"{path}: its weights are in another file. Put them into one: onnx.save(onnx.load({path.name!r}), "
            "'whole.onnx'), or export with external_data=False."
        )
    if graph.sparse_initializer or any(a.HasField("sparse_tensor") for n in graph.node for a in n.attribute):
        raise ModelError(f"{path}: has sparse weights, which imagewise does not read. Export it with dense ones.")
    control = Counter(node.op_type for node in graph.node if any(a.HasField("g") or a.graphs for a in node.attribute))
    if control:
        raise ModelError(
            f"{path}: has control flow ({', '.join(sorted(control))}), which a backbone may not have. Export it for a "
            "fixed size of picture, by tracing."
        )
    foreign = sorted({f"{node.op_type} of {node.domain}" for node in graph.node if node.domain not in DOMAINS})
    if foreign:
        raise ModelError(
            f"{path}: needs operators that onnxruntime lacks: {', '.join(foreign[:3])}. Export it with ONNX's own."
        )
    opset = max((each.version for each in model.opset_import if not each.domain), default=0)
    if opset < LOWEST_OPSET:
        raise ModelError(
            f"{path}: is of opset {opset}; onnxruntime reads {LOWEST_OPSET} and later. Export it again, or raise it "
            "with onnx.version_converter."
        )


def _bound_nodes(count: int, path: Path) -> None:
    if count > MOST_NODES:
        raise ModelError(f"{path}: has {count:,} nodes; a backbone may have {MOST_NODES:,}. Take a smaller network.")


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t
            yield from attribute.tensors
