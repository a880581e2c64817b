"""`imagewise audit`, and `train --audit` with the decisions that a person wrote into its table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from command_line import refused, run
from imagewise.data.loading import load_data

TRAINING = ("--recipe", "perceptron", "--engine", "numpy", "--epochs", 1, "--no-report")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Class folders of digits; one picture is in two of them, one is in the wrong one, one file is very large."""
    monkeypatch.setattr("imagewise.auditing.labels.default_engine", lambda: "numpy")
    monkeypatch.chdir(tmp_path)
    train = load_data("digits")["train"]
    for number in range(160):
        label = 7 if number == 30 else int(train.labels[number])
        path = tmp_path / "digits" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(train.images[number, :, :, 0])
        (picture.resize((280, 280)) if number == 50 else picture).save(path)
    copy = next((tmp_path / "digits" / "3").iterdir())
    (tmp_path / "digits" / "8" / "copy.png").write_bytes(copy.read_bytes())
    return tmp_path / "digits"


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text("utf-8").splitlines()))


def decide(table: Path, actions: dict[str, str]) -> None:
    """Write actions into a table, by path."""
    rows = rows_of(table)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"action": actions.get(row["path"], "keep")})


def test_an_audit_writes_a_table_and_a_page_and_training_applies_the_table(folder: Path, tmp_path: Path) -> None:
    before = sorted(path for path in folder.rglob("*.png"))
    result = run("audit", folder, "--framing", "ink")
    assert result.exit_code == 0, result.stderr
    table = tmp_path / "digits-audit.csv"
    assert result.stdout.splitlines()[-2:] == ["table       digits-audit.csv", "page        digits-audit.html"]
    rows = rows_of(table)
    assert {row["action"] for row in rows} == {"keep"}
    wrong = next(row for row in rows if row["path"] == "7/30.png" and row["what"] == "label")
    assert wrong["label"] == "7"
    assert "8/copy.png" in [row["path"] for row in rows if row["what"] == "copy"]
    assert "50.png" in [row["path"].rpartition("/")[2] for row in rows if row["what"] == "size"]
    assert (tmp_path / "digits-audit.html").read_text("utf-8").count("<figure>") == len(rows)

    decide(table, {"7/30.png": "relabel", "8/copy.png": "drop"})
    result = run("train", folder, "--audit", table, "--framing", "ink", "--out", "run", *TRAINING)
    assert result.exit_code == 0, result.stderr
    assert f"1 picture relabelled, 1 left out, by {table}" in result.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["data"]
    assert record["audit"]["file"] == str(table)
    assert len(record["audit"]["sha256"]) == 64
    assert sum(record["counts"].values()) == 160
    assert sorted(folder.rglob("*.png")) == before

    result = run("train", "--resume", "run", "--epochs", 2)
    assert result.exit_code == 0, result.stderr
    decide(table, {"8/copy.png": "drop"})
    refused(run("train", "--resume", "run", "--epochs", 3), str(table), "has changed", "start a new run")
    assert (tmp_path / "run" / "model.onnx").exists()


def test_audit_json_has_the_findings_and_the_files_on_stderr(folder: Path, tmp_path: Path) -> None:
    result = run("audit", folder, "--framing", "ink", "--json", "--most", 2, "--out", tmp_path / "x" / "found.csv")
    values = json.loads(result.stdout)
    assert values["count"] == 161
    assert values["splits"] == ["train", "validation", "test"]
    assert sum(each["what"] == "label" for each in values["findings"]) <= 2
    assert "found.html" in result.stderr
    assert (tmp_path / "x" / "found.html").exists()


def test_tables_that_cannot_be_applied_are_refused_before_anything_is_trained(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"

    def train() -> Result:
        return run("train", folder, "--audit", table, "--framing", "ink", "--out", "run", *TRAINING)

    refused(train(), "own.csv", "cannot be read")
    head = "path,label,suggestion,action\n"
    for row, *words in (
        ("7/30.png,7,,remove", "line 2", "unknown action 'remove'"),
        ("7/31000.png,7,,drop", "line 2", "no picture '7/31000.png'"),
        ("7/30.png,7,seven,relabel", "line 2", "no class 'seven'"),
    ):
        table.write_text(head + row + "\n", "utf-8")
        refused(train(), "own.csv", *words)
    assert not (tmp_path / "run").exists()


def test_an_audit_whose_page_would_be_its_table_is_refused(folder: Path) -> None:
    refused(run("audit", folder, "--out", "found.html"), "found.html", "CSV")
