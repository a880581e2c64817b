"""Bad input through the command line: a message that names the file and what to do, exit 2, nothing else, nothing lost.

One case of each kind; the readers' own tests are in tests/data, wrong command lines in tests/cli/test_usage.py.
"""

from __future__ import annotations

import errno
import gzip
import io
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

import imagewise
from command_line import refused, rewritten, run

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
FETCH = "imagewise data fetch"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bad_input") / "run"
    return imagewise.train("digits", recipe="perceptron", epochs=1, out=out).folder / "model.onnx"


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
        pytest.param({IMAGES: GOOD_IMAGES}, [LABELS], id="missing"),
        pytest.param({IMAGES: b"", LABELS: GOOD_LABELS}, [IMAGES, FETCH], id="empty"),
        pytest.param({IMAGES: GOOD_IMAGES[:-9], LABELS: GOOD_LABELS}, [IMAGES, FETCH], id="truncated"),
        pytest.param({IMAGES: GOOD_LABELS, LABELS: GOOD_LABELS}, [IMAGES, FETCH], id="wrong magic"),
        pytest.param({IMAGES: GOOD_IMAGES, LABELS: GOOD_LABELS + b"!"}, [LABELS, FETCH], id="too long"),
        pytest.param(
            {IMAGES: GOOD_IMAGES, LABELS: idx(np.zeros(5, dtype=np.uint8))},
            [LABELS, "5 labels", "6 pictures"],
            id="other length of labels",
        ),
        pytest.param(
            {IMAGES + ".gz": gzip.compress(GOOD_IMAGES)[:-9], LABELS: GOOD_LABELS},
            [IMAGES + ".gz", FETCH],
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


def pickled_mnist(root: Path) -> None:
    (root / "mnist.pkl.gz").write_bytes(gzip.compress(b"\x80\x04N."))


def pickled_cifar(root: Path) -> None:
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (root / name).write_bytes(b"\x80\x04N.")


def several_labels(root: Path) -> None:
    labels = np.array([[1, 1, 0], [0, 1, 1]], dtype=np.uint8)
    np.savez(root / "chestmnist.npz", train_images=np.zeros((2, 4, 4), dtype=np.uint8), train_labels=labels)


def several_sets(root: Path) -> None:
    for name in ("letters", "digits"):
        (root / f"emnist-{name}-{IMAGES}").write_bytes(GOOD_IMAGES)
        (root / f"emnist-{name}-{LABELS}").write_bytes(GOOD_LABELS)


def one_class_of_drawings(root: Path) -> None:
    np.save(root / "cat.npy", np.zeros((9, 784), dtype=np.uint8))


def no_picture_in_a_row(root: Path) -> None:
    (root / "fer2013.csv").write_text("emotion,pixels\n" + f"0,{'1 ' * 64}\n" * 3 + "1,1 2 3\n")


def other_length(root: Path) -> None:
    np.savez(root / "a.npz", images=np.zeros((3, 4, 4), dtype=np.uint8), labels=np.zeros(2, dtype=np.int64))


def no_label_column(root: Path) -> None:
    (root / "labels.csv").write_text("file,width,height\n1.png,3,4\n")


def other_kind(root: Path) -> None:
    (root / "a.zip").write_bytes(b"PK")


@pytest.mark.parametrize(
    ("make", "source", "words"),
    [
        (empty_class, "", ["dog"]),
        (unknown_class, "", ["test", "'cow'", "train"]),
        (no_classes, "", ["labels.csv"]),
        (all_damaged, "", ["its 2 pictures"]),
        (wrong_keys, "a.npz", ["a.npz", "pictures, classes", "images, labels"]),
        (pickles, "a.npz", ["a.npz", "pickles"]),
        (pickled_mnist, "mnist.pkl.gz", ["mnist.pkl.gz", "imagewise train mnist", "python -c"]),
        (pickled_mnist, "", ["mnist.pkl.gz", "imagewise train mnist"]),
        (pickled_cifar, "", ["imagewise train cifar10"]),
        (several_labels, "chestmnist.npz", ["chestmnist.npz", "multi-label", "train_labels[:, 0]"]),
        (several_sets, "", ["emnist-digits", "emnist-letters", f"emnist-digits-{IMAGES}"]),
        (one_class_of_drawings, "", ["cat.npy", "other classes"]),
        (no_picture_in_a_row, "fer2013.csv", ["fer2013.csv", "row 4"]),
        (other_length, "a.npz", ["a.npz", "2 labels", "3 pictures"]),
        (no_label_column, "", ["labels.csv", "'label'", "'width'"]),
        (no_label_column, "labels.csv", ["labels.csv", "'label'", "'width'"]),
        (other_kind, "a.zip", ["a.zip"]),
        (other_kind, "missing/a.npz", ["a.npz"]),
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
    refused(run("show", tmp_path / "a.parquet"), "a.parquet", "pip install", "[tables]'")


@pytest.mark.parametrize("command", [["show"], ["train"], ["data", "fetch"], ["data", "verify"]])
def test_a_misspelt_set_suggests_the_nearest(command: list[str]) -> None:
    refused(run(*command, "mnits"), "'mnits'", "'mnist'", "fashion-mnist")


def test_a_named_set_is_never_swapped_for_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
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
    assert "left out 1 picture " in result.stderr
    assert "cat/3.png" in result.stderr
    refused(run(*command, "--strict"), "cat/3.png", "1 of 24")


# ---- models


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
        ("missing", ["o such file"]),
        ("folder", []),
        ("picture", []),
        ("cut", []),
        ("foreign", ["imagewise train"]),
        ("newer", ["pgrade"]),
        ("metadata", ["metadata"]),
        ("classes", []),
        ("framing", ["framing"]),
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
    refused(run("evaluate", model, tmp_path / "small.npz"), "small.npz", "8x8", "28x28")


def test_evaluate_refuses_classes_that_the_model_does_not_know(model: Path, tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    refused(run("evaluate", model, tmp_path), "cat", model)


def test_evaluate_and_show_refuse_a_split_that_is_not_there(model: Path, tmp_path: Path) -> None:
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[1, 9:19, 9:19] = 255
    np.savez(tmp_path / "a.npz", x_train=images, y_train=[0, 1], x_validation=images, y_validation=[0, 1])
    for command in (["evaluate", model], ["show"]):
        refused(run(*command, tmp_path / "a.npz", "--split", "test"), "'test'", "train, validation")


# ---- output


def test_an_out_folder_that_cannot_be_is_refused_before_training(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        refused(run("train", "digits", "--out", out), out, "--out")
    assert (tmp_path / "file").read_text() == "mine"
    before = model.read_bytes()
    refused(run("train", "digits", "--out", model.parent), model.parent, "--resume")
    assert model.read_bytes() == before


def test_a_report_or_sheet_that_cannot_be_written_is_said_and_what_was_there_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    result = run("show", "digits", "--out", tmp_path / "file" / "new")
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'} " in result.stderr

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("imagewise.atomic.os.fsync", full)
    for command in (["evaluate", model, "digits", "--report"], ["show", "digits", "--out"]):
        result = run(*command, tmp_path / "file")
        assert result.exit_code == 2
        assert f"{tmp_path / 'file'}: No space left on device" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_there_is_nothing_to_resume_where_no_run_is(tmp_path: Path) -> None:
    refused(run("train", "--resume", tmp_path), tmp_path, "run.json", "--out")


def test_a_resumed_run_cannot_be_changed(model: Path) -> None:
    refused(run("train", "--resume", model.parent, "--recipe", "convnet"), "recipe", "--epochs")
    refused(run("train", "--resume", model.parent, "--batch-size", 3), "batch_size", "--epochs")
    refused(run("train", "--resume", model.parent), "--epochs N")


# ---- recipes and devices


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "percepton"], ["'percepton'", "'perceptron'"]),
        (["--recipe", "missing.toml"], ["missing.toml"]),
        (["--set", "nonsense"], ["--set 'nonsense'", "KEY=VALUE"]),
        (["--set", "=3"], ["--set '=3'", "KEY=VALUE"]),
        (["--set", "augment.rotat=3"], ["augment.rotat", "rotate"]),
        (["--set", "augmnt.rotate=3"], ["augmnt", "augment"]),
        (["--set", "augment.rotate=much"], ["augment.rotate", "'much'"]),
        (["--set", "augment.rotate=-3"], ["augment.rotate", "-3"]),
        (["--set", "keep=first"], ["keep", "'best' or 'last'"]),
        (["--set", "optimizer.name=adan"], ["optimizer.name", "'adan'", "'adam'"]),
        (["--set", "optimizer.learning_rat=1"], ["optimizer.learning_rat", "learning_rate"]),
        (["--set", "network.name=perceptrn"], ["'perceptrn'", "perceptron"]),
        (["--recipe", "perceptron", "--set", "network.params.hiden=3"], ["hiden", "hidden"]),
        (["--set", "epochs.x=3"], ["epochs.x"]),
        (["--framing", "photo"], ["'photo'", "photo:96"]),
    ],
)
def test_a_recipe_or_setting_that_cannot_be_is_named(options: list[object], words: list[str]) -> None:
    refused(run("train", "digits", *options), *words)
    assert list(Path.cwd().iterdir()) == []


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refused(run("train", "digits", "--device", "cuda"), "device cuda", "--device cpu")


def _pictures_in(folder: bytes, count: int = 12) -> None:
    os.makedirs(folder)  # noqa: PTH103 - the name is bytes
    for number in range(count):
        file = io.BytesIO()
        pixels = np.random.default_rng([number, len(folder)]).integers(0, 256, (12, 12), dtype=np.uint8)
        Image.fromarray(pixels).save(file, format="PNG")
        with open(folder + b"/%d.png" % number, "wb") as target:  # noqa: PTH123
            target.write(file.getvalue())


def test_a_class_name_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path / "set")
    _pictures_in(root + b"/caf\xe9")
    _pictures_in(root + b"/tea")
    refused(run("train", tmp_path / "set", "--engine", "numpy", "--out", tmp_path / "run"), "caf", "Rename")
    assert not (tmp_path / "run").exists()


def test_damaged_pictures_whose_names_are_not_utf_8_are_listed_and_do_not_end_training(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path / "s\u00e9t")
    _pictures_in(root + b"/coffee")
    _pictures_in(root + b"/tea")
    with open(root + b"/tea/kaputt_\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(b"not a picture")
    settings = ("--engine", "numpy", "--recipe", "perceptron", "--epochs", 1, "--framing", "photo:8:grey")
    result = run("train", os.fsdecode(root), *settings, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "kaputt_" in (tmp_path / "run" / "run.json").read_text("utf-8")
    assert (tmp_path / "run" / "report.html").exists()
