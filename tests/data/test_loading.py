"""load_data by path: which reader takes what, and what is said where none does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewise.data.dataset import Dataset
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    for number in range(6):
        draw(tmp_path / "pets" / "cat" / f"{number}.png", seed=number)
        draw(tmp_path / "pets" / "dog" / f"{number}.png", seed=50 + number)
    return tmp_path / "pets"


def test_a_path_may_be_text_or_a_path_and_relative(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = load_data(pets).fingerprint
    assert load_data(str(pets)).fingerprint == wanted
    monkeypatch.chdir(pets.parent)
    assert load_data("pets").fingerprint == wanted
    monkeypatch.chdir(pets)
    assert load_data(".").name == "pets"


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_not_the_current_folder(pets: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(pets)
    with pytest.raises(DataError, match="name of the data is empty"):
        load_data(name)


def test_a_bare_name_is_found_in_imagewise_data(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEWISE_DATA", str(pets.parent))
    assert load_data("pets").name == "pets"
    (pets.parent / "README.md").touch()
    with pytest.raises(DataError, match=r"Did you mean 'pets'\? Known sets: mnist, .*, digits, pets\. "):
        load_data("pest")


def test_a_folder_of_idx_files_is_read_as_such(tmp_path: Path, write_idx: Callable[..., Path]) -> None:
    data = load_data(write_idx(tmp_path / "own-idx", [0, 1] * 20, [1, 0]))
    assert data.name == "own-idx"
    assert "using photo framing" in data.notices[0]


def test_a_framing_given_is_what_files_are_brought_to(pets: Path) -> None:
    framing = Framing("ink", 28, 28, 1)
    data: Dataset = load_data(pets, framing=framing)
    assert data.framing == framing
    assert data.notices == ()


def test_strict_is_passed_on(pets: Path) -> None:
    (pets / "cat" / "0.png").write_bytes(b"damaged")
    assert len(load_data(pets).skipped) == 1
    with pytest.raises(DataError):
        load_data(pets, strict=True)


@pytest.mark.parametrize("name", ["no/such/folder", "./nothing", "/nowhere/at/all"])
def test_a_path_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        load_data(name)


@pytest.mark.parametrize("name", ["notes.txt", "model.onnx", "photo.png"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"{name}: not a kind of data"):
        load_data(tmp_path / name)


def test_a_folder_that_may_not_be_read_is_said(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"pets: cannot be read \(Permission denied\)"):
        load_data(pets)
