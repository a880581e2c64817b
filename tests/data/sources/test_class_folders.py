from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagewise.data.dataset import Split, SplitRule
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, frame_file

Draw = Callable[..., Path]
PHOTO = Framing("photo", 16, 16, 3)


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    """Twelve cats and twelve dogs, all different."""
    for number in range(12):
        draw(tmp_path / "pets" / "cat" / f"{number:02}.png", seed=number)
        draw(tmp_path / "pets" / "dog" / f"{number:02}.png", seed=100 + number)
    return tmp_path / "pets"


def split_of(split: Split) -> set[str]:
    assert split.names is not None
    return set(split.names)


def damage(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:60])
    return path


def test_class_folders_become_a_data_set(pets: Path) -> None:
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.name == "pets"
    assert data.class_names == ("cat", "dog")
    assert data.split_rule == SplitRule.CONTENT
    assert set(data.splits) == {"train", "validation", "test"}
    everything = data["all"]
    assert len(everything) == 24
    assert everything.names is not None
    for image, label, name in zip(everything.images, everything.labels, everything.names, strict=True):
        assert name.startswith(data.class_names[label] + "/")
        assert np.array_equal(image, frame_file(pets / name, PHOTO))


def test_names_are_the_same_from_within_the_folder_as_from_outside(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = load_class_folders(pets, Reading(PHOTO))["all"].names
    monkeypatch.chdir(pets)
    assert load_class_folders(Path(), Reading(PHOTO))["all"].names == outside
    assert outside is not None
    assert "cat/00.png" in outside


def test_adding_pictures_moves_none(pets: Path, draw: Draw) -> None:
    for number in range(12, 80):  # enough that each split has some of its own
        draw(pets / "cat" / f"{number}.png", seed=number)
        draw(pets / "dog" / f"{number}.png", seed=100 + number)
    before = load_class_folders(pets, Reading(PHOTO))
    for number in range(30):
        draw(pets / "cat" / f"new {number}.png", seed=1000 + number)
    after = load_class_folders(pets, Reading(PHOTO))
    for name in before.splits:
        assert split_of(before[name]) <= split_of(after[name])


def test_copies_stay_on_one_side_even_across_classes(pets: Path) -> None:
    for number in range(12):
        shutil.copy(pets / "cat" / f"{number:02}.png", pets / "dog" / f"copy {number}.png")
    data = load_class_folders(pets, Reading(PHOTO))
    for split in data.splits.values():
        cats = {name[4:6] for name in split_of(split) if name.startswith("cat/")}
        copies = {f"{int(name[9:-4]):02}" for name in split_of(split) if name.startswith("dog/copy")}
        assert cats == copies


def test_the_split_does_not_depend_on_the_framing(pets: Path) -> None:
    small, large = (
        load_class_folders(pets, Reading(PHOTO)),
        load_class_folders(pets, Reading(Framing("photo", 28, 28, 1))),
    )
    for name in small.splits:
        assert split_of(small[name]) == split_of(large[name])


def test_hidden_files_and_those_of_the_system_are_left_alone(pets: Path) -> None:
    for name in (".DS_Store", "._00.png", "Thumbs.db", "desktop.ini"):
        (pets / "cat" / name).write_bytes(b"no picture")
        (pets / name).write_bytes(b"no picture")
    (pets / ".git").mkdir()
    data = load_class_folders(pets, Reading(PHOTO, strict=True))
    assert len(data["all"]) == 24
    assert data.skipped == ()
    assert data.notices == ()


def test_pictures_outside_class_folders_are_told_of(pets: Path, draw: Draw) -> None:
    draw(pets / "stray.png")
    assert "left out 1 picture " in load_class_folders(pets, Reading(PHOTO)).notices[0]
    draw(pets / "another.png")
    assert "left out 2 pictures " in load_class_folders(pets, Reading(PHOTO)).notices[0]


def test_an_empty_class_folder_is_refused_by_name(pets: Path) -> None:
    (pets / "bird").mkdir()
    with pytest.raises(DataError, match=r"bird: the folder of class 'bird' holds no picture"):
        load_class_folders(pets, Reading(PHOTO))


def test_pictures_below_a_class_folder_belong_to_it_and_are_told_of(pets: Path, draw: Draw) -> None:
    draw(pets / "bird" / "2021" / "May" / "a.png", seed=1)
    draw(pets / "cat" / "old" / "b.png", seed=2)
    data = load_class_folders(pets, Reading(PHOTO))
    assert data.class_names == ("bird", "cat", "dog")
    assert {"bird/2021/May/a.png", "cat/old/b.png"} <= split_of(data["all"])
    assert data.notices == (
        "took pictures from folders below the class folders, as of the class above: 'bird' (1), 'cat' (1).",
    )


def test_folders_that_hold_folders_only_are_refused_since_any_could_be_the_classes(tmp_path: Path, draw: Draw) -> None:
    for site in ("north", "south"):
        for name in ("cat", "dog"):
            draw(tmp_path / site / name / "a.png")
    with pytest.raises(DataError, match=r"folders \(north, south\) hold folders only.*Name the folder whose"):
        load_class_folders(tmp_path, Reading(PHOTO))


@pytest.mark.parametrize("wrapper", ["pets", "archive/pets", "pets/train", "a b/Ünï/train"])
def test_wrappers_around_the_class_folders_are_gone_through(
    tmp_path: Path, draw: Draw, pets: Path, wrapper: str
) -> None:
    root = tmp_path / "download"
    (root / wrapper).parent.mkdir(parents=True)
    pets.rename(root / wrapper)
    (root / "README.md").write_text("pets")
    (root / "__MACOSX").mkdir()
    data = load_class_folders(root, Reading(PHOTO))
    assert data.name == "download"
    assert data.class_names == ("cat", "dog")
    assert data.notices == ()


def test_a_link_that_leads_back_is_not_followed_and_told_of(pets: Path) -> None:
    (pets / "cat" / "again").symlink_to(pets / "cat")
    (pets / "dog" / "up").symlink_to(pets)
    data = load_class_folders(pets, Reading(PHOTO))
    assert "left out cat/again: a link that leads back to a folder above it." in data.notices
    assert "left out dog/up: a link that leads back to a folder above it." in data.notices
    assert len(data["all"]) == 24


def test_a_class_folder_may_be_a_link_to_another_place(pets: Path, tmp_path: Path) -> None:
    (pets / "dog").rename(tmp_path / "elsewhere")
    (pets / "dog").symlink_to(tmp_path / "elsewhere")
    assert len(load_class_folders(pets, Reading(PHOTO))["all"]) == 24


def test_files_of_every_kind_that_is_not_read_are_counted_photographs_first(pets: Path) -> None:
    for name in ("cat/b.txt", "cat/IMG_1.CR2", "dog/scan.nii.gz", "dog/IMG_2.cr2", "dog/drawing.svg", "dog/README"):
        (pets / name).write_bytes(b"...")
    (notice,) = load_class_folders(pets, Reading(PHOTO)).notices
    assert "left out 6 files" in notice
    assert "2 .cr2, 1 .svg, 1 .nii.gz, 1 without a suffix, 1 .txt" in notice
    assert "Save .cr2, .svg as PNG or JPEG. Export .nii.gz as PNG or TIFF." in notice


@pytest.mark.parametrize("suffix", [".dcm", ".npy", ".CR2", ".pdf"])
def test_a_class_of_files_that_are_not_read_is_refused_with_their_kind(pets: Path, suffix: str) -> None:
    (pets / "bird").mkdir()
    (pets / "bird" / f"a{suffix}").touch()
    with pytest.raises(DataError, match=rf"'bird' holds no picture\. It holds 1 \{suffix.lower()}"):
        load_class_folders(pets, Reading(PHOTO))


def test_a_folder_without_classes_is_refused(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(DataError, match="no class folders"):
        load_class_folders(tmp_path, Reading(PHOTO))
    draw(tmp_path / "a.png")
    with pytest.raises(DataError, match="1 picture, but nothing says what they show"):
        load_class_folders(tmp_path, Reading(PHOTO))


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("train", "valid", "test"), ("Train", "Validation", "Test")]
)
def test_split_folders_are_kept(tmp_path: Path, draw: Draw, names: tuple[str, str, str]) -> None:
    for seed, name in enumerate(names):
        draw(tmp_path / name / "cat" / "a.png", seed=seed)
        draw(tmp_path / name / "dog" / "a.png", seed=10 + seed)
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.split_rule == SplitRule.GIVEN
    assert [split_of(split) for split in data.splits.values()] == [
        {f"{name}/cat/a.png", f"{name}/dog/a.png"} for name in names
    ]


def test_validation_is_made_from_train_where_it_lacks(tmp_path: Path, draw: Draw, pets: Path) -> None:
    pets.rename(tmp_path / "train")
    draw(tmp_path / "test" / "dog" / "a.png", seed=999)
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert data.class_names == ("cat", "dog")
    assert split_of(data["test"]) == {"test/dog/a.png"}
    assert all(name.startswith("train/") for name in split_of(data["validation"]))
    assert data.counts("validation").min() >= 1


def test_a_class_may_be_called_train(pets: Path, draw: Draw) -> None:
    draw(pets / "train" / "tgv.png")
    assert load_class_folders(pets, Reading(PHOTO)).class_names == ("cat", "dog", "train")


@pytest.mark.parametrize(
    ("places", "named"),
    [
        # flat: no class folders anywhere
        (["train", "test1"], ["train", "test1"]),
        (["Train", "TEST1"], ["Train", "TEST1"]),
        (["training_set", "test_set"], ["training_set", "test_set"]),
        (["train", "images to predict"], ["train", "images to predict"]),
        (["trainData", "testdata"], ["trainData", "testdata"]),
        (["train", "images"], ["train"]),
        # class folders in splits, beside something else
        (["train/cat", "train/dog", "test/cat", "notes"], ["notes"]),
        # among classes
        (["cat", "dog", "test"], ["test"]),
        (["cat", "dog", "Validation set"], ["Validation set"]),
        (["cat", "dog", "predict", "train"], ["predict", "train"]),
        (["cat", "dog", "unlabeled"], ["unlabeled"]),
    ],
)
def test_folders_called_like_splits_are_no_classes(
    tmp_path: Path, draw: Draw, places: list[str], named: list[str]
) -> None:
    for seed, place in enumerate(places):
        for number in range(3):
            draw(tmp_path / place / f"{number}.png", seed=10 * seed + number)
    with pytest.raises(DataError) as caught:
        load_class_folders(tmp_path, Reading(PHOTO))
    message = str(caught.value)
    assert message.startswith(str(tmp_path))
    assert all(repr(name) in message for name in named)
    assert re.search("like (a split|splits)", message)
    assert not any(repr(name) in message for name in ("cat", "dog"))


@pytest.mark.parametrize(
    "classes",
    [
        ["trainer", "testudo"],
        ["bus", "car", "train"],
        ["Bus", "Train"],
        ["invalid", "valid"],
        ["match", "training"],
        ["beaker", "test tube"],
        ["train station", "training shoes"],
        ["Testarossa", "contest", "protest"],
        ["1", "2"],
        ["évaluation du risque", "tést"],
    ],
)
def test_classes_whose_names_only_resemble_splits_are_classes(tmp_path: Path, draw: Draw, classes: list[str]) -> None:
    for seed, name in enumerate(classes):
        for number in range(3):
            draw(tmp_path / name / f"{number}.png", seed=10 * seed + number)
    assert list(load_class_folders(tmp_path, Reading(PHOTO)).class_names) == sorted(classes)


def test_a_class_called_train_may_be_in_split_folders(tmp_path: Path, draw: Draw) -> None:
    for seed, place in enumerate(["train/bus", "train/train", "test/bus", "test/train"]):
        draw(tmp_path / place / "a.png", seed=seed)
    data = load_class_folders(tmp_path, Reading(PHOTO))
    assert data.class_names == ("bus", "train")
    assert len(data["test"]) == 2


def test_only_a_test_split_is_enough_for_scoring(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "test" / "dog" / "a.png")
    assert set(load_class_folders(tmp_path, Reading(PHOTO)).splits) == {"test"}


def test_a_class_that_train_lacks_is_refused_by_name(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "train" / "cat" / "a.png")
    draw(tmp_path / "test" / "zebra" / "a.png")
    with pytest.raises(DataError, match="test split has classes that train lacks: 'zebra'"):
        load_class_folders(tmp_path, Reading(PHOTO))


def test_a_split_folder_without_classes_is_refused(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "train" / "a.png")
    with pytest.raises(DataError, match=r"train: holds no class folders"):
        load_class_folders(tmp_path, Reading(PHOTO))


def test_skipped_pictures_are_listed_in_natural_order(pets: Path) -> None:
    for name in ("cat/10.png", "cat/2.png", "cat/1.png", "cat/0.png", "cat/p100.png", "cat/p9.png"):
        (pets / name).write_bytes(b"damaged")
    wanted = ["cat/0.png", "cat/1.png", "cat/2.png", "cat/10.png", "cat/p9.png", "cat/p100.png"]
    assert [name for name, _ in load_class_folders(pets, Reading(PHOTO)).skipped] == wanted
    with pytest.raises(DataError) as refusal:
        load_class_folders(pets, Reading(PHOTO, strict=True))
    places = [str(refusal.value).index(f"{name}:") for name in wanted]
    assert places == sorted(places)


def test_damaged_pictures_are_skipped_and_listed(pets: Path) -> None:
    damage(pets / "cat" / "03.png")
    (pets / "dog" / "text.jpg").write_text("no picture")
    data = load_class_folders(pets, Reading(PHOTO))
    assert len(data["all"]) == 23
    assert [name for name, _ in data.skipped] == ["cat/03.png", "dog/text.jpg"]
    assert "not a picture" in data.skipped[1][1]
    assert str(pets) not in data.skipped[1][1]


def test_strict_refuses_damaged_pictures_and_lists_them(pets: Path) -> None:
    damage(pets / "cat" / "03.png")
    with pytest.raises(DataError, match=r"1 of 24 pictures cannot be read:\n  cat/03\.png: "):
        load_class_folders(pets, Reading(PHOTO, strict=True))


def test_a_long_list_is_cut_short(pets: Path) -> None:
    for path in pets.glob("*/*.png"):
        damage(path)
    with pytest.raises(DataError, match=r"24 of 24 pictures(.|\n)*\n  \.\.\. and 4 more\n") as caught:
        load_class_folders(pets, Reading(PHOTO))
    assert str(caught.value).count("\n") == 22


def test_a_class_of_damaged_pictures_only_is_refused(pets: Path) -> None:
    for path in (pets / "dog").iterdir():
        damage(path)
    with pytest.raises(DataError, match="class 'dog': none of its 12 pictures can be read"):
        load_class_folders(pets, Reading())


def test_nothing_readable_at_all_is_refused_when_a_framing_is_to_be_chosen(pets: Path) -> None:
    for path in pets.glob("*/*.png"):
        damage(path)
    with pytest.raises(DataError, match="not one of its 24 pictures can be read"):
        load_class_folders(pets, Reading())


def test_the_framing_is_chosen_by_looking_and_told(pets: Path) -> None:
    data = load_class_folders(pets, Reading())
    assert data.framing == Framing("photo", 32, 32, 3)
    assert "using photo framing, 32x32 colour, based on 24 of your pictures" in data.notices[-1]


@pytest.mark.real_data
def test_real_flowers_are_photos_of_80_by_80(real_data: Callable[[str], Path]) -> None:
    data = load_class_folders(real_data("flowers"), Reading())
    assert data.framing == Framing("photo", 80, 80, 3)
    assert data.class_names == ("daisy", "dandelion", "rose", "sunflower", "tulip")
    assert len(data["all"]) == 4317
    shares = [len(split) / 4317 for split in data.splits.values()]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
