"""ONNX files that are no backbones: each is refused with its name and what to do, before much of it is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from imagewise.backbones.onnx_files import body, reading
from imagewise.backbones.onnx_files.onnx_file import open_onnx_file
from imagewise.errors import ImagewiseError, ModelError
from onnx_graphs import classifier, constants, convolution, model, node, pooling, weights, write

FLOAT, FLOAT16, INT32 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT32
NETWORK = [*convolution(), *pooling()]
SIDE = 32


def refusal(path: Path, output: str | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        open_onnx_file(path, output)
    assert caught.value.exit_code == 2
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    return text.removeprefix(f"{path}: ")


def taking(kind: int, dims: Sequence[int | str] | None, name: str = "image") -> onnx.ModelProto:
    """A network whose input has this type and shape."""
    first = [] if kind == FLOAT else [node("Cast", [name], "levels", to=FLOAT)]
    return model(
        [*first, *convolution(name if kind == FLOAT else "levels"), *pooling()], ["features"], [(name, kind, dims)]
    )


@pytest.mark.parametrize(
    ("made", "words"),
    [
        pytest.param(
            taking(FLOAT16, (1, 3, 32, 32)), "its input is image float16 (1, 3, 32, 32). A backbone takes", id="float16"
        ),
        pytest.param(
            taking(INT32, (1, 3, 32, 32)), "its input is image int32 (1, 3, 32, 32). A backbone takes", id="int32"
        ),
        pytest.param(
            taking(FLOAT, None), "its input image may have any number of axes. A backbone takes", id="dynamic rank"
        ),
        pytest.param(taking(FLOAT, (1, 3, 32)), "its input is image float32 (1, 3, 32), not pictures", id="three axes"),
        pytest.param(taking(FLOAT, ("N", 1, "H", "W")), "float32 (N, 1, H, W), not pictures in colour", id="grey"),
        pytest.param(taking(FLOAT, (1, 4, 8, 8)), "not pictures in colour", id="four channels"),
        pytest.param(taking(FLOAT, (1, 3, 32, 48)), "takes square ones only", id="not square"),
        pytest.param(taking(FLOAT, (1, 3, 4096, 4096)), "takes pictures of 4,096 pixels", id="large pictures"),
    ],
)
def test_an_input_that_takes_no_pictures_is_described(tmp_path: Path, made: onnx.ModelProto, words: str) -> None:
    assert words in refusal(write(tmp_path / "net.onnx", made))


def two_inputs() -> onnx.ModelProto:
    text = ("text", FLOAT, ("N", 6))
    joined = [*NETWORK, node("Add", ["features", "text"], "joined")]
    return model(joined, ["joined"], [("image", FLOAT, ("N", 3, "H", "W")), text])


def test_a_network_of_two_inputs_is_refused_and_both_are_listed(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", two_inputs())
    assert "has 2 inputs (image float32 (N, 3, H, W), text float32 (N, 6))" in refusal(file)
    assert "has 2 inputs" in refusal(file, "joined")


def test_of_a_network_of_two_inputs_a_value_that_needs_the_picture_alone_may_be_named(tmp_path: Path) -> None:
    assert open_onnx_file(write(tmp_path / "net.onnx", two_inputs()), "features").features == 6


@pytest.mark.parametrize(
    ("nodes", "output", "shape"),
    [
        pytest.param([node("ReduceMean", ["features"], "out", keepdims=0)], "out", "()", id="one number"),
        pytest.param(
            [node("ReduceMean", ["features"], "out", axes=[1], keepdims=0)], "out", "(1,)", id="a number a picture"
        ),
        pytest.param([node("ReduceMean", ["features"], "out", axes=[1])], "out", "(1, 1)", id="vectors of one number"),
        pytest.param([node("Transpose", ["features"], "out")], "out", "(6, 1)", id="the batch elsewhere"),
        pytest.param([node("Unsqueeze", ["planes", "axis"], "out")], "out", "(1, 1, 6, 224, 224)", id="five axes"),
    ],
)
def test_an_output_without_features_is_refused(
    tmp_path: Path, nodes: list[onnx.NodeProto], output: str, shape: str
) -> None:
    made = model([*NETWORK, *nodes], [output], held=[*weights(), *constants(axis=[1])])
    assert f"out has shape {shape} for 1 picture, which are no features" in refusal(write(tmp_path / "net.onnx", made))


def test_features_that_are_integers_are_refused(tmp_path: Path) -> None:
    made = model([*NETWORK, node("Cast", ["features"], "out", to=TensorProto.INT64)], ["out"])
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    assert "would be tensor(int64); they must be floating-point" in refusal(write(tmp_path / "net.onnx", made))


# ---- the name of the output


def test_an_unknown_output_is_refused_with_near_and_likely_names(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", model([*NETWORK, *classifier()], ["scores"]))
    text = refusal(file, "feature")
    assert "computes no value 'feature'. Did you mean 'features'" in text
    assert "likely ones: scores, features, pooled" in text


@pytest.mark.parametrize(("name", "words"), [("image", "computes no value"), ("kernel", "computes no value")])
def test_an_input_or_a_weight_is_no_output(tmp_path: Path, name: str, words: str) -> None:
    assert words in refusal(write(tmp_path / "net.onnx", model(NETWORK, ["features"])), name)


def test_a_value_that_does_not_depend_on_the_picture_is_refused(tmp_path: Path) -> None:
    made = model([*NETWORK, node("Relu", ["weight"], "constant")], ["features"])
    assert "'constant' does not depend on the picture" in refusal(write(tmp_path / "net.onnx", made), "constant")


def test_several_outputs_are_listed(tmp_path: Path) -> None:
    text = refusal(write(tmp_path / "net.onnx", model(NETWORK, ["features", "planes"])))
    assert "has 2 outputs. Name one with --backbone-output; likely ones: features, planes" in text


# ---- the file


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("net.onnx", b"", "not an ONNX file, or only a part of one"),
        ("net.onnx", b"\x00" * 100, "not an ONNX file, or only a part of one"),
        ("net.onnx", b"Not a network, but some text.", "not an ONNX file, or only a part of one"),
        ("net.pth", b"PK\x03\x04 and more", "a PyTorch model, not an ONNX file. Export it to ONNX"),
        ("net.h5", b"\x89HDF\r\n and more", "a Keras model, not an ONNX file. Export it to ONNX"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in refusal(tmp_path / name)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "none.onnx")
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_no_part_of_a_file_is_a_network(tmp_path: Path) -> None:
    whole = model([*NETWORK, *classifier()], ["scores"]).SerializeToString()
    for length in range(0, len(whole) - 1, 97):
        (tmp_path / "net.onnx").write_bytes(whole[:length])
        with pytest.raises(ImagewiseError):
            open_onnx_file(tmp_path / "net.onnx")


def test_damaged_bytes_never_give_anything_but_an_error_of_ours(tmp_path: Path) -> None:
    whole = model([*NETWORK, *classifier()], ["scores"]).SerializeToString()
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 3)] = rng.integers(0, 256, 3)
        (tmp_path / "net.onnx").write_bytes(damaged.tobytes())
        with suppress(ModelError):
            open_onnx_file(tmp_path / "net.onnx").graph(SIDE)


def external(made: onnx.ModelProto) -> None:
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def control(made: onnx.ModelProto) -> None:
    true = helper.make_tensor_value_info("out", FLOAT, None)
    branch = helper.make_graph([node("Identity", ["features"], "out")], "branch", [], [true])
    made.graph.initializer.extend(constants(yes=np.array(True)))
    made.graph.node.append(helper.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch))
    made.graph.output[0].name = "chosen"


def foreign(made: onnx.ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("org.example", 1))
    made.graph.node.append(helper.make_node("Magic", ["features"], ["out"], domain="org.example"))
    made.graph.output[0].name = "out"


def sparse(made: onnx.ModelProto) -> None:
    values, places = constants(sparse=np.ones(1, np.float32), places=np.zeros(1, np.int64))
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [2**20, 2**20]))


def old(made: onnx.ModelProto) -> None:
    made.opset_import[0].version = 6


def lacking(made: onnx.ModelProto) -> None:
    made.graph.node.append(node("NoSuchOperator", ["features"], "out"))
    made.graph.output[0].name = "out"


def unfitting(made: onnx.ModelProto) -> None:
    made.graph.node[0].input[1] = "weight"  # of two axes, for a convolution


def circular(made: onnx.ModelProto) -> None:
    made.graph.node[1].input[0] = "features"


def huge(made: onnx.ModelProto) -> None:
    made.graph.initializer.extend(constants(shape=np.array([2**20, 2**20], np.int64)))
    made.graph.node.extend([node("ConstantOfShape", ["shape"], "zeros"), node("ReduceSum", ["zeros"], "sum")])
    made.graph.node.append(node("Add", ["features", "sum"], "out"))
    made.graph.output[0].name = "out"


def random(made: onnx.ModelProto) -> None:
    made.graph.node.append(node("RandomNormalLike", ["features"], "noise"))
    made.graph.node.append(node("Add", ["features", "noise"], "out"))
    made.graph.output[0].name = "out"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (external, "its weights are in another file. Put them into one: onnx.save(onnx.load('net.onnx')"),
        (control, "has control flow (If), which a backbone may not have"),
        (foreign, "needs operators that onnxruntime lacks: Magic of org.example"),
        (sparse, "has sparse weights"),
        (old, "is of opset 6; onnxruntime reads 7 and later"),
        (lacking, "onnxruntime cannot run it on pictures of 32 to 384 pixels"),
        (unfitting, "Export it again"),
        (circular, "Export it again"),
        (huge, "the value zeros holds 1,099,511,627,776 numbers for one picture"),
        (random, "gives different features for the same picture"),
    ],
)
def test_what_no_backbone_may_hold_is_refused(
    tmp_path: Path, spoil: Callable[[onnx.ModelProto], None], words: str
) -> None:
    made = model(NETWORK, ["features"])
    spoil(made)
    assert words in refusal(write(tmp_path / "net.onnx", made))


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "net.onnx").open("wb") as file:
        file.truncate(reading.LARGEST_FILE + 2**28)  # sparse: takes no space
    assert "has 1.2 GiB; a backbone may have 1" in refusal(tmp_path / "net.onnx")


def test_too_many_nodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_NODES", 3)
    assert "has 4 nodes; a backbone may have 3" in refusal(write(tmp_path / "net.onnx", model(NETWORK, ["features"])))


def test_a_value_that_is_large_only_at_the_size_asked_for_is_refused_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model(NETWORK, ["features"])))
    monkeypatch.setattr(body, "LARGEST_VALUE", 6 * 300 * 300)
    backbone.graph(300)
    with pytest.raises(ModelError, match="the value summed holds 543,606 numbers"):
        backbone.graph(301)


# ---- functions


def doubling(depth: int) -> onnx.ModelProto:
    """A network with functions that call the one before them twice: 2 ** depth nodes."""
    one = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "F0", ["x"], ["y"], [node("Relu", ["x"], "y")], one)]
    for level in range(1, depth + 1):
        calls = [helper.make_node(f"F{level - 1}", [a], [b], domain="own") for a, b in (("x", "z"), ("z", "y"))]
        functions.append(helper.make_function("own", f"F{level}", ["x"], ["y"], calls, one))
    made = model([*NETWORK, helper.make_node(f"F{depth}", ["features"], ["out"], domain="own")], ["out"])
    made.functions.extend(functions)
    made.opset_import.append(one[1])
    return made


def test_functions_of_the_file_are_inlined(tmp_path: Path) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", doubling(3)))
    assert sum(each.op_type == "Relu" for each in backbone.graph(SIDE).graph.node) == 1 + 8


def test_functions_that_grow_without_bound_are_refused_before_they_do(tmp_path: Path) -> None:
    assert "has 1,125,899,906,842,628 nodes" in refusal(write(tmp_path / "net.onnx", doubling(50)))


def test_functions_that_call_themselves_are_refused(tmp_path: Path) -> None:
    made = doubling(2)
    made.functions[0].node[0].CopyFrom(helper.make_node("F2", ["x"], ["y"], domain="own"))
    assert "its functions call themselves" in refusal(write(tmp_path / "net.onnx", made))


# ---- the size of pictures


def test_another_size_than_the_fixed_one_is_refused(tmp_path: Path) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", taking(FLOAT, ("N", 3, 48, 48))))
    with pytest.raises(ModelError, match="takes pictures of 48 pixels, not of 64"):
        backbone.graph(64)


def sized(**more: Any) -> onnx.ModelProto:
    return model(
        [*convolution(), node("Reshape", ["planes", "shape"], "flat")], ["flat"], held=[*weights(), *constants(**more)]
    )


def test_a_network_whose_features_change_with_the_size_is_refused_at_another_one(tmp_path: Path) -> None:
    pooled = [
        node("MaxPool", ["planes"], "small", kernel_shape=[32, 32], strides=[32, 32]),
        node("Flatten", ["small"], "flat"),
    ]
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model([*convolution(), *pooled], ["flat"])))
    assert backbone.features == 6 * 7 * 7
    with pytest.raises(ModelError, match="has 54 features for pictures of 96 pixels and 294 for 224"):
        backbone.graph(96)


def test_a_network_that_runs_at_one_size_only_says_which(tmp_path: Path) -> None:
    cells = [node("Reshape", ["planes", "shape"], "flat")]
    made = model([*convolution(), *cells], ["flat"], held=[*weights(), *constants(shape=[-1, 6, 256 * 256])])
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    assert backbone.usual_side == 256
    with pytest.raises(ModelError, match=r"does not take pictures of 96 pixels .* It takes 256"):
        backbone.graph(96)


def test_an_unknown_normalisation_is_refused_with_the_names(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", model(NETWORK, ["features"]))
    with pytest.raises(
        ModelError, match=re.escape("unknown normalisation 'imagnet'. Did you mean 'imagenet'? There are")
    ):
        open_onnx_file(file, normalized_as="imagnet")


def test_features_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    made = model([*NETWORK, node("Log", ["features"], "logarithm"), node("Sqrt", ["logarithm"], "out")], ["out"])
    kernel = made.graph.initializer[0]
    kernel.raw_data = np.full(6 * 3 * 9, -1, np.float32).tobytes()
    assert "its features are not finite" in refusal(write(tmp_path / "net.onnx", made))
