"""What imagewise wrote into a folder of pictures never becomes a class; other folders that are no classes neither."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 1)


@pytest.fixture
def pets(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: two classes of six pictures."""
    for number in range(6):
        draw(tmp_path / "pets" / "cat" / f"{number}.png", seed=number, size=(9, 9))
        draw(tmp_path / "pets" / "dog" / f"{number}.png", seed=50 + number, size=(9, 9))
    monkeypatch.chdir(tmp_path / "pets")
    return tmp_path / "pets"


def run(command: str) -> str:
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output
    return result.output


def test_commands_inside_the_folder_of_pictures_can_be_repeated(pets: Path) -> None:
    train = "train . --engine numpy --recipe perceptron --set augment.translate=0 --framing ink --epochs 1"
    run("show .")
    run("show . --out sheet.png")
    run(train)
    run(f"{train} --out mine")
    run("predict cat --model mine/model.onnx --show-input seen")
    assert "imagewise wrote" in run(train)
    run("evaluate mine/model.onnx .")
    run("train --resume mine --epochs 2")
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert len(data["all"]) == 12
    assert any("left out 'mine', 'runs' and 'seen'" in notice for notice in data.notices)


@pytest.mark.parametrize("file", ["run.json", "model.onnx", "saved_model.pb"])
def test_a_folder_that_holds_a_run_or_an_export_is_left_out(pets: Path, file: str) -> None:
    (pets / "mine").mkdir()
    (pets / "mine" / file).touch()
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert "left out 'mine': imagewise wrote it." in data.notices


@pytest.mark.parametrize("place", ["cat/run.json", "cat/old/run.json", "run.json"])
def test_pictures_are_taken_although_a_run_is_among_them(pets: Path, place: str) -> None:
    (pets / place).parent.mkdir(exist_ok=True)
    (pets / place).touch()
    assert len(load_class_folders(pets, Reading(PHOTO))["all"]) == 12


def test_a_contact_sheet_beside_a_wrapper_does_not_hide_the_classes(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pets.parent)
    run("show .")
    assert load_class_folders(Path(), Reading(PHOTO)).class_names == ("cat", "dog")
    run("show .")


@pytest.mark.parametrize("name", ["__MACOSX", "@eaDir", "__pycache__", "node_modules", "venv", ".git"])
def test_folders_of_tools_are_no_classes(pets: Path, name: str) -> None:
    shutil.copytree(pets / "cat", pets / name / "inside")
    if name == "venv":
        (pets / name / "pyvenv.cfg").touch()
    assert load_class_folders(pets, Reading(PHOTO)).class_names == ("cat", "dog")


@pytest.mark.parametrize("name", [".NET", ".hidden class", "._x"])
def test_a_hidden_folder_with_pictures_is_told_of(pets: Path, name: str) -> None:
    shutil.copytree(pets / "cat", pets / name)
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert any(f"left out {name!r}" in notice and "Rename" in notice for notice in data.notices)


@pytest.mark.parametrize("files", [["a.py"], ["notes.txt", "deep/b.md"], ["labels.csv"]])
def test_a_folder_with_other_files_only_is_left_out_with_a_notice(pets: Path, files: list[str]) -> None:
    for file in files:
        (pets / "extra" / file).parent.mkdir(parents=True, exist_ok=True)
        (pets / "extra" / file).touch()
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert any("left out 'extra': it holds no picture" in notice for notice in data.notices)
