"""An ONNX file as a backbone: features as the file computes them, from any picture input, in graphs of our form."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from contract import normalized, reference_values
from imagewise.backbones.onnx_files.onnx_file import OnnxFile, open_onnx_file
from imagewise.errors import ModelError
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import import_onnxruntime
from imagewise.networks.architectures import build_layers
from imagewise.networks.initialization import initial_weights
from imagewise.networks.network import Network
from onnx_graphs import CHANNELS, CLASSES, classifier, constants, convolution, model, node, pooling, weights, write

SIDE = 32
Array = NDArray[Any]


def run(made: onnx.ModelProto, outputs: list[str], **inputs: Array) -> list[Array]:
    session = import_onnxruntime().InferenceSession(made.SerializeToString())
    return [np.asarray(value) for value in session.run(outputs, inputs)]


def pictures(count: int = 3, side: int = SIDE) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def features_of(backbone: OnnxFile, images: NDArray[np.uint8]) -> Array:
    made = backbone.graph(images.shape[1])
    onnx.checker.check_model(made, full_check=True)
    (found,) = run(made, ["features"], pictures=images)
    assert found.shape == (len(images), backbone.features)
    return found


def mean_of_planes(levels: Array) -> Array:
    """The features of `convolution` and `pooling`, for normalised pictures (N, H, W, 3), by NumPy."""
    kernel = numpy_helper.to_array(weights()[0]).astype(np.float64)
    padded = np.pad(levels.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.asarray(np.maximum(np.einsum("nhwcij,fcij->nhwf", windows, kernel), 0).mean(axis=(1, 2)))


def imagenet(images: NDArray[np.uint8]) -> Array:
    return np.asarray((images / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]))


NETWORK = [*convolution(), *pooling()]


# ---- features


def test_features_are_those_of_the_network_on_normalised_pictures(tmp_path: Path) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model(NETWORK, ["features"])))
    assert (backbone.name, backbone.features, backbone.output, backbone.side) == (
        "net.onnx",
        CHANNELS,
        "features",
        None,
    )
    np.testing.assert_allclose(features_of(backbone, pictures()), mean_of_planes(imagenet(pictures())), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("imagenet", imagenet),
        ("-1..1", lambda x: x / 127.5 - 1),
        ("0..1", lambda x: x / 255),
        ("0..255", lambda x: x.astype(np.float64)),
        ("caffe", lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68])),
    ],
)
def test_each_normalisation_is_what_its_name_says(
    tmp_path: Path, name: str, levels: Callable[[NDArray[np.uint8]], Array]
) -> None:
    file = write(tmp_path / "net.onnx", model(NETWORK, ["features"]))
    found = features_of(open_onnx_file(file, normalized_as=name), pictures())
    wanted = mean_of_planes(levels(pictures()))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


FIRST = [node("Transpose", ["image"], "first", perm=[0, 3, 1, 2]), *convolution("first"), *pooling()]
LAST = [node("Transpose", ["planes"], "last", perm=[0, 2, 3, 1])]
TOKENS = [node("Reshape", ["planes", "rows"], "flat"), node("Transpose", ["flat"], "tokens", perm=[0, 2, 1])]
ROWS = constants(rows=[0, CHANNELS, -1])


@pytest.mark.parametrize(
    ("nodes", "output", "dims"),
    [
        pytest.param(NETWORK, "features", ("N", 3, "H", "W"), id="vectors"),
        pytest.param(NETWORK, "features", ("N", 3, SIDE, SIDE), id="a fixed size"),
        pytest.param(NETWORK, "features", ("N", "C", "H", "W"), id="everything open"),
        pytest.param(NETWORK, "pooled", ("N", 3, "H", "W"), id="vectors of two more axes"),
        pytest.param(NETWORK, "planes", ("N", 3, "H", "W"), id="planes"),
        pytest.param(FIRST, "features", ("N", "H", "W", 3), id="colours last"),
        pytest.param(FIRST, "features", ("N", "H", "W", "C"), id="colours last, everything open"),
        pytest.param([*FIRST, *LAST], "last", ("N", SIDE, SIDE, 3), id="planes, features last"),
        pytest.param([*NETWORK, *TOKENS], "tokens", ("N", 3, "H", "W"), id="tokens"),
    ],
)
def test_pictures_and_features_may_have_any_usual_shape(
    tmp_path: Path, nodes: list[onnx.NodeProto], output: str, dims: tuple[int | str, ...]
) -> None:
    made = model(nodes, [output], [("image", TensorProto.FLOAT, dims)], [*weights(), *ROWS])
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    np.testing.assert_allclose(features_of(backbone, pictures()), mean_of_planes(imagenet(pictures())), atol=1e-4)


@pytest.mark.parametrize("dims", [("N", SIDE, SIDE, 3), (1, SIDE, SIDE, 3), ("N", 3, SIDE, SIDE)])
def test_a_network_of_uint8_gets_the_pixels_as_they_are(tmp_path: Path, dims: tuple[int | str, ...]) -> None:
    first = [node("Transpose", ["image"], "moved", perm=[0, 3, 1, 2])] if dims[3] == 3 else []
    cast = node("Cast", ["moved" if first else "image"], "levels", to=TensorProto.FLOAT)
    made = model([*first, cast, *convolution("levels"), *pooling()], ["features"], [("image", TensorProto.UINT8, dims)])
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    assert backbone.normalized is None
    wanted = mean_of_planes(pictures())
    np.testing.assert_allclose(features_of(backbone, pictures()), wanted, atol=1e-4 * wanted.max())
    with pytest.raises(ModelError, match="takes pixels as they are"):
        backbone.normalized_as("0..1")


# ---- a fixed batch


def fixed(nodes: list[onnx.NodeProto], batch: int, **more: Any) -> onnx.ModelProto:
    return model(
        nodes, ["features"], [("image", TensorProto.FLOAT, (batch, 3, SIDE, SIDE))], [*weights(), *constants(**more)]
    )


RESHAPED = [
    *convolution(),
    node("GlobalAveragePool", ["planes"], "pooled"),
    node("Reshape", ["pooled", "shape"], "features"),
]
EXPANDED = [*NETWORK[:-1], node("Flatten", ["pooled"], "own"), node("Concat", ["own", "token"], "both", axis=1)]
EXPANDED += [node("Slice", ["both", "from", "to", "axis"], "features")]
TOKEN = {"token": np.zeros((1, 2), np.float32), "from": [0], "to": [CHANNELS], "axis": [1]}


@pytest.mark.parametrize(
    ("nodes", "batch", "more", "one_by_one"),
    [
        pytest.param(NETWORK, 1, {}, False, id="without a trace in the graph"),
        pytest.param(NETWORK, 4, {}, False, id="of four"),
        pytest.param(RESHAPED, 1, {"shape": [1, CHANNELS]}, False, id="reshaped to one"),
        pytest.param(RESHAPED, 1, {"shape": [1, -1]}, False, id="reshaped to one, and whatever is left"),
        pytest.param(RESHAPED, 2, {"shape": [2, CHANNELS]}, False, id="reshaped to two"),
        pytest.param(EXPANDED, 1, TOKEN, True, id="with a constant for one picture"),
    ],
)
def test_a_fixed_batch_takes_any_number_of_pictures_with_the_same_features(
    tmp_path: Path, nodes: list[onnx.NodeProto], batch: int, more: dict[str, Any], one_by_one: bool
) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", fixed(nodes, batch, **more)))
    assert backbone.side == SIDE
    assert backbone.probed.parts.one_by_one == one_by_one
    for count in (1, 2, 5):
        wanted = mean_of_planes(imagenet(pictures(count)))
        np.testing.assert_allclose(features_of(backbone, pictures(count)), wanted, atol=1e-4)


def test_pictures_that_a_network_mixes_are_fed_one_by_one(tmp_path: Path) -> None:
    mixed = [*NETWORK, node("ReduceMean", ["features"], "mean", axes=[0], keepdims=1)]
    made = model([*mixed, node("Sub", ["features", "mean"], "less"), node("Add", ["less", "features"], "out")], ["out"])
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    assert backbone.probed.parts.one_by_one
    np.testing.assert_allclose(features_of(backbone, pictures()), mean_of_planes(imagenet(pictures())), atol=1e-4)


def test_a_fixed_batch_that_cannot_be_opened_is_refused_unless_it_is_of_one(tmp_path: Path) -> None:
    more = TOKEN | {"token": np.zeros((2, 2), np.float32)}
    with pytest.raises(ModelError, match=r"net\.onnx: takes 2 pictures a run, no other number"):
        open_onnx_file(write(tmp_path / "net.onnx", fixed(EXPANDED, 2, **more)))


# ---- the choice of the output

WITH_HEAD = [*NETWORK, *classifier()]


@pytest.mark.parametrize(
    ("nodes", "outputs", "named", "chosen", "why"),
    [
        (NETWORK, ["features"], None, "features", "its output"),
        (WITH_HEAD, ["scores"], None, "features", "the input of its classifier"),
        (WITH_HEAD, ["logits"], None, "features", "the input of its classifier"),
        (WITH_HEAD, ["logits", "scores"], None, "features", "the input of its classifier"),
        (WITH_HEAD, ["scores"], "scores", "scores", "as named"),
        (WITH_HEAD, ["scores"], "planes", "planes", "as named"),
        (WITH_HEAD, ["scores", "planes"], "pooled", "pooled", "as named"),
    ],
)
def test_features_are_the_named_value_or_the_output_or_the_input_of_the_classifier(
    tmp_path: Path, nodes: list[onnx.NodeProto], outputs: list[str], named: str | None, chosen: str, why: str
) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model(nodes, outputs)), named)
    assert (backbone.output, backbone.why) == (chosen, why)
    assert backbone.features == (CLASSES if chosen == "scores" else CHANNELS)


def test_a_classifier_may_be_written_as_a_product_and_a_sum_or_as_a_convolution(tmp_path: Path) -> None:
    held = [
        *weights(),
        *constants(turned=numpy_helper.to_array(weights()[1]).T, cells=np.zeros((4, 6, 1, 1), np.float32)),
    ]
    product = [node("MatMul", ["features", "turned"], "product"), node("Add", ["product", "bias"], "logits")]
    cells = [node("Conv", ["pooled", "cells"], "scores"), node("Flatten", ["scores"], "logits")]
    for nodes, chosen in (([*NETWORK, *product], "features"), ([*NETWORK[:3], *cells], "pooled")):
        file = write(tmp_path / "net.onnx", model(nodes, ["logits"], held=held))
        assert (open_onnx_file(file).output, open_onnx_file(file).features) == (chosen, CHANNELS)


def test_the_weights_of_what_is_cut_off_are_not_in_the_graph(tmp_path: Path) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model(WITH_HEAD, ["scores"])))
    assert not {"backbone.weight", "backbone.bias"} & {each.name for each in backbone.graph(SIDE).graph.initializer}


def test_a_model_of_imagewise_gives_the_features_before_its_last_layer(tmp_path: Path) -> None:
    layers = build_layers("resnet", {"widths": [4, 8], "squeeze": 2}, CLASSES)
    network = Network((SIDE, SIDE, 3), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), layers)
    held = initial_weights(network, "he", 0)
    backbone = open_onnx_file(write(tmp_path / "model.onnx", build_graph(network, held)))
    assert (backbone.why, backbone.features, backbone.side) == ("the input of its classifier", 8, SIDE)
    wanted = reference_values(layers[:-1], held, normalized(network, pictures()))
    np.testing.assert_allclose(features_of(backbone, pictures()), wanted, atol=1e-4 * np.abs(wanted).max())


# ---- the whole model


@pytest.mark.parametrize("one_by_one", [False, True])
def test_with_a_head_the_graph_is_a_model_file(tmp_path: Path, one_by_one: bool) -> None:
    made = fixed(EXPANDED if one_by_one else NETWORK, 1, **(TOKEN if one_by_one else {}))
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    rng = np.random.default_rng(2)
    weight, bias = rng.normal(size=(5, CHANNELS)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    whole = backbone.with_head(SIDE, weight, bias)
    onnx.checker.check_model(whole, full_check=True)
    probabilities, logits = run(whole, ["probabilities", "logits"], pictures=pictures())
    wanted = features_of(backbone, pictures()) @ weight.T + bias
    np.testing.assert_allclose(logits, wanted, atol=1e-4 * np.abs(wanted).max())
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(("opset", "lowest"), [(9, 9), (12, 11), (17, 14), (20, 14), (21, 21)])
def test_the_graph_declares_the_lowest_opset_that_it_needs(tmp_path: Path, opset: int, lowest: int) -> None:
    made = model([*convolution(), *pooling()], ["features"], opset=opset)
    assert open_onnx_file(write(tmp_path / "net.onnx", made)).graph(SIDE).opset_import[0].version == lowest


def test_names_of_the_file_may_be_those_of_our_own_values(tmp_path: Path) -> None:
    nodes = [node("Conv", ["pictures", "kernel"], "logits"), node("Relu", ["logits"], "probabilities")]
    nodes += [node("GlobalAveragePool", ["probabilities"], "head.weight"), node("Flatten", ["head.weight"], "features")]
    made = model(nodes, ["features"], [("pictures", TensorProto.FLOAT, ("N", 3, "H", "W"))])
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    whole = backbone.with_head(SIDE, np.ones((2, CHANNELS), np.float32), np.zeros(2, np.float32))
    assert run(whole, ["logits"], pictures=pictures())[0].shape == (3, 2)


def test_comments_in_nodes_are_left_out(tmp_path: Path) -> None:
    made = model(NETWORK, ["features"])
    made.graph.node[0].doc_string = "/home/somebody/secret.py(12)"
    made.graph.node[0].metadata_props.add(key="trace", value="/home/somebody/secret.py")
    assert b"somebody" not in open_onnx_file(write(tmp_path / "net.onnx", made)).graph(SIDE).SerializeToString()


def test_files_of_old_exporters_list_their_weights_among_the_inputs(tmp_path: Path) -> None:
    made = model(NETWORK, ["features"], opset=8)
    made.ir_version = 3
    for tensor in made.graph.initializer:
        made.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made))
    np.testing.assert_allclose(features_of(backbone, pictures()), mean_of_planes(imagenet(pictures())), atol=1e-4)


def test_features_of_half_precision_come_as_float32(tmp_path: Path) -> None:
    made = model([*NETWORK, node("Cast", ["features"], "half", to=TensorProto.FLOAT16)], ["half"])
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    found = features_of(open_onnx_file(write(tmp_path / "net.onnx", made)), pictures())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, mean_of_planes(imagenet(pictures())), rtol=2e-3)


# ---- what decides the features


def test_the_digest_changes_with_all_that_decides_the_features(tmp_path: Path) -> None:
    file = write(tmp_path / "net.onnx", model(WITH_HEAD, ["scores"]))
    other = write(tmp_path / "other.onnx", model(WITH_HEAD, ["scores"], held=weights(1)))
    same = write(tmp_path / "same.onnx", model(WITH_HEAD, ["scores"]))
    opened = [
        open_onnx_file(file),
        open_onnx_file(file, "planes"),
        open_onnx_file(file, normalized_as="0..1"),
        open_onnx_file(other),
    ]
    assert all(len(each.digest) == 64 for each in opened)
    assert all(a.digest != b.digest for a, b in itertools.combinations(opened, 2))
    assert open_onnx_file(same).digest == opened[0].digest


def test_the_card_says_what_was_chosen(tmp_path: Path) -> None:
    made = model(WITH_HEAD, ["scores"])
    onnx.helper.set_model_props(made, {"model_license": "CC-BY-4.0"})
    backbone = open_onnx_file(write(tmp_path / "net.onnx", made), normalized_as="-1..1")
    assert backbone.card().as_dict() == {
        "name": "net.onnx",
        "digest": backbone.digest,
        "licence": "CC-BY-4.0",
        "output": "features",
        "normalization": "-1..1",
    }
    assert backbone.describe() == (
        "net.onnx: 6 features from 'features', the input of its classifier; normalisation -1..1"
    )
