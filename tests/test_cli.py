"""The command line from end to end: what goes where, the shapes of JSON, exit codes, Ctrl-C and going on after it."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import imagewise
from imagewise.cli import app
from imagewise.errors import DownloadError
from imagewise.training import TrainingCallbacks

# as `imagewise`, in a process that hears Ctrl-C even where this one was started not to
IMAGEWISE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from imagewise.cli import main
main()
"""
PLAIN_ONNXRUNTIME = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
probabilities, logits = session.run(["probabilities", "logits"], {"pictures": np.load(sys.argv[2])})
assert not [name for name in sys.modules if name.startswith("imagewise")]
exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
assert np.allclose(exponentials / exponentials.sum(axis=1, keepdims=True), probabilities, atol=1e-6)
np.save(sys.argv[3], probabilities)
"""
EPOCH_LINE = re.compile(r"epoch (\d+)/(\d+)  cost \d+\.\d{4}  validation \d+\.\d\d%  \d+\.\d s")
RUN_FILES = {"model.onnx", "history.csv", "run.json", "report.html", "checkpoint.safetensors"}
EVALUATION = {
    "model": str, "data": str, "split": str, "count": int, "accuracy": float, "accuracy_interval": list,
    "top3_accuracy": float, "calibration_error": float, "classes": dict, "confusion": list,
}  # fmt: skip


def run(*arguments: object, stdin: bytes = b"") -> Result:
    """A command in this process; fails on anything but an exit, as a person would see a traceback."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-c", IMAGEWISE, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **({"stdout": subprocess.PIPE} | options))


def history(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "history.csv").read_text().splitlines()))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("cli") / "run"
    return folder, run("train", "digits", "--recipe", "perceptron", "--epochs", 3, "--out", folder)


@pytest.fixture(scope="module")
def model(trained: tuple[Path, Result]) -> Path:
    return trained[0] / "model.onnx"


def check_evaluation(values: dict[str, Any]) -> None:
    for key, kind in EVALUATION.items():
        assert type(values[key]) is kind, key
    low, high = values["accuracy_interval"]
    assert 0 <= low <= values["accuracy"] <= high <= 1
    assert list(values["classes"]) == [str(digit) for digit in range(10)]
    for scores in values["classes"].values():
        assert set(scores) == {"precision", "recall", "f1", "count"}
    assert sum(scores["count"] for scores in values["classes"].values()) == values["count"]


# ---- train


def test_training_tells_its_progress_on_stderr_a_line_an_epoch(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    facts, epochs = result.stderr.splitlines()[:4], result.stderr.splitlines()[4:]
    assert facts[0] == "data    digits: 1,437 train, 171 validation, 189 test; 10 classes, 28x28 grey"
    assert facts[1] == "recipe  perceptron: 3 epochs, batches of 100"
    assert facts[2].startswith("device  c")
    assert facts[3] == f"run     {folder}"
    matches = [EPOCH_LINE.fullmatch(line) for line in epochs]
    assert [match and match.groups() for match in matches] == [("1", "3"), ("2", "3"), ("3", "3")]


def test_training_tells_its_result_on_stdout_in_columns(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    lines = result.stdout.splitlines()
    assert [line[:12].rstrip() for line in lines] == ["test", "validation", "trained", "model", "report"]
    assert lines[3][12:] == str(folder / "model.onnx")
    assert lines[4][12:] == str(folder / "report.html")
    assert "189 pictures" in lines[0]
    assert re.search(r"epoch [123] of 3$", lines[1])
    assert result.exit_code == 0


def test_a_run_leaves_one_folder_with_five_files(trained: tuple[Path, Result]) -> None:
    assert {path.name for path in trained[0].iterdir()} == RUN_FILES


def test_history_has_the_columns_of_the_design_and_a_row_an_epoch(trained: tuple[Path, Result]) -> None:
    text = (trained[0] / "history.csv").read_text()
    assert text.startswith("epoch,cost,accuracy,validation_cost,validation_accuracy,learning_rate,seconds\n")
    rows = history(trained[0])
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(float(value) >= 0 for row in rows for value in row.values())


def test_train_json_is_all_there_is_on_stdout(tmp_path: Path) -> None:
    settings = ["--set", "keep=last", "--set", "optimizer.name=sgd", "--learning-rate", 0.1]
    result = run(
        "train", "digits", "--epochs", 2, "--batch-size", 64, "--seed", 7, *settings, "--json", "--out", tmp_path
    )
    values = json.loads(result.stdout)
    kinds = {"run": str, "model": str, "epochs": int, "best_epoch": int, "train_seconds": float}
    for key, kind in kinds.items():
        assert type(values[key]) is kind, key
    assert values["run"] == str(tmp_path)
    assert values["model"] == str(tmp_path / "model.onnx")
    assert values["epochs"] == values["best_epoch"] == 2
    assert type(values["validation"]["accuracy"]) is float
    check_evaluation(values["test"])
    assert "report.html" in result.stderr
    recipe = json.loads((tmp_path / "run.json").read_text())["recipe"]
    assert (recipe["epochs"], recipe["batch_size"], recipe["seed"], recipe["keep"]) == (2, 64, 7, "last")
    assert (recipe["optimizer"]["name"], recipe["optimizer"]["learning_rate"]) == ("sgd", 0.1)


def test_test_is_null_in_train_json_where_there_is_no_test_split(tmp_path: Path) -> None:
    digits = imagewise.load_data("digits")
    train, validation = digits["train"].take(np.arange(100)), digits["validation"]
    arrays = {"x_train": train.images, "x_validation": validation.images}
    labels = {"y_train": train.labels, "y_validation": validation.labels}
    np.savez(tmp_path / "own.npz", allow_pickle=False, **arrays, **labels)
    result = run("train", tmp_path / "own.npz", "--epochs", 1, "--json", "--no-report", "--out", tmp_path / "run")
    values = json.loads(result.stdout)
    assert values["test"] is None
    assert not (tmp_path / "run" / "report.html").exists()


def test_training_again_gives_the_same_numbers_and_another_seed_gives_others(
    trained: tuple[Path, Result], tmp_path: Path
) -> None:
    costs = []
    for seed in (0, 1):
        run(
            "train",
            "digits",
            "--recipe",
            "perceptron",
            "--epochs",
            1,
            "--seed",
            seed,
            "--no-report",
            "--out",
            tmp_path / str(seed),
        )
        costs.append(history(tmp_path / str(seed))[0]["cost"])
    assert costs[0] == history(trained[0])[0]["cost"]
    assert costs[1] != costs[0]


def test_a_run_without_out_goes_to_a_folder_of_its_own_under_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [Path(json.loads(run("train", "digits", "--epochs", 1, "--no-report", "--json").stdout)["run"])]
    folders.append(Path(json.loads(run("train", "digits", "--epochs", 1, "--no-report", "--json").stdout)["run"]))
    assert folders[0] != folders[1]
    for folder in folders:
        assert re.fullmatch(r"digits-\w+-\d{8}-\d{6}(-2)?", folder.name)
        assert folder.parent == Path("runs")


# ---- Ctrl-C


def test_ctrl_c_saves_the_best_model_and_the_run_can_be_taken_up(tmp_path: Path) -> None:
    folder = tmp_path / "run with a space"
    process = start("train", "digits", "--epochs", 100_000, "--set", "patience=0", "--json", "--out", folder)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    values = json.loads(stdout)
    assert values["interrupted"] is True
    assert f"interrupted: the best model so far, from epoch {values['best_epoch']}, is saved" in stderr
    assert f"imagewise train --resume '{folder}'" in stderr
    assert imagewise.load_model(folder / "model.onnx").class_names == tuple("0123456789")
    before = history(folder)
    assert len(before) == values["epochs"] >= 2
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"

    epochs = len(before) + 2
    result = run("train", "--resume", folder, "--epochs", epochs)
    assert result.exit_code == 0
    after = history(folder)
    assert [int(row["epoch"]) for row in after] == list(range(1, epochs + 1))
    unmeasured = {"seconds": ""}
    assert [row | unmeasured for row in after[: len(before) - 1]] == [row | unmeasured for row in before[:-1]]
    assert f"epoch {epochs}/{epochs}  " in result.stderr
    assert "epoch 1/" not in result.stderr
    assert {path.name for path in folder.iterdir()} == RUN_FILES

    again = run("train", "--resume", folder)
    assert again.exit_code == 2
    assert f"complete after {epochs} epochs" in again.stderr


@pytest.mark.usefixtures("model")  # PyTorch is loaded
def test_ctrl_c_in_the_first_epoch_saves_what_there_is_and_promises_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagewise.training_display.TrainingDisplay.on_batch", stop)
    result = run("train", "digits", "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "interrupted in the first epoch" in result.stderr
    assert "--resume" not in result.stderr
    assert "epoch 0" not in result.stdout
    assert imagewise.load_model(tmp_path / "run" / "model.onnx")


def test_ctrl_c_before_training_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagewise.planning.load_data", stop)
    result = run("train", "digits", "--out", tmp_path / "run")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "imagewise: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_breaks_down_in_its_first_epoch_leaves_its_folder_free(tmp_path: Path) -> None:
    command = ["train", "digits", "--epochs", 1, "--no-report", "--out", tmp_path / "run"]
    result = run(*command, "--learning-rate", 1e30)
    assert result.exit_code == 1
    assert "--learning-rate" in result.stderr
    assert run(*command).exit_code == 0


# ---- evaluate, info, show


def test_evaluate_json_has_the_shape_of_the_design(model: Path, trained: tuple[Path, Result]) -> None:
    result = run("evaluate", model, "digits", "--json")
    values = json.loads(result.stdout)
    check_evaluation(values)
    assert (values["model"], values["data"], values["split"], values["count"]) == (str(model), "digits", "test", 189)
    assert f"test        {values['accuracy']:.2%} " in trained[1].stdout
    assert result.stderr == ""


def test_evaluate_says_the_score_then_a_row_a_class(model: Path) -> None:
    result = run("evaluate", model, "digits", "--split", "validation")
    lines = result.stdout.splitlines()
    assert lines[0] == f"{model} on digits, split validation"
    assert re.fullmatch(
        r"accuracy           \d\d\.\d\d% \(95% interval \d\d\.\d\d% to \d\d\.\d\d%, 171 pictures\)", lines[1]
    )
    assert lines[5].split() == ["class", "precision", "recall", "f1", "count"]
    assert [line.split()[0] for line in lines[6:]] == list("0123456789")
    assert len({len(line) for line in lines[5:]}) == 1


def test_evaluate_warns_of_pictures_that_the_model_was_trained_on(model: Path) -> None:
    result = run("evaluate", model, "digits", "--split", "train", "--json")
    assert "note: The model was trained on about 100% of these pictures" in result.stderr
    assert json.loads(result.stdout)["count"] == 1437


def test_evaluate_writes_a_report_and_says_where(model: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "digits", "--report", tmp_path / "new" / "page.html")
    assert result.stdout.splitlines()[-1] == f"report      {tmp_path / 'new' / 'page.html'}"
    assert "<html" in (tmp_path / "new" / "page.html").read_text()
    result = run("evaluate", model, "digits", "--report", tmp_path / "page.html", "--json")
    assert json.loads(result.stdout)
    assert "page.html" in result.stderr


def test_info_tells_what_a_model_is_in_columns(model: Path) -> None:
    lines = run("info", model).stdout.splitlines()
    names = ["model", "classes", "framing", "network", "recipe", "data", "split", "SHA-256"]
    assert [line[:12].rstrip() for line in lines] == [*names, "validation", "test", "versions", "created"]
    assert lines[1][12:] == "10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert lines[2][12:] == "ink, 28x28 grey"
    assert lines[3][12:] == "Flatten Dense(256) ReLU Dense(256) ReLU Dense(10)"


def test_info_json_is_the_models_card(model: Path) -> None:
    values = json.loads(run("info", model, "--json").stdout)
    card = imagewise.load_model(model).card
    assert values == json.loads(json.dumps({"model": str(model)} | card.as_dict()))


def test_show_counts_and_writes_a_contact_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    result = run("show", "digits")
    assert result.exit_code == 0
    assert "class  train  validation  test" in result.stdout
    assert re.search(r"^total   1437         171   189$", result.stdout, re.MULTILINE)
    with Image.open("digits-contact-sheet.png") as sheet:
        assert sheet.format == "PNG"
    values = json.loads(run("show", "digits", "--split", "test", "--out", "sheet.png", "--json").stdout)
    assert values["counts"]["test"]["0"] == 20
    assert values["shape"] == [28, 28, 1]
    assert values["skipped"] == []
    assert Path(values["contact_sheet"]).exists()


# ---- the small commands


def test_version_and_help_answer() -> None:
    assert run("--version").stdout == f"imagewise {version('imagewise')}\n"
    for command in ([], ["train"], ["evaluate"], ["predict"], ["show"], ["info"], ["recipes"], ["data"]):
        result = run(*command, "--help")
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: ")
        assert run(*command, "-h").stdout == result.stdout
    # a command's summary is not cut off
    assert "..." not in run("--help").stdout.replace("[ARGS]...", "")


def test_without_a_command_there_is_help_and_exit_2() -> None:
    assert run().exit_code == 2
    assert run("data").exit_code == 2


def test_recipes_lists_what_train_takes_and_prints_one_that_train_takes(tmp_path: Path) -> None:
    names = list(json.loads(run("recipes", "--json").stdout))
    assert {"perceptron", "convnet"} <= set(names)
    assert [line.split()[0] for line in run("recipes").stdout.splitlines()] == ["recipe", *names]
    own = tmp_path / "mine.toml"
    own.write_text(run("recipes", "perceptron").stdout)
    assert imagewise.load_recipe(own).network == imagewise.load_recipe("perceptron").network
    assert json.loads(run("recipes", "convnet", "--json").stdout)["network"]["name"] == "convnet"


def test_data_lists_the_named_sets() -> None:
    values = json.loads(run("data", "list", "--json").stdout)
    assert [entry["name"] for entry in values] == ["mnist", "fashion-mnist", "kmnist", "cifar10", "digits"]
    assert values[-1]["place"] == "scikit-learn"
    assert len(run("data", "list").stdout.splitlines()) == 6


def test_data_fetch_and_verify_of_what_is_here_say_so() -> None:
    assert run("data", "fetch", "digits").stdout.startswith("digits  ")
    result = run("data", "verify", "digits", "--json")
    assert result.exit_code == 0
    assert [(entry["set"], entry["ok"]) for entry in json.loads(result.stdout)] == [("digits", True)]


def test_data_verify_is_exit_1_where_a_file_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(b"not these")
    monkeypatch.setenv("IMAGEWISE_DATA", str(tmp_path))
    result = run("data", "verify", "mnist")
    assert result.exit_code == 1
    states = [line.split()[1] for line in result.stdout.splitlines()]
    assert states == ["state", "WRONG", "WRONG", "WRONG", "WRONG"]
    assert "missing" in result.stdout


def test_a_download_that_fails_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DownloadError("kmnist: no mirror serves it. Try again later.")

    monkeypatch.setattr("imagewise.sources.named.fetch", fail)
    result = run("data", "fetch", "kmnist")
    assert (result.exit_code, result.stderr) == (1, "imagewise: error: kmnist: no mirror serves it. Try again later.\n")


# ---- processes


def test_plain_onnxruntime_gives_the_same_probabilities_without_imagewise(model: Path, tmp_path: Path) -> None:
    images = imagewise.load_data("digits")["test"].images
    np.save(tmp_path / "pictures.npy", images)
    paths = [str(model), str(tmp_path / "pictures.npy"), str(tmp_path / "probabilities.npy")]
    command = [sys.executable, "-I", "-c", PLAIN_ONNXRUNTIME, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(paths[2])
    assert np.array_equal(found, imagewise.load_model(model).predict_batch(images))


def test_module_and_command_are_the_same(model: Path) -> None:
    command = [sys.executable, "-m", "imagewise", "info", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (run("info", model).stdout, "")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("recipes", stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout_is_said_without_a_traceback() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("recipes", stdout=full)
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert stderr == "imagewise: error: output: No space left on device. Mend that and try again.\n"


def test_callbacks_of_the_display_are_those_of_training() -> None:
    from imagewise.training_display import TrainingDisplay

    assert isinstance(TrainingDisplay(), TrainingCallbacks)
