"""Class folders as archives have them: pictures in `images/` below, beside masks, splits with a common name, copies."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Sketch = Callable[..., None]
PHOTO = Framing("photo", 8, 8, 3)


@pytest.fixture
def sketch(tmp_path: Path, draw: Callable[..., Path]) -> Sketch:
    """Pictures in folders."""

    def save(*folders: str, count: int = 12, named: str = "{}.png") -> None:
        for folder in folders:
            for number in range(count):
                path = tmp_path / folder / named.format(number)
                draw(path, seed=zlib.crc32(f"{folder}/{number}".encode()), size=(12, 10))

    return save


@pytest.mark.parametrize("place", ["images", "Images", "imgs", "all photos"])
@pytest.mark.parametrize("above", ["", "train/", "tiny-imagenet-200/train/"])
def test_classes_whose_pictures_are_all_in_a_folder_called_images(
    tmp_path: Path, sketch: Sketch, place: str, above: str
) -> None:
    sketch(f"{above}n01440764/{place}", f"{above}n01443537/{place}")
    (tmp_path / f"{above}n01440764/n01440764_boxes.txt").write_text("0.png\t0\t10\t63\t58\n")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("n01440764", "n01443537"), 24)


@pytest.mark.parametrize("masks", ["masks", "mask", "ground_truth"])
@pytest.mark.parametrize("classes", [("COVID", "Normal"), ("Lung_Opacity", "Viral Pneumonia", "Normal"), ("a", "b")])
def test_masks_beside_the_pictures_of_each_class_are_left_out_and_counted(
    tmp_path: Path, sketch: Sketch, masks: str, classes: tuple[str, ...]
) -> None:
    for label in classes:
        sketch(f"{label}/images", f"{label}/{masks}", named=f"{label}-{{}}.png")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (tuple(sorted(classes)), 12 * len(classes))
    assert any(f"left out {12 * len(classes)} masks in " in notice for notice in data.notices)


@pytest.mark.parametrize("folders", [("patient_1", "patient_2"), ("0a1", "0a2", "3a4"), ("train", "val"), ("only",)])
def test_pictures_and_masks_of_no_classes_are_still_refused(
    tmp_path: Path, sketch: Sketch, folders: tuple[str, ...]
) -> None:
    for folder in folders:
        sketch(f"{folder}/images", f"{folder}/masks")
    with pytest.raises(DataError, match="segmentation"):
        load_data(tmp_path)


@pytest.mark.parametrize("other", ["close", "extra pictures of it", "2"])
def test_classes_with_several_kinds_of_folders_are_still_unclear(tmp_path: Path, sketch: Sketch, other: str) -> None:
    sketch("cat/images", f"cat/{other}", "dog/images", f"dog/{other}")
    with pytest.raises(DataError, match="nothing says which are the classes"):
        load_data(tmp_path)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("asl_alphabet_train", "asl_alphabet_test"),
        ("cars_train/cars_train", "cars_test/cars_test"),
        ("Fruits Training", "Fruits Test"),
        ("flowers-train-2", "flowers-val-2"),
    ],
)
def test_folders_that_differ_in_the_word_for_a_split_only_are_splits(
    tmp_path: Path, sketch: Sketch, train: str, test: str
) -> None:
    sketch(f"{train}/A", f"{train}/B", f"{test}/A", f"{test}/B")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    held_out = data["validation" if "val" in test else "test"]
    assert (data.class_names, len(held_out), len(data["all"])) == (("A", "B"), 24, 48)
    assert any(f"{train.partition('/')[0]!r} as train" in notice for notice in data.notices)


@pytest.mark.parametrize("flat", ["asl_alphabet_test", "asl_alphabet_test/asl_alphabet_test", "asl_alphabet_valid"])
def test_such_a_split_without_class_folders_is_left_out(tmp_path: Path, sketch: Sketch, flat: str) -> None:
    sketch("asl_alphabet_train/asl_alphabet_train/A", "asl_alphabet_train/asl_alphabet_train/B", flat)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("A", "B"), 24)
    assert any(f"left out {flat.partition('/')[0]!r}: 12 pictures" in notice for notice in data.notices)


@pytest.mark.parametrize("folders", [("toy train", "toy test"), ("steam_train", "steam_val"), ("a_train", "b_test")])
def test_folders_of_pictures_that_end_like_splits_stay_classes(
    tmp_path: Path, sketch: Sketch, folders: tuple[str, ...]
) -> None:
    sketch(*folders)
    assert load_data(tmp_path, framing=PHOTO).class_names == tuple(sorted(folders))


@pytest.mark.parametrize("copy", ["chest_xray", "again", "old"])
@pytest.mark.parametrize("splits", [("train", "test"), ("train", "val", "test"), ("Training", "Testing")])
def test_a_folder_that_holds_the_splits_again_is_left_out_and_counted(
    tmp_path: Path, sketch: Sketch, copy: str, splits: tuple[str, ...]
) -> None:
    for above in ("", f"{copy}/"):
        sketch(*(f"{above}{split}/{label}" for split in splits for label in ("NORMAL", "PNEUMONIA")))
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert len(data["all"]) == 24 * len(splits)
    assert f"left out {copy!r} ({24 * len(splits)} pictures): it holds folders called like the splits." in data.notices


@pytest.mark.parametrize("copy", ["cell_images", "brain_tumor_dataset", "0"])
@pytest.mark.parametrize("above", ["", "train/", "archive/"])
def test_a_folder_that_holds_the_classes_again_is_left_out_and_counted(
    tmp_path: Path, sketch: Sketch, copy: str, above: str
) -> None:
    sketch(*(f"{above}{inner}{label}" for inner in ("", f"{copy}/") for label in ("no", "yes")))
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("no", "yes"), 24)
    assert f"left out {copy!r} (24 pictures): it holds folders called like the classes." in data.notices


@pytest.mark.parametrize("inner", [("no", "close"), ("left", "right"), ("yes",)])
def test_a_class_with_other_folders_in_it_stays_a_class(tmp_path: Path, sketch: Sketch, inner: tuple[str, ...]) -> None:
    sketch("no", "yes", *(f"perhaps/{name}" for name in inner))
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert data.class_names == ("no", "perhaps", "yes")


@pytest.mark.parametrize("place", ["images", "Images", "data"])
@pytest.mark.parametrize("beside", ["imdb/imdb.mat", "features/all.npy", "videos/one.mp4"])
def test_class_folders_in_a_folder_called_images_next_to_files_of_other_kinds(
    tmp_path: Path, sketch: Sketch, place: str, beside: str
) -> None:
    sketch(f"{place}/banded", f"{place}/dotted")
    (tmp_path / beside).parent.mkdir()
    (tmp_path / beside).write_bytes(b"x")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("banded", "dotted"), 24)
    assert any(
        notice.startswith(f"left out {Path(beside).parent.name!r}: it holds no picture") for notice in data.notices
    )
