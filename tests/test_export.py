"""Ways out: every format answers as the model file does, or nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from contract import a_network, random_images, random_weights, write_model
from imagewise.dataset import Dataset
from imagewise.errors import DataError, EngineError, ModelError, OutputError, TrainingError
from imagewise.export import export
from imagewise.layers import BatchNorm, Branch, Conv, Dense, Dropout, Flatten, GlobalPool, MaxPool, ReLU, Sigmoid
from imagewise.model import Model
from imagewise.network import Network
from keras_process import ask

EXCITATION = Branch("multiply", (GlobalPool(), Dense(6), Sigmoid()), (Conv(6, 3, padding=1, groups=3), ReLU()))
NETWORKS = {
    "perceptron": a_network(Flatten(), Dense(8, bias=False), BatchNorm(), ReLU(), Dense(3), shape=(12, 10, 1)),
    "branches": a_network(
        Conv(6, 3, stride=2, padding=1, bias=False),
        BatchNorm(),
        ReLU(),
        Branch("add", (Conv(6, 3, padding=1), BatchNorm(), ReLU(), BatchNorm()), (Conv(6, 1, groups=6), BatchNorm())),
        EXCITATION,
        MaxPool(3, 2, padding=1),
        Dropout(0.5),
        Flatten(),
        Dense(3),
        shape=(12, 10, 1),
    ),
}
KERAS_TARGETS = ["saved-model", "litert"]


def a_model(folder: Path, network: Network) -> Path:
    """A file with the classes of the tiny data set."""
    names = ("bottom", "middle", "top")
    return write_model(folder / "model.onnx", network, random_weights(network), class_names=names)


@pytest.fixture(params=list(NETWORKS))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return a_model(tmp_path, NETWORKS[request.param])


@pytest.mark.parametrize("to", KERAS_TARGETS)
def test_what_is_exported_answers_as_the_model_file_does(file: Path, tmp_path: Path, to: str) -> None:
    made = ask("tensorflow_answers", "exported", file, to, tmp_path / "out", None)
    assert (made.path, made.checked_on, made.count) == (tmp_path / "out", "random pictures", 1000)
    assert made.largest_difference < 1e-4
    model = Model.open(file)
    for count in (1, 7):
        pictures = random_images(NETWORKS["perceptron"], count, seed=9)
        probabilities, logits = ask("tensorflow_answers", "answers", made.path, pictures)
        np.testing.assert_allclose(probabilities, model.predict_batch(pictures), atol=1e-5)
        np.testing.assert_allclose(logits, model.logits(pictures), rtol=1e-4, atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "out"]


def test_it_is_checked_on_the_test_pictures_of_the_data_that_is_named(tmp_path: Path, tiny_dataset: Dataset) -> None:
    file = a_model(tmp_path, NETWORKS["perceptron"])
    made = ask("tensorflow_answers", "exported", file, "litert", None, tiny_dataset)
    assert made.path == tmp_path / "model.tflite"
    assert (made.checked_on, made.count) == ("tiny, split test", 45)


@pytest.mark.parametrize("to", KERAS_TARGETS)
def test_a_file_that_answers_otherwise_is_removed_again(tmp_path: Path, to: str) -> None:
    file = a_model(tmp_path, NETWORKS["perceptron"])
    with pytest.raises(TrainingError, match=r"another class for \d+ of 1000 pictures"):
        ask("tensorflow_answers", "export_that_answers_wrongly", file, to, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_int8_is_a_smaller_model_file_of_ours_with_its_own_numbers(tmp_path: Path, tiny_dataset: Dataset) -> None:
    wide = a_network(Conv(8, 3), ReLU(), Flatten(), Dense(200), ReLU(), Dense(3), shape=(12, 10, 1))
    original = Model.open(a_model(tmp_path, wide))
    made = export(original, "onnx-int8", data=tiny_dataset)
    assert made.path == tmp_path / "model-int8.onnx"
    assert made.path.stat().st_size < 0.4 * Path(original.name).stat().st_size
    small = Model.open(made.path)
    assert small.card.network == original.card.network
    assert small.card.metrics["test"]["accuracy"] == made.accuracy
    test = tiny_dataset["test"]
    same = small.predict_batch(test.images).argmax(1) == original.predict_batch(test.images).argmax(1)
    assert same.mean() > 0.9
    assert made.original_accuracy == (original.predict_batch(test.images).argmax(1) == test.labels).mean()
    with pytest.raises(ModelError, match="export the model it is from"):
        ask("tensorflow_answers", "exported", made.path, "litert", tmp_path / "out", None)


def test_int8_keeps_probabilities_the_softmax_of_the_logits(tmp_path: Path, tiny_dataset: Dataset) -> None:
    original = Model.open(a_model(tmp_path, NETWORKS["branches"]))
    small = Model.open(export(original, "onnx-int8", data=tiny_dataset).path)
    logits = small.logits(tiny_dataset["test"].images)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    wanted = powers / powers.sum(1, keepdims=True)
    np.testing.assert_allclose(small.predict_batch(tiny_dataset["test"].images), wanted, atol=1e-6)
    onnx.checker.check_model(onnx.load(small.name), full_check=True)


def test_int8_without_labelled_pictures_is_refused_with_the_way_out(tmp_path: Path) -> None:
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    with pytest.raises(DataError, match="add --data"):
        export(model, "onnx-int8")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_pictures_of_another_shape_are_refused(tmp_path: Path, tiny_dataset: Dataset) -> None:
    file = a_model(tmp_path, a_network(Flatten(), Dense(3), shape=(5, 5, 1)))
    with pytest.raises(DataError, match=r"\(12, 10, 1\).*takes \(5, 5, 1\)"):
        ask("tensorflow_answers", "exported", file, "litert", tmp_path / "out", tiny_dataset)


def test_an_unknown_target_is_refused_and_the_known_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="saved-model, litert, onnx-int8"):
        export(Model.open(a_model(tmp_path, NETWORKS["perceptron"])), "coreml")


def test_what_exists_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="--out"):
        export(Model.open(a_model(tmp_path, NETWORKS["perceptron"])), "litert", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_process_with_pytorch_says_that_another_is_needed(tmp_path: Path) -> None:
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    pytest.importorskip("torch")
    with pytest.raises(EngineError, match="Start another process"):
        export(model, "litert", tmp_path / "out")


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    with pytest.raises(EngineError, match=r"pip install 'imagewise\[tensorflow\]'"):
        export(Model.open(a_model(tmp_path, NETWORKS["perceptron"])), "litert", tmp_path / "out")


def test_the_command_says_where_it_wrote_and_how_well_it_agrees(tmp_path: Path) -> None:
    a_model(tmp_path, NETWORKS["perceptron"])
    command = [sys.executable, "-m", "imagewise", "export", "model.onnx", "--to", "saved-model", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stderr == ""
    values = json.loads(done.stdout)
    assert values["path"] == "model-saved-model"
    assert values["largest_difference"] < 1e-4
