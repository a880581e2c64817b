"""Which value of a graph are the features: the named one, its output, or the input of its classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onnx import NodeProto

from imagewise.backbones.onnx_files.values import Values
from imagewise.errors import ModelError, did_you_mean

MOST_CANDIDATES = 5
# What may follow a classifier's weights; of two inputs, one is constant (a bias, a temperature).
_AFTERWARDS = frozenset(
    {"Softmax", "LogSoftmax", "Sigmoid", "Identity", "Flatten", "Squeeze", "Unsqueeze", "Reshape", "Cast", "Dropout"}
    | {"Add", "Sub", "Mul", "Div", "QuantizeLinear", "DequantizeLinear"}
)
_SPATIAL_MEANS = frozenset({"GlobalAveragePool", "ReduceMean"})


@dataclass(frozen=True)
class Chosen:
    """The value that is the features.

    Attributes:
        name: of the value.
        why: for the line that says what was chosen: "as named", "its output", "the input of its classifier".
    """

    name: str
    why: str


def choose_output(values: Values, named: str | None, path: Path) -> Chosen:
    """The value that gives features.

    Args:
        named: by the user; any value that the graph computes. None chooses.

    Raises:
        ModelError: there is no value of that name, it does not depend on the picture, or there are several to choose
            from; lists them.
    """
    if named is not None:
        return Chosen(_checked(values, named, path), "as named")
    outputs = [name for name in values.outputs if name in values.live]
    if not outputs:
        raise ModelError(f"{path}: none of its outputs depends on its input. Export it again.")
    classifiers = [_classifier(values, name) for name in outputs]
    first = classifiers[0]
    if first is not None and all(node is first for node in classifiers):
        return Chosen(first.input[0], "the input of its classifier")
    if len(outputs) > 1:
        raise ModelError(f"{path}: has {len(outputs)} outputs. {_name_one(values)}")
    return Chosen(outputs[0], "its output")


def candidates(values: Values) -> list[str]:
    """Names of values that are likely to be features, the latest first."""
    found = []
    for node in reversed(values.graph.node):
        if _weighs(values, node):
            found.append(node.input[0])
        elif node.op_type == "GlobalAveragePool":
            found.append(node.output[0])
    return list(dict.fromkeys([*(name for name in values.outputs if name in values.live), *found]))


def _name_one(values: Values) -> str:
    names = candidates(values)
    return f"Name one with --backbone-output; likely ones: {', '.join(names[:MOST_CANDIDATES])}."


def _checked(values: Values, named: str, path: Path) -> str:
    if named not in values.makers:
        computed = [name for name in values.makers if name in values.live]
        raise ModelError(f"{path}: computes no value {named!r}.{did_you_mean(named, computed)} {_name_one(values)}")
    if named not in values.live:
        raise ModelError(f"{path}: {named!r} does not depend on the picture. {_name_one(values)}")
    return named


def _classifier(values: Values, output: str) -> NodeProto | None:
    """The node with the weights of the classifier that makes an output; None where the output is no classifier's."""
    name = output
    while (node := values.makers.get(name)) is not None:
        if _weighs(values, node) or _is_pointwise_on_means(values, node):
            return node
        live = values.live_inputs(node)
        if node.op_type not in _AFTERWARDS or len(live) != 1:
            return None
        (name,) = live
    return None


def _weighs(values: Values, node: NodeProto) -> bool:
    """Whether it multiplies a computed matrix by a constant one."""
    if node.domain or node.op_type not in ("Gemm", "MatMul"):
        return False
    return node.input[0] in values.live and node.input[1] not in values.live


def _is_pointwise_on_means(values: Values, node: NodeProto) -> bool:
    """Whether it is a convolution of a spatial mean, as classifiers of mobile networks are written."""
    if node.op_type != "Conv" or node.domain:
        return False
    before = values.makers.get(node.input[0])
    while before is not None and before.op_type in _AFTERWARDS and len(values.live_inputs(before)) == 1:
        before = values.makers.get(values.live_inputs(before)[0])
    return before is not None and before.op_type in _SPATIAL_MEANS
