"""Exports: every format answers as the model file does, or nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from command_line import refused, rewritten, run
from contract import a_network, random_images, random_weights, write_model
from imagewise.data.dataset import Dataset
from imagewise.errors import DataError, EngineError, ModelError, OutputError, TrainingError
from imagewise.export.checking import fewer_of_large
from imagewise.export.export import export
from imagewise.export.onnx_reader import read_network
from imagewise.model.model import Model
from imagewise.networks.layers import (
    AveragePool,
    BatchNorm,
    Branch,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    HardSigmoid,
    HardSwish,
    MaxPool,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
)
from imagewise.networks.network import Network
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
    "mobile": a_network(
        Conv(6, 3, stride=2, padding=(0, 0, 1, 1), bias=False),
        BatchNorm(),
        HardSwish(),
        Conv(6, 3, padding=(1, 0, 1, 2), groups=6),
        ReLU6(),
        Branch("multiply", (GlobalPool(), Dense(2), SiLU(), Dense(6), HardSigmoid())),
        AveragePool(3, 2, padding=(0, 1, 1, 1), count_include_pad=False),
        AveragePool(2, 1, padding=(0, 0, 1, 1)),
        MaxPool(2, 1, padding=(1, 0, 0, 1)),
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


@pytest.mark.parametrize(
    ("count", "shape", "least", "found"),
    [
        (1000, (28, 28, 1), 20, 1000),
        (1000, (80, 80, 3), 20, 1000),
        (1000, (224, 224, 3), 20, 127),
        (200, (224, 224, 3), 20, 25),
        (200, (1000, 1000, 3), 20, 20),
        (100, (224, 224, 3), 1, 12),
        (100, (9999, 9999, 3), 1, 1),
        (7, (1000, 1000, 3), 20, 7),
    ],
)
def test_of_large_pictures_fewer_are_checked_and_fewer_at_once(
    count: int, shape: tuple[int, int, int], least: int, found: int
) -> None:
    assert fewer_of_large(count, shape, least) == found


@pytest.mark.parametrize("to", KERAS_TARGETS)
def test_a_file_that_answers_otherwise_is_removed_again(tmp_path: Path, to: str) -> None:
    file = a_model(tmp_path, NETWORKS["perceptron"])
    with pytest.raises(TrainingError, match=r"out.*model\.onnx"):
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
    assert small.card.metrics["test"].accuracy == made.accuracy
    test = tiny_dataset["test"]
    same = small.predict_batch(test.images).argmax(1) == original.predict_batch(test.images).argmax(1)
    assert same.mean() > 0.9
    assert made.original_accuracy == (original.predict_batch(test.images).argmax(1) == test.labels).mean()
    with pytest.raises(ModelError, match=r"model-int8\.onnx"):
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
    with pytest.raises(DataError, match="--data"):
        export(model, "onnx-int8")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("to", ["onnx-int8", "litert"])
def test_offline_downloads_no_set_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    def download(*_: object) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("imagewise.data.loading.fetch", download)
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    with pytest.raises(DataError, match=r"mnist.*--offline"):
        export(model, to, data="mnist", offline=True)
    refused(run("export", model.name, "--to", to, "--data", "mnist", "--offline"), "mnist", "--offline")


@pytest.mark.parametrize("out", ["out", "new/folders/out"])
def test_what_fails_leaves_nothing_behind(tmp_path: Path, out: str) -> None:
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    with pytest.raises(DataError):
        export(model, "onnx-int8", tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_folder_that_somebody_else_fills_meanwhile_stays(
    tmp_path: Path, tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        (tmp_path / "new" / "mine").write_text("mine")
        raise KeyboardInterrupt

    monkeypatch.setattr("imagewise.export.quantization.quantize", interrupted)
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    with pytest.raises(KeyboardInterrupt):
        export(model, "onnx-int8", tmp_path / "new" / "out", data=tiny_dataset)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mine"]


def test_an_error_of_reading_is_not_said_to_be_one_of_writing(tmp_path: Path, tiny_dataset: Dataset) -> None:
    model = Model.open(a_model(tmp_path, NETWORKS["perceptron"]))
    Path(model.name).unlink()
    for to in ("onnx-int8", "web"):
        with pytest.raises(ModelError, match=r"model\.onnx"):
            export(model, to, tmp_path / "out", data=tiny_dataset, offline=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [{}, {"name": None}])
def test_a_card_without_the_name_of_its_data_is_refused_with_the_remedy(tmp_path: Path, value: object) -> None:
    file = a_model(tmp_path, NETWORKS["perceptron"])
    model = Model.open(rewritten(file, file, {"imagewise.data": json.dumps(value)}))
    with pytest.raises(DataError, match="--data"):
        export(model, "onnx-int8")


@pytest.mark.parametrize("value", [{}, {"layers": []}, {"layers": 3}])
def test_a_card_without_a_network_is_refused_by_the_name_of_its_file(tmp_path: Path, value: object) -> None:
    file = a_model(tmp_path, NETWORKS["perceptron"])
    model = Model.open(rewritten(file, file, {"imagewise.network": json.dumps(value)}))
    with pytest.raises(ModelError, match=r"model\.onnx"):
        read_network(file, model)


def test_pictures_of_another_shape_are_refused(tmp_path: Path, tiny_dataset: Dataset) -> None:
    file = a_model(tmp_path, a_network(Flatten(), Dense(3), shape=(5, 5, 1)))
    with pytest.raises(DataError, match=r"10x12 grey.*takes 5x5 grey"):
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
    with pytest.raises(EngineError, match=r"pip install .*\[tensorflow\]'"):
        export(Model.open(a_model(tmp_path, NETWORKS["perceptron"])), "litert", tmp_path / "out")


def test_the_command_says_where_it_wrote_and_how_well_it_agrees(tmp_path: Path) -> None:
    a_model(tmp_path, NETWORKS["perceptron"])
    command = [sys.executable, "-m", "imagewise", "export", "model.onnx", "--to", "saved-model", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stderr == ""
    values = json.loads(done.stdout)
    assert values["path"] == "model-saved-model"
    assert values["largest_difference"] < 1e-4
