"""Folders that are named like splits, as people and Kaggle name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.data.splits import split_of_folder
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 1)


def fill(draw: Draw, root: Path, *places: str, count: int = 3) -> Path:
    for number, place in enumerate(places):
        for seed in range(count):
            draw(root / place / f"{seed}.png", seed=100 * number + seed, size=(9, 9))
    return root


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Training", "train"),
        ("train_set", "train"),
        ("seg_train", "train"),
        ("trainImages", "train"),
        ("Testing", "test"),
        ("test1", "test"),
        ("holdout", "test"),
        ("dev", "validation"),
        ("eval_set", "validation"),
        ("VALID", "validation"),
        ("PublicTest", "validation"),
        ("private_test", "test"),
        ("PRIVATETEST", "test"),
        ("seg_pred", None),
        ("images to predict", None),
        ("train_val", None),
        ("trainer", None),
        ("cats", None),
    ],
)
def test_a_folder_names_its_split(name: str, split: str | None) -> None:
    assert split_of_folder(name) == split


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Training", "Testing"),
        ("train_set", "test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train/train", "test/test"),
        ("trainData/images", "testData/images"),
        ("train", "holdout"),
    ],
)
def test_splits_by_other_names_are_read_and_told_of(tmp_path: Path, draw: Draw, train: str, test: str) -> None:
    places = [f"{split}/{name}" for split in (train, test) for name in ("cat", "dog")]
    data = load_class_folders(fill(draw, tmp_path, *places), Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert data["test"].names == [f"{test}/{name}/{n}.png" for name in ("cat", "dog") for n in range(3)]
    told = " ".join(data.notices)
    assert ("as test" in told) == (test.split("/", maxsplit=1)[0] != "test")


@pytest.mark.parametrize("name", ["dev", "eval", "Valid", "val_images"])
def test_a_validation_split_has_many_names(tmp_path: Path, draw: Draw, name: str) -> None:
    fill(draw, tmp_path, "train/a", "train/b", f"{name}/a", f"{name}/b")
    assert len(load_class_folders(tmp_path, Reading(PHOTO))["validation"]) == 6


@pytest.mark.parametrize(
    "unlabelled", ["test", "test1", "test_images", "seg_pred/seg_pred", "images to predict", "unlabeled", "val"]
)
def test_a_split_without_class_folders_is_left_out_with_a_notice(tmp_path: Path, draw: Draw, unlabelled: str) -> None:
    fill(draw, tmp_path, "train/a", "train/b", unlabelled)
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("a", "b")
    assert len(data["all"]) == 6
    folder = unlabelled.split("/", maxsplit=1)[0]
    assert any(f"left out {folder!r}: 3 pictures" in notice for notice in data.notices)


@pytest.mark.parametrize("files", [["Model/model.h5"], ["notebooks/a.ipynb", "notebooks/b.py"], ["docs/deep/a.txt"]])
def test_a_folder_without_pictures_beside_splits_is_left_out(tmp_path: Path, draw: Draw, files: list[str]) -> None:
    fill(draw, tmp_path, "train/a", "train/b", "test/a", "test/b")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("a", "b")
    assert any(f"left out {files[0].split('/', maxsplit=1)[0]!r}" in notice for notice in data.notices)


def test_train_without_class_folders_is_refused_beside_a_test_that_has_them(tmp_path: Path, draw: Draw) -> None:
    fill(draw, tmp_path, "train", "test/a", "test/b")
    with pytest.raises(DataError, match="train: holds no class folders"):
        load_class_folders(tmp_path, Reading(PHOTO))


@pytest.mark.parametrize("splits", [("train", "test"), ("Training", "Testing"), ("train", "val", "test")])
def test_splits_may_be_below_the_classes(tmp_path: Path, draw: Draw, splits: tuple[str, ...]) -> None:
    fill(draw, tmp_path, *(f"{name}/{split}" for name in ("cat", "dog") for split in splits))
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("cat", "dog")
    assert len(data["test"]) == 6


@pytest.mark.parametrize("names", [("Training", "PublicTest", "PrivateTest"), ("train", "publictest", "privatetest")])
def test_public_and_private_tests_are_validation_and_test(draw: Draw, tmp_path: Path, names: tuple[str, ...]) -> None:
    root = fill(draw, tmp_path, *(f"{name}/{label}" for name in names for label in ("happy", "sad")))
    data = load_class_folders(root, Reading(PHOTO))
    assert {split: len(part) for split, part in data.splits.items()} == {"train": 6, "validation": 6, "test": 6}


@pytest.mark.parametrize("name", ["public", "PublicTransport", "private beach"])
def test_other_public_and_private_folders_are_classes(draw: Draw, tmp_path: Path, name: str) -> None:
    data = load_class_folders(fill(draw, tmp_path, name, "other"), Reading(PHOTO))
    assert name in data.class_names


@pytest.mark.parametrize(
    ("data", "test"), [("DATA", "TEST"), ("images", "test1"), ("dataset", "testing"), ("raw_data/images", "test_set")]
)
def test_class_folders_in_a_folder_called_data_stay_beside_an_unlabelled_test(
    draw: Draw, tmp_path: Path, data: str, test: str
) -> None:
    root = fill(draw, tmp_path, f"{data}/0", f"{data}/1", test, count=12)
    found = load_class_folders(root, Reading(PHOTO))
    assert (found.class_names, len(found["all"])) == (("0", "1"), 24)
    assert any(f"left out {test!r}" in notice for notice in found.notices)


@pytest.mark.parametrize("other", ["cats", "0", "Meta"])
def test_a_folder_of_another_name_beside_a_test_is_no_place_of_classes(draw: Draw, tmp_path: Path, other: str) -> None:
    with pytest.raises(DataError, match="named like a split"):
        load_class_folders(fill(draw, tmp_path, f"{other}/a", f"{other}/b", "test"), Reading(PHOTO))
