"""Classes from the names of files, as in Kaggle's dogs-vs-cats; and names that say none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.data.sources.folders.file_names import label_of, labels_of
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 1)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("cat.0.jpg", "cat"),
        ("great_dane_12.jpg", "great_dane"),
        ("St. Bernard (3).png", None),
        ("cat (3).png", "cat"),
        ("n02085620_10074.JPEG", "n02085620"),
        ("fish-7.webp", "fish"),
        ("1.jpg", None),
        ("cat.jpg", None),
        ("20210101_120000.jpg", None),
    ],
)
def test_a_word_and_a_number_name_a_class(name: str, label: str | None) -> None:
    assert label_of(name) == label


@pytest.mark.parametrize(
    "names",
    [
        [f"{word}_{n}.jpg" for word in ("IMG", "DSC") for n in range(9)],
        [f"{word}-{n}.jpg" for word in ("photo", "cat") for n in range(9)],
        [f"cat.{n}.jpg" for n in range(9)],
        [*(f"cat.{n}.jpg" for n in range(9)), "dog.1.jpg"],
        [*(f"{word}.{n}.jpg" for word in ("cat", "dog") for n in range(9)), "notes.jpg"],
        [f"{word}_1.jpg" for word in ("anna", "bert", "carl")],
        [f"{word}_{n}.jpg" for word in ("train", "test") for n in range(9)],
        [],
    ],
)
def test_names_that_do_not_clearly_say_the_classes_say_none(names: list[str]) -> None:
    assert labels_of(names) is None


@pytest.mark.parametrize("place", [".", "images", "train"])
def test_classes_are_taken_from_names_with_a_notice(tmp_path: Path, draw: Draw, place: str) -> None:
    for number, name in enumerate(f"{word}.{n}" for word in ("cat", "dog") for n in range(6)):
        draw(tmp_path / place / f"{name}.jpg", seed=number, size=(9, 9))
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert len(data["all"]) == 12
    assert any("from the names of the files" in notice and "cat.0.jpg" in notice for notice in data.notices)


@pytest.mark.parametrize("test", ["test1", "test", "testing_images"])
def test_kaggles_flat_layout_is_read_without_its_unlabelled_test(tmp_path: Path, draw: Draw, test: str) -> None:
    for number, name in enumerate(f"{word}.{n}" for word in ("cat", "dog") for n in range(6)):
        draw(tmp_path / "train" / f"{name}.jpg", seed=number, size=(9, 9))
        draw(tmp_path / test / f"{number}.jpg", seed=50 + number, size=(9, 9))
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert len(data["all"]) == 12
    assert any(f"left out {test!r}: 12 pictures" in notice for notice in data.notices)


def test_a_test_split_whose_names_say_the_same_classes_is_one(tmp_path: Path, draw: Draw) -> None:
    for number, name in enumerate(f"{word}.{n}" for word in ("cat", "dog") for n in range(6)):
        draw(tmp_path / "train" / f"{name}.jpg", seed=number, size=(9, 9))
        draw(tmp_path / "test" / f"{name}.jpg", seed=50 + number, size=(9, 9))
    assert len(load_class_folders(tmp_path, Reading(PHOTO))["test"]) == 12


def test_a_flat_train_with_other_names_is_refused(tmp_path: Path, draw: Draw) -> None:
    for number in range(6):
        draw(tmp_path / "train" / f"IMG_{number}.jpg", seed=number, size=(9, 9))
        draw(tmp_path / "test" / f"{number}.jpg", seed=number, size=(9, 9))
    with pytest.raises(DataError, match="like splits"):
        load_class_folders(tmp_path, Reading(PHOTO))
