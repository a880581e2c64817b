"""`imagewise evaluate`: the shape of its JSON, its text and its report; and the model file without imagewise."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import imagewise
from command_line import check_evaluation, run
from imagewise.evaluation.corruptions.catalog import DRAWINGS

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


def test_evaluate_json_has_the_shape_of_the_design(model: Path, trained: tuple[Path, Result]) -> None:
    result = run("evaluate", model, "digits", "--json")
    values = json.loads(result.stdout)
    check_evaluation(values)
    assert (values["model"], values["data"], values["split"], values["count"]) == (str(model), "digits", "test", 189)
    assert f"test        {values['accuracy']:.0%} " in trained[1].stdout
    assert result.stderr == ""


def test_evaluate_says_the_score_then_a_row_a_class(model: Path) -> None:
    result = run("evaluate", model, "digits", "--split", "validation")
    lines = result.stdout.splitlines()
    assert lines[0] == f"{model} on digits, split validation"
    assert re.fullmatch(r"accuracy           \d\d% \(95% interval \d\d% to \d\d%, 171 pictures\)", lines[1])
    assert lines[4].startswith("splits             by content")
    assert lines[6].split() == ["class", "precision", "recall", "f1", "count"]
    assert [line.split()[0] for line in lines[7:]] == list("0123456789")
    assert len({len(line) for line in lines[6:]}) == 1


def test_evaluate_warns_of_pictures_that_the_model_was_trained_on(model: Path) -> None:
    result = run("evaluate", model, "digits", "--split", "train", "--json")
    assert result.stderr.startswith("note: ")
    assert "100%" in result.stderr
    assert "--split test" in result.stderr
    assert json.loads(result.stdout)["count"] == 1437


def test_evaluate_writes_a_report_and_says_where(model: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "digits", "--report", tmp_path / "new" / "page.html")
    assert result.stdout.splitlines()[-1] == f"report      {tmp_path / 'new' / 'page.html'}"
    assert "<html" in (tmp_path / "new" / "page.html").read_text()
    result = run("evaluate", model, "digits", "--report", tmp_path / "page.html", "--json")
    assert json.loads(result.stdout)
    assert "page.html" in result.stderr


def test_plain_onnxruntime_gives_the_same_probabilities_without_imagewise(model: Path, tmp_path: Path) -> None:
    images = imagewise.load_data("digits")["test"].images
    np.save(tmp_path / "pictures.npy", images)
    paths = [str(model), str(tmp_path / "pictures.npy"), str(tmp_path / "probabilities.npy")]
    command = [sys.executable, "-I", "-c", PLAIN_ONNXRUNTIME, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(paths[2])
    assert np.array_equal(found, imagewise.load_model(model).predict_batch(images))


def test_evaluate_corrupted_has_a_row_for_each_corruption_on_the_terminal_in_json_and_in_the_report(
    model: Path, tmp_path: Path
) -> None:
    names = [each.name for each in DRAWINGS]
    result = run("evaluate", model, "digits", "--corrupted", "--json", "--report", tmp_path / "page.html")
    values = json.loads(result.stdout)["corrupted"]
    assert list(values["corruptions"]) == names
    accuracies = [each["accuracy"] for each in values["corruptions"].values()]
    assert values["corruptions"][values["worst"]]["accuracy"] == min(accuracies)
    assert values["mean"] * 15 == pytest.approx(sum(accuracies))
    assert (values["count"], values["clean"]) == (189, json.loads(result.stdout)["accuracy"])
    page = (tmp_path / "page.html").read_text()
    assert [f"Pictures with {name}" in page for name in names] == [True] * 15
    lines = run("evaluate", model, "digits", "--corrupted").stdout.splitlines()
    assert any(line.startswith(f"worst              {values['worst']}, ") for line in lines)
    assert [line[: len(name)] for line, name in zip(lines[-15:], names, strict=True)] == names


def test_evaluate_scores_no_corrupted_pictures_unless_asked_to(model: Path) -> None:
    assert "corrupted" not in json.loads(run("evaluate", model, "digits", "--json").stdout)
    assert imagewise.evaluate(model, "digits", verbose=False).robustness is None
