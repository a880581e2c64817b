"""Models, runs and checkpoints made by the code of the first edition: opened, shown and resumed by this one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import imagewise
from imagewise.cli.app import app
from imagewise.server.pages.run_reading import RunsFolder, details, summary
from keras_process import ask

MADE = Path(__file__).parents[1] / "fixtures" / "first_edition"
DATA = MADE / "data.npz"
RUNS = ("pytorch", "numpy", "tensorflow")
CLASSES = ("top", "middle", "bottom")
TOLERANCE = (
    1e-5  # on the machine that made them all three are equal to the last bit; another processor rounds otherwise
)


def resume_here(folder: Path) -> None:
    imagewise.train(DATA, resume=folder, epochs=3, device="cpu", report=False)


def resume_with_tensorflow(folder: Path) -> None:
    ask("tensorflow_answers", "resume", DATA, folder, 3)


@pytest.mark.parametrize("name", RUNS)
def test_a_model_file_predicts_what_it_predicted_then(name: str) -> None:
    model = imagewise.load_model(MADE / name / "model.onnx")
    assert model.class_names == CLASSES
    recorded, images = np.load(MADE / name / "recorded.npz"), np.load(DATA)["images"]
    np.testing.assert_allclose(model.predict_batch(images), recorded["probabilities"], atol=TOLERANCE)
    found = dict(model.predict(MADE / "picture.png", top=3).top)
    np.testing.assert_allclose([found[label] for label in CLASSES], recorded["picture"], atol=TOLERANCE)


@pytest.mark.parametrize("name", RUNS)
def test_info_tells_of_a_model_file(name: str) -> None:
    result = CliRunner().invoke(app, ["info", str(MADE / name / "model.onnx"), "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["class_names"] == list(CLASSES)
    assert told["recipe"]["name"] == f"{name}-tiny"


def test_the_runs_are_shown_with_all_that_was_recorded() -> None:
    runs = {run.name: run for run in RunsFolder(MADE).all()}
    assert runs.keys() == set(RUNS)
    for name, run in runs.items():
        short, whole = summary(run).as_dict(), details(run, 0).as_dict()
        results = json.loads((MADE / name / "run.json").read_text("utf-8"))["results"]
        assert (short["state"], short["problems"]) == ("finished", [])
        assert (short["recipe"], short["data"], short["engine"]) == (f"{name}-tiny", "data", name)
        assert (short["epochs"], short["planned_epochs"], short["model_epoch"]) == (2, 2, 2)
        assert short["test_accuracy"] == results["test"]["accuracy"]
        assert whole["counts"] == {"train": 48, "validation": 7, "test": 5}
        assert whole["test"]["confusion"] == results["test"]["confusion"]
        assert [row[0] for row in whole["history"]] == [1, 2]


@pytest.mark.parametrize(
    ("name", "resume"),
    [("pytorch", resume_here), ("numpy", resume_here), ("tensorflow", resume_with_tensorflow)],
)
def test_a_run_is_resumed_to_the_model_that_the_old_code_made(
    name: str, resume: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(MADE / name, folder)
    resume(folder)
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert (record["status"], record["recipe"]["epochs"], record["results"]["epochs"]) == ("finished", 3, 3)
    assert (folder / "history.csv").read_text().splitlines()[:3] == (
        MADE / name / "history.csv"
    ).read_text().splitlines()
    images = np.load(DATA)["images"]
    found = imagewise.load_model(folder / "model.onnx").logits(images)
    wanted = imagewise.load_model(MADE / name / "expected-3-epochs.onnx").logits(images)
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE)
    before = imagewise.load_model(MADE / name / "model.onnx").logits(images)
    assert np.abs(wanted - before).max() > 1000 * TOLERANCE  # so that an epoch that changed nothing would be seen
