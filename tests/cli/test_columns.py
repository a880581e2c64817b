"""`--columns` of `train`, `show`, `lr-find` and `evaluate`: which columns of a table are the files and the labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from command_line import refused, run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 24 pictures with two columns that could be the labels, in one of which a name has a comma."""
    rows = ["photo,class,species"]
    for number in range(24):
        Image.new("L", (40, 30), 10 * number).save(tmp_path / f"{number}.png")
        rows.append(f'{number}.png,{"ab"[number % 2]},"{["one, say", "two", "three"][number % 3]}"')
    path = tmp_path / "set.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        ("label=class", ["a", "b"]),
        ("file=photo,label=species", ["one, say", "three", "two"]),
        ("label=Class", ["a", "b"]),
    ],
)
def test_columns_are_chosen(table: Path, columns: str, classes: list[str]) -> None:
    refused(run("show", table), "set.csv", "--columns label=")
    result = run("show", table, "--columns", columns, "--out", table.with_name("sheet.png"), "--json")
    assert list(json.loads(result.stdout)["counts"]["train"]) == classes


def test_a_run_remembers_its_columns_and_a_table_is_scored_by_them(table: Path) -> None:
    folder, chosen = table.with_name("run"), ("--columns", "label=species")
    settings = ("--recipe", "perceptron", "--framing", "photo:12:grey", "--no-report", "--engine", "numpy")
    result = run("train", table, *chosen, *settings, "--epochs", 1, "--out", folder)
    assert result.exit_code == 0, result.output
    assert run("train", "--resume", folder, "--epochs", 2, "--no-report").exit_code == 0
    assert json.loads((folder / "run.json").read_text())["data"]["columns"] == {"label": "species"}
    assert run("evaluate", folder, table, *chosen).exit_code == 0
    refused(run("evaluate", folder, table, "--columns", "label=class"), "does not know: a, b")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("breed", ["ROLE=COLUMN"]),
        ("label=", ["ROLE=COLUMN"]),
        ("lable=class", ["lable", "label"]),
        ("label=clas", ["clas", "class"]),
        ("file=photo,lable=class", ["lable", "label"]),
    ],
)
def test_columns_that_are_none_are_refused_with_how_to_write_them(table: Path, columns: str, words: list[str]) -> None:
    refused(run("show", table, "--columns", columns), *words)


@pytest.mark.parametrize("data", ["digits", "mnist-sample", "pets", "set.npz"])
def test_columns_of_what_is_no_table_are_refused(table: Path, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table.parent)
    Path("pets/cat").mkdir(parents=True)
    Path("0.png").rename("pets/cat/0.png")
    Path("set.npz").touch()
    refused(run("show", data, "--columns", "label=class"), data, "no table")
