"""Tables of numbers and names beside data whose classes are numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 3)
NAMES = {0: "Speed limit (20km/h)", 1: "Stop", 2: "Yield", 10: "No passing"}


def csv(header: str, between: str = ",", first: str = "") -> str:
    lines = [f"{number}{between}{name}{between * (header.count(between) - 1)}" for number, name in NAMES.items()]
    return "\n".join([*([header] if header else []), *lines, first]) + "\n"


@pytest.fixture
def signs(tmp_path: Path, draw: Draw) -> Callable[..., Path]:
    """Class folders called by numbers."""

    def make(*names: str, below: str = "") -> Path:
        for place, name in enumerate(names):
            for number in range(12):
                draw(tmp_path / "signs" / below / name / f"{number}.png", seed=100 * place + number, size=(9, 9))
        return tmp_path / "signs"

    return make


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("labels.csv", csv("ClassId,Name")),
        ("signnames.csv", csv("ClassId,SignName")),
        ("class_names.csv", csv("label,name")),
        ("classes.csv", csv("id,name")),
        ("labels.csv", csv("class;description", ";")),
        ("label_names.tsv", csv("Class ID\tClass name", "\t")),
        ("Meta.csv", csv("ClassId,Name,Colour")),
        ("names.csv", csv("")),
        ("cat_to_name.json", json.dumps({str(number): name for number, name in NAMES.items()})),
    ],
)
@pytest.mark.parametrize("below", ["", "train", "GTSRB/Training"])
def test_class_folders_called_by_numbers_get_their_names(
    signs: Callable[..., Path], table: str, text: str, below: str
) -> None:
    root = signs("0", "1", "2", "10", below=below)
    (root / table).write_text(text)
    data = load_data(root, framing=PHOTO)
    assert data.class_names == tuple(NAMES.values())
    names = data["all"].names
    assert names is not None
    wanted = {f"{number}/": name for number, name in NAMES.items()}
    for name, label in zip(names, data["all"].labels, strict=True):
        assert any(f"/{folder}" in f"/{name}" and data.class_names[label] == w for folder, w in wanted.items())
    assert any(f"names of the classes from {table}" in notice for notice in data.notices)
    assert not any("alone" in notice for notice in data.notices)


@pytest.mark.parametrize("folders", [("00000", "00001", "00002"), ("2", "10"), ("1", "2")])
def test_a_table_may_name_more_classes_and_write_numbers_in_another_way(
    signs: Callable[..., Path], folders: tuple[str, ...]
) -> None:
    root = signs(*folders)
    (root / "signnames.csv").write_text(csv("ClassId,SignName"))
    assert load_data(root, framing=PHOTO).class_names == tuple(NAMES[int(folder)] for folder in folders)


def test_two_classes_of_one_name_keep_their_numbers(signs: Callable[..., Path]) -> None:
    root = signs("0", "1", "2")
    (root / "labels.csv").write_text("ClassId,Name\n0,Stop\n1,unknown\n2,unknown\n")
    assert load_data(root, framing=PHOTO).class_names == ("Stop", "unknown (1)", "unknown (2)")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("labels.csv", "ClassId,Name\n7,Seven\n8,Eight\n"),
        ("labels.csv", "ClassId,Name\n0,Stop\n"),
        ("class_names.json", json.dumps({"0": "Stop", "9": "Nine"})),
    ],
)
def test_a_table_that_lacks_a_class_is_left_alone_and_said(signs: Callable[..., Path], table: str, text: str) -> None:
    root = signs("0", "1")
    (root / table).write_text(text)
    data = load_data(root, framing=PHOTO)
    assert data.class_names == ("0", "1")
    assert any(f"left {table} alone" in notice for notice in data.notices)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("labels.csv", "file,label\nx.png,1\n"),
        ("names.csv", "id,name\n" + "".join(f"{n},person {n}\n" for n in range(90))),
        ("labels.csv", "ClassId,Count\n0,12\n1,12\n"),
        ("labels.csv", "ClassId,Path\n0,a.png\n1,b.png\n"),
        ("class_names.json", "[1, 2]"),
        ("class_names.json", "{broken"),
        ("labels.csv", ""),
        ("sales.csv", "ClassId,Name\n0,Stop\n1,Yield\n"),
    ],
)
def test_a_table_about_something_else_names_no_class(signs: Callable[..., Path], table: str, text: str) -> None:
    root = signs("0", "1")
    (root / table).write_text(text)
    assert load_data(root, framing=PHOTO).class_names == ("0", "1")


@pytest.mark.parametrize("exact", [True, False])
def test_a_table_above_the_folder_counts_if_it_names_the_same_classes(signs: Callable[..., Path], exact: bool) -> None:
    root = signs("0", "1", "2", *(["10"] if exact else []))
    (root.parent / "signnames.csv").write_text(csv("ClassId,SignName"))
    assert (load_data(root, framing=PHOTO).class_names == tuple(NAMES.values())) == exact


@pytest.mark.parametrize(("names", "header"), [("labels.csv", "ClassId,Name"), ("signnames.csv", "label,name")])
@pytest.mark.parametrize("whole", [True, False])
def test_a_table_of_pictures_is_named_by_the_other_table(
    tmp_path: Path, draw: Draw, names: str, header: str, whole: bool
) -> None:
    rows = []
    for number in range(40):
        draw(tmp_path / "imgs" / f"{number}.png", seed=number, size=(9, 9))
        rows.append(f"imgs/{number}.png,{list(NAMES)[number % 4]}\n")
    (tmp_path / "Train.csv").write_text(f"Path,ClassId\n{''.join(rows)}")
    (tmp_path / names).write_text(csv(header))
    data = load_data(tmp_path if whole else tmp_path / "Train.csv", framing=PHOTO)
    assert (data.class_names, len(data["all"])) == (tuple(NAMES.values()), 40)


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_pixels_and_arrays_get_their_names_too(tmp_path: Path, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64), dtype=np.uint8)
    labels = np.array(list(NAMES))[np.arange(40) % 4]
    if kind == "csv":
        np.savetxt(tmp_path / "train.csv", np.column_stack([labels, pixels]), fmt="%d", delimiter=",")
    else:
        np.savez(tmp_path / "train.npz", images=pixels, labels=labels)
    (tmp_path / "labels.csv").write_text(csv("ClassId,Name"))
    assert load_data(tmp_path / f"train.{kind}").class_names == tuple(NAMES.values())


def test_names_alone_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(csv("ClassId,Name"))
    with pytest.raises(DataError, match=r"holds no class folders"):
        load_data(tmp_path)
