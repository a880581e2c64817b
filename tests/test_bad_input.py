"""Bad input through the command line: a message that names the file and what to do, exit 2, nothing else, nothing lost.

One case of each kind; the readers' own tests are in tests/sources.
"""

from __future__ import annotations

import errno
import gzip
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image
from typer.testing import CliRunner, Result

import imagewise
from imagewise.cli import app

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
FETCH = "imagewise data fetch"


def run(*arguments: object) -> Result:
    """A command in this process; an exception that is no exit is what a person would see as a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def refused(result: Result, *words: object) -> None:
    """Exit 2, nothing on stdout, and all the words on stderr."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for word in words:
        assert str(word) in result.stderr


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bad_input") / "run"
    return imagewise.train("digits", recipe="perceptron", epochs=1, out=out, report=False).folder / "model.onnx"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sets on this machine, and no file of a command that wrongly succeeds in the project."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)


# ---- IDX


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


GOOD_IMAGES = idx(np.zeros((6, 5, 4), dtype=np.uint8))
GOOD_LABELS = idx(np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({IMAGES: GOOD_IMAGES}, [LABELS, "missing"], id="missing"),
        pytest.param({IMAGES: b"", LABELS: GOOD_LABELS}, [IMAGES, "empty", FETCH], id="empty"),
        pytest.param({IMAGES: GOOD_IMAGES[:-9], LABELS: GOOD_LABELS}, [IMAGES, "cut off", FETCH], id="truncated"),
        pytest.param({IMAGES: GOOD_LABELS, LABELS: GOOD_LABELS}, [IMAGES, "mixed up", FETCH], id="wrong magic"),
        pytest.param({IMAGES: GOOD_IMAGES, LABELS: GOOD_LABELS + b"!"}, [LABELS, "longer", FETCH], id="too long"),
        pytest.param(
            {IMAGES: GOOD_IMAGES, LABELS: idx(np.zeros(5, dtype=np.uint8))},
            [LABELS, "5 labels", "6 pictures"],
            id="other length of labels",
        ),
        pytest.param(
            {IMAGES + ".gz": gzip.compress(GOOD_IMAGES)[:-9], LABELS: GOOD_LABELS},
            [IMAGES + ".gz", "damaged", FETCH],
            id="truncated gzip",
        ),
    ],
)
def test_an_idx_file_that_cannot_be_used_is_named(files: dict[str, bytes], words: list[str], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    refused(run("show", tmp_path), *words)
    refused(run("train", tmp_path, "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


# ---- folders, arrays, tables


def picture(path: Path, level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), level).save(path)


def empty_class(root: Path) -> None:
    picture(root / "cat" / "1.png")
    (root / "dog").mkdir()


def unknown_class(root: Path) -> None:
    for number, name in enumerate(("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/cow/1.png")):
        picture(root / name, number)


def no_classes(root: Path) -> None:
    picture(root / "1.png")


def all_damaged(root: Path) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        picture(root / name)
        (root / name).write_bytes(b"no picture")


def wrong_keys(root: Path) -> None:
    np.savez(root / "a.npz", pictures=np.zeros((2, 4, 4), dtype=np.uint8), classes=np.zeros(2, dtype=np.int64))


def pickles(root: Path) -> None:
    labels = np.array(["cat", None], dtype=object)
    np.savez(root / "a.npz", images=np.zeros((2, 4, 4), dtype=np.uint8), labels=labels)


def other_length(root: Path) -> None:
    np.savez(root / "a.npz", images=np.zeros((3, 4, 4), dtype=np.uint8), labels=np.zeros(2, dtype=np.int64))


def no_label_column(root: Path) -> None:
    (root / "labels.csv").write_text("file,class\n1.png,cat\n")


def other_kind(root: Path) -> None:
    (root / "a.zip").write_bytes(b"PK")


@pytest.mark.parametrize(
    ("make", "source", "words"),
    [
        (empty_class, "", ["dog", "holds no picture", "Put pictures into it, or remove it"]),
        (unknown_class, "", ["test", "'cow'", "Add them to train"]),
        (no_classes, "", ["1 pictures", "labels.csv"]),
        (all_damaged, "", ["Replace"]),
        (wrong_keys, "a.npz", ["a.npz", "pictures, classes", "images, labels"]),
        (pickles, "a.npz", ["a.npz", "pickles", "Save plain arrays"]),
        (other_length, "a.npz", ["a.npz", "2 labels", "3 pictures"]),
        (no_label_column, "", ["labels.csv", "'label'", "'class'"]),
        (no_label_column, "labels.csv", ["labels.csv", "'label'", "'class'"]),
        (other_kind, "a.zip", ["a.zip", "Unpack it"]),
        (other_kind, "missing/a.npz", ["a.npz", "Check the path"]),
    ],
)
def test_data_that_cannot_be_used_is_named_with_the_remedy(
    make: Callable[[Path], None], source: str, words: list[str], tmp_path: Path
) -> None:
    make(tmp_path)
    refused(run("show", tmp_path / source), *words)


def test_a_parquet_file_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    refused(run("show", tmp_path / "a.parquet"), "a.parquet", "pip install 'imagewise[tables]'")


@pytest.mark.parametrize("command", [["show"], ["train"], ["data", "fetch"], ["data", "verify"]])
def test_a_misspelt_set_suggests_the_nearest(command: list[str]) -> None:
    refused(run(*command, "mnits"), "'mnits'", "Did you mean 'mnist'", "fashion-mnist")


def test_a_named_set_is_never_swapped_for_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("imagewise.sources.named.cache_folder", lambda: tmp_path)
    refused(run("train", "mnist", "--offline"), "mnist", "--offline", "imagewise data fetch mnist")


def test_damaged_pictures_are_listed_and_left_out_and_strict_refuses_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        for number in range(12):
            path = tmp_path / "data" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    bad = tmp_path / "data" / "cat" / "3.png"
    bad.write_bytes(bad.read_bytes()[:40])
    command = ["show", tmp_path / "data", "--out", tmp_path / "sheet.png"]
    result = run(*command)
    assert result.exit_code == 0
    assert "left out 1 pictures" in result.stderr
    assert "cat/3.png" in result.stderr
    refused(run(*command, "--strict"), "cat/3.png", "1 of 24", "Replace or remove")


# ---- models


def rewritten(model: Path, path: Path, changes: dict[str, str]) -> Path:
    """The model with other metadata."""
    proto = onnx.load(model)
    metadata = {entry.key: entry.value for entry in proto.metadata_props} | changes
    del proto.metadata_props[:]
    helper.set_model_props(proto, metadata)
    onnx.save(proto, path)
    return path


def foreign(path: Path) -> Path:
    """An ONNX model of somebody else's."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "foreign", value[:1], value[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def bad_models(model: Path, tmp_path: Path) -> dict[str, Path]:
    content = model.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    Image.new("L", (9, 9)).save(tmp_path / "picture.png")
    return {
        "missing": tmp_path / "missing.onnx",
        "folder": tmp_path,
        "picture": tmp_path / "picture.png",
        "cut": tmp_path / "cut.onnx",
        "foreign": foreign(tmp_path / "foreign.onnx"),
        "newer": rewritten(model, tmp_path / "newer.onnx", {"imagewise.format": "2"}),
        "metadata": rewritten(model, tmp_path / "metadata.onnx", {"imagewise.recipe": "{"}),
        "classes": rewritten(model, tmp_path / "classes.onnx", {"imagewise.class_names": '["a", "b"]'}),
        "framing": rewritten(
            model,
            tmp_path / "framing.onnx",
            {"imagewise.framing": '{"kind": "round", "height": 28, "width": 28, "channels": 1}'},
        ),
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", ["No such file", "Check the path"]),
        ("folder", ["Is a directory", "Check the path"]),
        ("picture", ["not a model file", "Train or copy it again"]),
        ("cut", ["damaged", "Train or copy it again"]),
        ("foreign", ["not one of imagewise's", "imagewise train"]),
        ("newer", ["newer", "pgrade"]),
        ("metadata", ["metadata is damaged", "train or copy it again"]),
        ("classes", ["disagree", "train or copy it again"]),
        ("framing", ["'round'", "Upgrade"]),
    ],
)
def test_a_file_that_is_no_model_of_ours_is_refused_by_every_command(
    kind: str, words: list[str], bad_models: dict[str, Path]
) -> None:
    path = bad_models[kind]
    refused(run("info", path), path, *words)
    refused(run("evaluate", path, "digits"), path, *words)
    refused(run("predict", "any.png", "--model", path), path, *words)


def test_evaluate_refuses_arrays_of_another_shape(model: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "small.npz", images=np.zeros((4, 8, 8), dtype=np.uint8), labels=np.arange(4))
    refused(run("evaluate", model, tmp_path / "small.npz"), "small.npz", "8x8", "28x28", "class folders")


def test_evaluate_refuses_classes_that_the_model_does_not_know(model: Path, tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    refused(run("evaluate", model, tmp_path), "cat", "does not know", model, "rename the labels")


def test_evaluate_and_show_refuse_a_split_that_is_not_there(model: Path, tmp_path: Path) -> None:
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[1, 9:19, 9:19] = 255
    np.savez(tmp_path / "a.npz", x_train=images, y_train=[0, 1], x_validation=images, y_validation=[0, 1])
    for command in (["evaluate", model], ["show"]):
        refused(run(*command, tmp_path / "a.npz", "--split", "test"), "no split 'test'", "train, validation")


# ---- output


def test_an_out_folder_that_cannot_be_is_refused_before_training(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        refused(run("train", "digits", "--out", out), out, "is a file, not a folder", "--out")
    assert (tmp_path / "file").read_text() == "mine"
    before = model.read_bytes()
    refused(run("train", "digits", "--out", model.parent), model.parent, "already holds a run", "--resume")
    assert model.read_bytes() == before


def test_a_report_or_sheet_that_cannot_be_written_is_said_and_what_was_there_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    result = run("show", "digits", "--out", tmp_path / "file" / "new")
    assert result.exit_code == 2
    assert "is a file, not a folder" in result.stderr

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagewise.atomic.os.fsync", full)
    for command in (["evaluate", model, "digits", "--report"], ["show", "digits", "--out"]):
        result = run(*command, tmp_path / "file")
        assert result.exit_code == 2
        assert f"cannot write {tmp_path / 'file'}: No space left on device" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_there_is_nothing_to_resume_where_no_run_is(tmp_path: Path) -> None:
    refused(run("train", "--resume", tmp_path), tmp_path, "run.json", "--out")


def test_a_resumed_run_cannot_be_changed(model: Path) -> None:
    refused(run("train", "--resume", model.parent, "--recipe", "convnet"), "cannot change recipe", "--epochs")
    refused(run("train", "--resume", model.parent, "--batch-size", 3), "cannot change batch_size", "--epochs")
    refused(run("train", "--resume", model.parent), "complete after 1 epochs", "--epochs N")


# ---- options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 0], ["--epochs", "1"]),
        (["--epochs", "x"], ["--epochs", "integer"]),
        (["--epochs", "1.5"], ["--epochs", "integer"]),
        (["--batch-size", -1], ["--batch-size", "1"]),
        (["--learning-rate", 0], ["--learning-rate", "above 0"]),
        (["--learning-rate", -0.1], ["--learning-rate", "above 0"]),
        (["--learning-rate", "nan"], ["--learning-rate", "above 0"]),
        (["--learning-rate", "inf"], ["--learning-rate", "above 0"]),
        (["--learning-rate", "fast"], ["--learning-rate", "number"]),
        (["--seed", -1], ["--seed", "0"]),
        (["--engine", "abacus"], ["--engine", "'abacus'", "'pytorch'"]),
        (["--device", "tpu"], ["--device", "'tpu'", "'auto', 'cpu', 'cuda'"]),
        (["--recipe", "percepton"], ["'percepton'", "Did you mean 'perceptron'?"]),
        (["--recipe", "missing.toml"], ["missing.toml", "Check the path"]),
        (["--set", "nonsense"], ["--set 'nonsense'", "KEY=VALUE"]),
        (["--set", "=3"], ["--set '=3'", "KEY=VALUE"]),
        (["--set", "augment.rotat=3"], ["augment.rotat: there is no such field", "rotate"]),
        (["--set", "augmnt.rotate=3"], ["augmnt: there is no such field", "augment"]),
        (["--set", "augment.rotate=much"], ["augment.rotate", "'much'"]),
        (["--set", "augment.rotate=-3"], ["augment.rotate", "-3"]),
        (["--set", "keep=first"], ["keep", "'best' or 'last'"]),
        (["--set", "optimizer.name=adan"], ["optimizer.name", "'adan'", "'adam'"]),
        (["--set", "optimizer.learning_rat=1"], ["optimizer.learning_rat", "learning_rate"]),
        (["--set", "network.name=perceptrn"], ["'perceptrn'", "perceptron"]),
        (["--recipe", "perceptron", "--set", "network.params.hiden=3"], ["hiden", "hidden"]),
        (["--set", "epochs.x=3"], ["epochs.x", "no fields"]),
        (["--unknown"], ["--unknown"]),
        (["mnist"], ["mnist"]),
    ],
)
def test_a_wrong_option_of_train_is_named(options: list[object], words: list[str]) -> None:
    refused(run("train", "digits", *options), *words)
    assert list(Path.cwd().iterdir()) == []


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refused(run("train", "digits", "--device", "cuda"), "device cuda", "--device cpu")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["evaluate", "m.onnx", "digits", "--split", "tset"], ["--split", "'tset'", "'validation'"]),
        (["evaluate", "m.onnx"], ["DATA"]),
        (["show", "digits", "--split", "all"], ["--split", "'train'"]),
        (["show"], ["DATA"]),
        (["predict"], ["PICTURE"]),
        (["predict", "a.png", "--top", 0], ["--top", "1"]),
        (["predict", "a.png"], ["a.png", "no such file"]),
        (["info"], ["MODEL"]),
        (["recipes", "convnett"], ["'convnett'", "Did you mean 'convnet'?"]),
        (["trian"], ["'trian'", "Did you mean 'train'?"]),
        (["data", "fetch"], ["NAME"]),
        (["data", "lst"], ["'lst'"]),
    ],
)
def test_a_wrong_command_line_is_refused_by_what_is_wrong(command: list[object], words: list[str]) -> None:
    refused(run(*command), *words)
