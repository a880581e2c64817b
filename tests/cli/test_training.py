"""`imagewise train` and `recipes` from end to end: what goes where, exit codes, Ctrl-C, and resuming after it."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import imagewise
from command_line import WAIT_SECONDS, check_evaluation, run, start

EPOCH_LINE = re.compile(r"epoch (\d+)/(\d+)  loss \d+\.\d{4}  validation \d+%  \d+\.\d s")
FULL = Path("/dev/full")  # a file on a disk without room
NEEDS_FULL = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
RUN_FILES = {"model.onnx", "history.csv", "run.json", "report.html", "checkpoint.safetensors"}


def history(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "history.csv").read_text().splitlines()))


# ---- train


def test_training_prints_its_plan_and_a_line_for_each_epoch_on_stderr(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    facts, epochs = result.stderr.splitlines()[:4], result.stderr.splitlines()[4:]
    assert facts[0] == "data    digits: 1,437 train, 171 validation, 189 test; 10 classes, 28x28 grey"
    assert facts[1] == "recipe  perceptron: 3 epochs, batches of 100"
    assert facts[2].startswith("device  c")
    assert facts[3] == f"run     {folder}"
    matches = [EPOCH_LINE.fullmatch(line) for line in epochs]
    assert [match and match.groups() for match in matches] == [("1", "3"), ("2", "3"), ("3", "3")]


def test_training_prints_its_result_on_stdout_in_columns(trained: tuple[Path, Result]) -> None:
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
    settings = ["--recipe", "perceptron", "--set", "keep=last", "--set", "optimizer.name=sgd", "--learning-rate", 0.1]
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
    result = run(
        "train",
        tmp_path / "own.npz",
        "--recipe",
        "perceptron",
        "--epochs",
        1,
        "--json",
        "--no-report",
        "--out",
        tmp_path / "run",
    )
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
    command = ["train", "digits", "--recipe", "perceptron", "--epochs", 1, "--no-report", "--json"]
    folders = [Path(json.loads(run(*command).stdout)["run"]) for _ in range(2)]
    assert folders[0] != folders[1]
    for folder in folders:
        assert re.fullmatch(r"digits-\w+-\d{8}-\d{6}(-2)?", folder.name)
        assert folder.parent == Path("runs")


# ---- Ctrl-C


def test_ctrl_c_saves_the_best_model_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run with a space"
    process = start(
        "train",
        "digits",
        "--recipe",
        "perceptron",
        "--epochs",
        100_000,
        "--set",
        "patience=0",
        "--json",
        "--out",
        folder,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    values = json.loads(stdout)
    assert values["interrupted"] is True
    assert f"epoch {values['best_epoch']}" in stderr.splitlines()[-2]
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
    assert str(folder) in again.stderr
    assert "--epochs" in again.stderr


@pytest.mark.usefixtures("model")  # PyTorch is loaded
def test_ctrl_c_in_the_first_epoch_saves_model_and_report_and_resuming_starts_the_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("imagewise.training.reports.live.TrainingDisplay.on_batch", stop)
        result = run("train", "digits", "--recipe", "perceptron", "--epochs", 2, "--seed", 3, "--out", folder)
    assert result.exit_code == 130
    assert f"--resume {folder}" in result.stderr
    assert "epoch 0" not in result.stdout
    assert imagewise.load_model(folder / "model.onnx")
    assert (folder / "report.html").exists()
    result = run("train", "--resume", folder)
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    again = ["--recipe", "perceptron", "--epochs", 2, "--seed", 3, "--no-report", "--out", tmp_path / "again"]
    run("train", "digits", *again)
    assert [row | {"seconds": ""} for row in history(folder)] == [
        row | {"seconds": ""} for row in history(tmp_path / "again")
    ]


def test_resuming_a_complete_run_writes_its_missing_report_and_says_so(tmp_path: Path) -> None:
    folder, small = tmp_path / "run", ("--engine", "numpy", "--recipe", "perceptron", "--epochs", 1, "--no-report")
    assert run("train", "digits", *small, "--out", folder).exit_code == 0
    result = run("train", "--resume", folder)
    assert result.exit_code == 0
    assert f"{folder} is complete" in result.stderr
    assert str(folder / "report.html") in result.stdout
    assert run("train", "--resume", folder).exit_code == 2


def test_ctrl_c_before_training_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imagewise.training.planning.loading.open_data", stop)
    result = run("train", "digits", "--out", tmp_path / "run")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "imagewise: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_in_its_first_epoch_leaves_its_folder_free(tmp_path: Path) -> None:
    command = ["train", "digits", "--recipe", "perceptron", "--epochs", 1, "--no-report", "--out", tmp_path / "run"]
    result = run(*command, "--learning-rate", 1e30)
    assert result.exit_code == 1
    assert "--learning-rate" in result.stderr
    assert run(*command).exit_code == 0


# ---- output that cannot be written


@NEEDS_FULL
def test_a_full_disk_behind_stderr_ends_no_training(tmp_path: Path) -> None:
    command = [
        "train",
        "digits",
        "--recipe",
        "perceptron",
        "--engine",
        "numpy",
        "--epochs",
        1,
        "--out",
        tmp_path / "run",
    ]
    with FULL.open("wb") as full:
        process = start(*command, stderr=full)
        stdout = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 0
    assert str(tmp_path / "run" / "model.onnx") in stdout
    assert {path.name for path in (tmp_path / "run").iterdir()} == RUN_FILES


def test_a_reader_of_stdout_that_has_gone_costs_no_report(tmp_path: Path) -> None:
    command = [
        "train",
        "digits",
        "--recipe",
        "perceptron",
        "--engine",
        "numpy",
        "--epochs",
        1,
        "--out",
        tmp_path / "run",
    ]
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*command, stdout=writing, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    os.close(writing)
    assert "Traceback" not in process.communicate(timeout=WAIT_SECONDS)[1]
    assert process.returncode == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == RUN_FILES


# ---- recipes


def test_recipes_lists_what_train_takes_and_prints_one_that_train_takes(tmp_path: Path) -> None:
    names = list(json.loads(run("recipes", "--json").stdout))
    assert {"perceptron", "convnet"} <= set(names)
    assert [line.split()[0] for line in run("recipes").stdout.splitlines()] == ["recipe", *names]
    own = tmp_path / "mine.toml"
    own.write_text(run("recipes", "perceptron").stdout)
    assert imagewise.load_recipe(own).model_dump(exclude={"name"}) == imagewise.load_recipe("perceptron").model_dump(
        exclude={"name"}
    )
    assert json.loads(run("recipes", "convnet", "--json").stdout)["network"]["name"] == "convnet"
