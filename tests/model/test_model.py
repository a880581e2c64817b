"""The model file: what it answers, what it says of itself, and what is refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from contract import a_network, random_images, random_weights, write_model
from imagewise.errors import ModelError, PictureError
from imagewise.framing.decoding import PictureSource
from imagewise.framing.framing import Framing, frame_file
from imagewise.model.card import ModelCard
from imagewise.model.model import Model, load_model
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import BATCH
from imagewise.networks.layers import Conv, Dense, Flatten, ReLU

GREY = a_network(Conv(3, 3), ReLU(), Flatten(), Dense(4), shape=(12, 10, 1))
COLOUR = a_network(Flatten(), Dense(5), shape=(6, 8, 3))


@pytest.fixture
def grey(tmp_path: Path) -> Model:
    return Model.open(write_model(tmp_path / "grey.onnx", GREY, random_weights(GREY)))


@pytest.fixture
def colour(tmp_path: Path) -> Model:
    return Model.open(write_model(tmp_path / "colour.onnx", COLOUR, random_weights(COLOUR)))


# ---- what it answers


def test_plain_onnxruntime_gives_the_same_answers(grey: Model) -> None:
    images = random_images(GREY, 7)
    session = ort.InferenceSession(grey.name, providers=["CPUExecutionProvider"])
    probabilities, logits = session.run(["probabilities", "logits"], {"pictures": images})
    assert np.array_equal(grey.predict_batch(images), probabilities)
    assert np.array_equal(grey.logits(images), logits)
    assert probabilities.dtype == logits.dtype == np.float32


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_a_batch_of_any_size_gives_what_one_run_gives(grey: Model, count: int) -> None:
    images = random_images(GREY, count)
    session = ort.InferenceSession(grey.name, providers=["CPUExecutionProvider"])
    wanted = session.run(["probabilities"], {"pictures": images})[0]
    np.testing.assert_allclose(grey.predict_batch(images), wanted, rtol=1e-5, atol=1e-7)


def test_no_pictures_give_no_probabilities(grey: Model) -> None:
    assert grey.predict_batch([]).shape == (0, 4)
    assert grey.predict_batch(np.empty((0, 12, 10, 1), dtype=np.uint8)).shape == (0, 4)


def test_pictures_that_lie_across_in_memory_are_recognised_as_they_look(colour: Model) -> None:
    images = random_images(COLOUR, 5)
    across = np.asfortranarray(images)[::-1]
    assert np.array_equal(colour.predict_batch(across), colour.predict_batch(images)[::-1])


def test_path_bytes_open_file_pillow_and_array_agree(colour: Model, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 40, 3), dtype=np.uint8)).save(path)
    wanted = colour.predict(frame_file(path, colour.framing))
    with Image.open(path) as picture:
        sources: list[PictureSource] = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), picture]
        assert [colour.predict(source) for source in sources] == [wanted] * 5
    batch = colour.predict_batch([path, path.read_bytes()])
    assert colour.prediction(batch[0]) == colour.prediction(batch[1])
    assert colour.prediction(batch[0]).label == wanted.label


def test_a_list_of_arrays_is_a_batch_too(grey: Model) -> None:
    images = random_images(GREY, 3)
    assert np.array_equal(grey.predict_batch(list(images)), grey.predict_batch(images))


def test_grey_pictures_need_no_channel(grey: Model) -> None:
    images = random_images(GREY, 3)
    assert grey.predict(images[0, :, :, 0]) == grey.predict(images[0])
    assert np.array_equal(grey.predict_batch(images[..., 0]), grey.predict_batch(images))


@pytest.mark.parametrize("top", [1, 2, 4, 99])
def test_a_prediction_names_the_most_probable_classes_best_first(grey: Model, top: int) -> None:
    image = random_images(GREY, 1)[0]
    probabilities = grey.predict_batch(image[None])[0]
    prediction = grey.predict(image, top)
    order = sorted(range(4), key=lambda i: -probabilities[i])[:top]
    assert prediction.top == tuple((f"class {i}", float(probabilities[i])) for i in order)
    assert (prediction.label, prediction.probability) == prediction.top[0]
    values = json.loads(json.dumps(prediction.as_dict()))
    assert set(values) == {"label", "probability", "top"}
    assert values["top"][0] == {"label": prediction.label, "probability": prediction.probability}


@pytest.mark.parametrize("top", [0, -1])
def test_a_prediction_without_a_top_still_names_the_best(grey: Model, top: int) -> None:
    image = random_images(GREY, 1)[0]
    prediction = grey.predict(image, top)
    assert prediction.label == grey.predict(image).label
    assert prediction.top == ()


def test_of_equal_classes_the_first_is_named(grey: Model) -> None:
    assert grey.prediction(np.full(4, 0.25, dtype=np.float32)).label == "class 0"


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 1, 12, 10, 1), dtype=np.uint8),
        np.zeros(120, dtype=np.uint8),
        np.array(3, dtype=np.uint8),
        np.zeros((12, 10, 2), dtype=np.uint8)[None],
        np.full((12, 10, 1), -1.0),
        np.full((12, 10, 1), 1.5),
        np.full((12, 10, 1), np.nan),
        np.full((12, 10, 1), 300.0),
        np.full((12, 10), -5),
    ],
    ids=lambda array: f"{array.dtype} {array.shape} {array.flat[0]}",
)
def test_an_array_that_has_no_clear_meaning_is_refused_with_what_is_wanted(grey: Model, array: Any) -> None:
    with pytest.raises(ModelError, match=r"grey\.onnx.*uint8.*\(12, 10, 1\)"):
        grey.predict(array)
    with pytest.raises(ModelError, match=r"grey\.onnx.*uint8.*\(12, 10, 1\)"):
        grey.predict_batch(array)


def test_a_picture_that_cannot_be_read_is_an_error_of_the_picture(grey: Model, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="gone"):
        grey.predict(tmp_path / "gone.png")
    with pytest.raises(PictureError):
        grey.predict_batch([b"no picture"])


# ---- what it says of itself


def test_the_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    names = ("Ärger", "猫", "<b>", 'a "quote"')
    framing = Framing("ink", 12, 10, 1)
    path = write_model(
        tmp_path / "m.onnx", GREY, random_weights(GREY), class_names=names, framing=framing, metrics={"test": {"n": 1}}
    )
    model = load_model(path)
    assert model.class_names == names
    assert model.framing == framing
    assert model.card.as_dict()["metrics"] == {"test": {"n": 1}}
    assert model.card.network == json.loads(json.dumps(GREY.as_dict()))
    metadata = {prop.key: json.loads(prop.value) for prop in onnx.load(path).metadata_props}
    assert metadata["imagewise.format"] == 1
    assert set(metadata) == {
        f"imagewise.{key}"
        for key in ("format", "class_names", "framing", "network", "recipe", "data", "metrics", "versions", "created")
    }  # fmt: skip
    assert json.loads(json.dumps(model.card.as_dict()))["class_names"] == list(names)


# ---- what is refused


def test_a_missing_file_or_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.onnx", tmp_path):
        with pytest.raises(ModelError, match=f"{path}: "):
            Model.open(path)


@pytest.mark.parametrize("content", [b"", b"\x00", b"not a model", b"\x89PNG\r\n\x1a\n", b"\x80\x04K\x01."])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx"):
        Model.open(tmp_path / "m.onnx")


def test_an_onnx_model_that_is_not_ours_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "theirs.onnx"
    onnx.save(build_graph(GREY, random_weights(GREY)), path)
    with pytest.raises(ModelError, match=r"theirs\.onnx.*not .*imagewise"):
        Model.open(path)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    plain = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(plain, path)
    with pytest.raises(ModelError, match=r"theirs\.onnx.*not .*imagewise"):
        Model.open(path)
    helper.set_model_props(
        plain, Model.open(write_model(tmp_path / "m", GREY, random_weights(GREY))).card.to_metadata()
    )
    onnx.save(plain, path)
    with pytest.raises(ModelError, match=r"theirs\.onnx.*disagree"):
        Model.open(path)


def with_properties(path: Path, **changes: str) -> Path:
    model = onnx.load(path)
    properties = {prop.key: prop.value for prop in model.metadata_props}
    properties |= {f"imagewise.{key}": value for key, value in changes.items()}
    helper.set_model_props(model, {key: value for key, value in properties.items() if value})
    onnx.save(model, path)
    return path


def test_a_newer_format_asks_to_upgrade(grey: Model) -> None:
    with pytest.raises(ModelError, match=r"(?s)grey\.onnx.*newer.*[Uu]pgrade"):
        Model.open(with_properties(Path(grey.name), format="2"))


def test_a_model_of_another_version_of_the_framing_is_refused_and_an_old_one_without_it_opens(grey: Model) -> None:
    framing = grey.framing.as_dict()
    assert framing.pop("version") == 2
    old = Model.open(with_properties(Path(grey.name), framing=json.dumps(framing)))
    assert old.framing == grey.framing
    newer = with_properties(Path(grey.name), framing=json.dumps(framing | {"version": 3}))
    with pytest.raises(ModelError, match=r"grey\.onnx.*version 3.*Upgrade imagewise, or train again"):
        Model.open(newer)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": ""},
        {"class_names": "3"},
        {"class_names": '["a", "b"]'},
        {"class_names": '["a", "b", "c", "d", "e"]'},
        {"class_names": "[1"},
        {"framing": ""},
        {"framing": "[]"},
        {"framing": '{"kind": "ink"}'},
        {"framing": '{"kind": "blur", "height": 12, "width": 10, "channels": 1}'},
        {"framing": '{"kind": "ink", "height": 12, "width": 10, "channels": 2}'},
        {"framing": '{"kind": "ink", "height": "12", "width": 10, "channels": 1}'},
        {"framing": '{"kind": "ink", "height": 28, "width": 28, "channels": 1}'},
        {"network": "{"},
        {"recipe": "[]"},
        {"recipe": '{"name": 3}'},
        {"data": '"mnist"'},
        {"data": '{"sketch": [1]}'},
        {"metrics": '{"test": 1}'},
        {"metrics": '{"test": {"accuracy": "good"}}'},
        {"versions": '{"numpy": 2}'},
        {"network": "[" * 100_000},
        {"network": "[" * 500 + "]" * 500},
        {"class_names": '["a", "b", "c", "\\ud800"]'},
        {"created": "[]"},
        {"format": "one"},
    ],
    ids=str,
)
def test_damaged_metadata_are_refused_by_name(grey: Model, changes: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"grey\.onnx"):
        Model.open(with_properties(Path(grey.name), **changes))


@pytest.mark.parametrize("missing", ["recipe", "data", "metrics", "versions", "network", "created"])
def test_a_card_that_another_tool_has_thinned_out_still_opens(grey: Model, tmp_path: Path, missing: str) -> None:
    metadata = grey.card.to_metadata()
    del metadata[f"imagewise.{missing}"]
    assert ModelCard.from_metadata(metadata, "thin.onnx").class_names == grey.class_names


def test_unknown_fields_of_a_card_are_kept(grey: Model) -> None:
    metadata = grey.card.to_metadata() | {"imagewise.weights": '{"licence": "Apache-2.0"}'}
    assert ModelCard.from_metadata(metadata, "m").to_metadata() == metadata


def test_recognising_leaves_no_trace_of_telemetry(grey: Model, tmp_path: Path) -> None:
    code = "import os, sys, imagewise; imagewise.load_model(sys.argv[1]); print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "home")}
    for chosen, wanted in ((None, "1"), ("0", "0")):  # a user's own setting wins
        environment.pop("ORT_DISABLE_TELEMETRY", None)
        environment |= {} if chosen is None else {"ORT_DISABLE_TELEMETRY": chosen}
        done = subprocess.run([sys.executable, "-c", code, grey.name], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout.strip()) == (0, wanted), done.stderr
        if chosen is None:
            assert not list(tmp_path.rglob("*onnxruntime*"))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_anywhere_are_refused_or_leave_a_model_that_answers(data: st.DataObject, grey: Model) -> None:
    content = bytearray(Path(grey.name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    opened_or_refused(content, Path(grey.name).with_name("damaged.onnx"))


def opened_or_refused(content: bytes | bytearray, path: Path) -> None:
    path.write_bytes(content)
    try:
        model = Model.open(path)
        assert len(model.predict(random_images(GREY, 1)[0]).top) == 3
    except ModelError:
        return


def test_a_damaged_byte_of_the_metadata_is_refused_or_harmless(grey: Model) -> None:
    content = Path(grey.name).read_bytes()
    start = content.index(b"imagewise.format")
    for place in range(start - 6, len(content), 6):
        for value in (0xFF, content[place] ^ 1):
            opened_or_refused(
                content[:place] + bytes([value]) + content[place + 1 :], Path(grey.name).with_name("damaged.onnx")
            )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_cut_off_is_refused(data: st.DataObject, grey: Model) -> None:
    content = Path(grey.name).read_bytes()
    path = Path(grey.name).with_name("cut.onnx")
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ModelError):
        Model.open(path)


@pytest.mark.parametrize("name", [b"pictures", b"Gemm", b"imagewise.recipe"])
def test_a_damaged_file_prints_nothing_beside_the_error(
    grey: Model, capfd: pytest.CaptureFixture[str], name: bytes
) -> None:
    damaged = Path(grey.name).read_bytes().replace(name, b"\xff" * len(name))
    Path(grey.name).write_bytes(damaged)
    with pytest.raises(ModelError, match=r"grey\.onnx"):
        Model.open(grey.name)
    assert capfd.readouterr() == ("", "")


def external(tensor: onnx.TensorProto, location: str) -> None:
    """Move a tensor's bytes into a file of that name, in the current folder."""
    Path(location).write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location


@pytest.mark.parametrize("place", [lambda folder: "weights.bin", lambda folder: str(folder / "weights.bin")])
def test_bytes_of_other_files_are_never_read(
    grey: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: Callable[[Path], str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model = onnx.load(grey.name)
    external(next(each for each in model.graph.initializer if each.name == "3.weight"), place(tmp_path))
    Path("external.onnx").write_bytes(model.SerializeToString())
    if not Path(place(tmp_path)).is_absolute():
        assert ort.InferenceSession("external.onnx")  # which by itself reads them: it is Model.open that does not
    with pytest.raises(ModelError, match=r"external\.onnx"):
        Model.open("external.onnx")


def test_bytes_of_other_files_are_not_read_for_a_constant_either(
    grey: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    model = onnx.load(grey.name)
    tensor = next(each for each in model.graph.initializer if each.name == "3.weight")
    model.graph.initializer.remove(tensor)
    external(tensor, "weights.bin")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["3.weight"], value=tensor))
    Path("external.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"external\.onnx"):
        Model.open("external.onnx")


def test_a_graph_that_asks_for_other_operators_runs_nothing(grey: Model) -> None:
    model = onnx.load(grey.name)
    model.graph.node[0].domain = "com.evil"
    model.opset_import.append(helper.make_opsetid("com.evil", 1))
    onnx.save(model, grey.name)
    with pytest.raises(ModelError, match=r"grey\.onnx"):
        Model.open(grey.name)


def test_a_graph_that_fails_when_it_runs_is_a_damaged_model(grey: Model) -> None:
    model = onnx.load(grey.name)
    node = model.graph.node[-1]
    shape = numpy_helper.from_array(np.array([7, -1]), "odd")
    model.graph.initializer.append(shape)
    before = model.graph.node[-2]
    before.input[0], old = "reshaped", before.input[0]
    model.graph.node.insert(len(model.graph.node) - 2, helper.make_node("Reshape", [old, "odd"], ["reshaped"]))
    assert node.op_type == "Softmax"
    Path(grey.name).write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"grey\.onnx"):
        Model.open(grey.name).predict_batch(random_images(GREY, 3))


def test_card_of_another_folders_model_is_independent_of_where_it_lies(grey: Model, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    moved = Path(grey.name).rename(tmp_path / "deep" / "other name.onnx")
    images = random_images(GREY, 2)
    assert Model.open(moved).card == ModelCard.from_metadata(grey.card.to_metadata(), "m")
    assert np.array_equal(Model.open(moved).predict_batch(images), grey.predict_batch(images))
