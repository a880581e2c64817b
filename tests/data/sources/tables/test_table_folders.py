"""Folders that tables describe, as Roboflow, Hugging Face and Kaggle make them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 3)
KINDS = ["_classes.csv", "metadata.csv", "metadata.jsonl", "labels.csv"]


@pytest.fixture
def sketch(tmp_path: Path, draw: Draw) -> Callable[..., list[str]]:
    """Pictures in a folder; their names."""

    def save(folder: str, count: int = 4) -> list[str]:
        for number in range(count):
            draw(tmp_path / folder / f"{number}.png", seed=zlib.crc32(f"{folder}/{number}".encode()), size=(12, 10))
        return [f"{number}.png" for number in range(count)]

    return save


def describe(path: Path, files: list[str], labels: list[str] | None = None) -> None:
    """Write a table of the kind that its name says."""
    labels = labels or ["cat", "dog"] * (len(files) // 2)
    pairs = list(zip(files, labels, strict=True))
    if path.name == "_classes.csv":
        text = "filename, cat, dog\n" + "".join(f"{f}, {int(x == 'cat')}, {int(x == 'dog')}\n" for f, x in pairs)
    elif path.suffix == ".jsonl":
        text = "".join(json.dumps({"file_name": f, "label": x}) + "\n" for f, x in pairs)
    else:
        text = "file_name,label\n" + "".join(f"{f},{x}\n" for f, x in pairs)
    path.write_text(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "splits", [("train", "valid", "test"), ("train", "validation"), ("Training", "dev", "Testing")]
)
def test_a_table_in_each_split_folder(
    tmp_path: Path, sketch: Callable[..., list[str]], kind: str, splits: tuple[str, ...]
) -> None:
    for split in splits:
        describe(tmp_path / split / kind, sketch(split))
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.name, data.class_names, data.split_rule) == (tmp_path.name, ("cat", "dog"), SplitRule.GIVEN)
    assert [len(split) for split in data.splits.values()] == [4] * len(splits)
    names = data["validation"].names
    assert names is not None
    assert sorted(names)[0] == f"{splits[1]}/0.png"


@pytest.mark.parametrize("kind", KINDS)
def test_a_split_folder_without_labels_is_left_out_and_said(
    tmp_path: Path, sketch: Callable[..., list[str]], kind: str
) -> None:
    describe(tmp_path / "train" / kind, sketch("train", 40), ["cat", "dog"] * 20)
    sketch("test", 3)
    data = load_data(tmp_path, framing=PHOTO)
    assert len(data["all"]) == 40
    assert any("left out test/ (3 pictures)" in notice for notice in data.notices)


@pytest.mark.parametrize("rows", ["0.png, 1, 1\n", "1.png, 0, 1\n0.png, 1, 1\n", "0.png, 1, 1\n1.png, 0, 0\n"])
def test_a_row_of_several_classes_is_refused(tmp_path: Path, sketch: Callable[..., list[str]], rows: str) -> None:
    sketch("train")
    (tmp_path / "train" / "_classes.csv").write_text(f"filename, cat, dog\n{rows}")
    with pytest.raises(DataError, match=r"_classes\.csv: row \d \(0\.png\).*multi-label"):
        load_data(tmp_path)


@pytest.mark.parametrize("kind", ["metadata.csv", "metadata.jsonl", "labels.csv"])
def test_a_table_at_the_root_takes_the_splits_from_the_paths(
    tmp_path: Path, sketch: Callable[..., list[str]], kind: str
) -> None:
    files = [f"{split}/{file}" for split in ("train", "test") for file in sketch(split, 20)]
    describe(tmp_path / kind, files, ["cat", "dog"] * 20)
    data = load_data(tmp_path, framing=PHOTO)
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert len(data["test"]) == 20


@pytest.mark.parametrize(
    ("table", "header", "named"),
    [
        ("train.csv", "id,breed", "{n}"),
        ("trainLabels.csv", "image,level", "{n}"),
        ("train_labels.csv", "id,label", "{n}.png"),
        ("labels.csv", "id,breed", "{n}"),
    ],
)
def test_kaggles_folders(tmp_path: Path, sketch: Callable[..., list[str]], table: str, header: str, named: str) -> None:
    sketch("train", 40)
    sketch("test", 5)
    rows = [f"{named.format(n=n)},{'cat' if n % 2 else 'dog'}\n" for n in range(40)]
    (tmp_path / table).write_text(f"{header}\n{''.join(rows)}")
    (tmp_path / "sample_submission.csv").write_text(f"{header}\n0,cat\n1,dog\n")
    (tmp_path / "test.csv").write_text(f"{header.partition(',')[0]}\n0\n1\n")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("cat", "dog"), 40)
    names = data["all"].names
    assert names is not None
    assert all(name.startswith("train/") for name in names)
    if table == "train.csv":
        assert any("left out test.csv" in notice for notice in data.notices)


@pytest.mark.parametrize("stems", [("train", "valid", "test"), ("train_set", "val_set"), ("pets_train", "pets_test")])
def test_a_table_a_split_at_the_root(tmp_path: Path, sketch: Callable[..., list[str]], stems: tuple[str, ...]) -> None:
    files = sketch("pictures", 40)
    for number, stem in enumerate(stems):
        describe(tmp_path / f"{stem}.csv", files[10 * number : 10 * number + 10], ["cat", "dog"] * 5)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert len(data["all"]) == 10 * len(stems)
    assert len(data["test" if stems[-1].endswith("test") else "validation"]) == 10


def test_several_tables_that_could_be_it_are_refused(tmp_path: Path, sketch: Callable[..., list[str]]) -> None:
    for name in ("first.csv", "second.csv"):
        describe(tmp_path / name, [f"imgs/{file}" for file in sketch("imgs")])
    with pytest.raises(DataError, match=r"several tables .*first\.csv, second\.csv"):
        load_data(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "ClassId,Name\n0,Stop\n1,Yield\n"),
        ("metadata.csv", "file_name,width,height,more\ncat/0.png,3,4,5\n"),
        ("metadata.csv", "about,this\n"),
        ("notes.csv", "file,label\nx,y\n"),
    ],
)
@pytest.mark.parametrize("below", ["", "train/"])
def test_class_folders_are_not_hidden_by_a_table_about_something_else(
    tmp_path: Path, sketch: Callable[..., list[str]], name: str, text: str, below: str
) -> None:
    sketch(f"{below}cat", 10)
    sketch(f"{below}dog", 10)
    (tmp_path / name).write_text(text)
    data = load_data(tmp_path, framing=PHOTO)
    assert (data.class_names, len(data["all"])) == (("cat", "dog"), 20)
    assert any(name in notice for notice in data.notices) == (name != "notes.csv")


@pytest.mark.parametrize("text", ["file,a,b,c\n0.png,1,2,3\n", "image,width,height\n0,1,2\n"])
def test_the_only_table_is_said_to_lack_its_labels(tmp_path: Path, sketch: Callable[..., list[str]], text: str) -> None:
    sketch("imgs")
    (tmp_path / "about.csv").write_text(text)
    with pytest.raises(DataError, match=r"about\.csv: needs a column"):
        load_data(tmp_path)


@pytest.mark.parametrize("columns", [{"label": "breed"}, {"label": "b", "file": "a"}, {"split": "part", "label": "b"}])
def test_columns_can_be_chosen(tmp_path: Path, sketch: Callable[..., list[str]], columns: dict[str, str]) -> None:
    names = {role: columns.get(role, role) for role in ("file", "label", "split")}
    rows = "".join(
        f"imgs/{file},{'cd'[n % 2]},7,{'test' if n == 3 else 'train'}\n" for n, file in enumerate(sketch("imgs"))
    )
    (tmp_path / "t.csv").write_text(f"{names['file']},{names['label']},label_2,{names['split']}\n{rows}")
    assert load_data(tmp_path / "t.csv", framing=PHOTO, columns=columns).class_names == ("c", "d")
    assert load_data(tmp_path, framing=PHOTO, columns=columns).class_names == ("c", "d")


@pytest.mark.parametrize(
    ("train", "test", "tables"),
    [
        ("Train", "Test", ("Train.csv", "Test.csv")),  # GTSRB
        ("train", "test", ("train_labels.csv", "test_labels.csv")),
        ("Training", "Testing", ("training.csv", "testing.csv")),
    ],
)
def test_tables_of_the_splits_are_taken_where_a_split_has_no_class_folders(
    tmp_path: Path, sketch: Callable[..., list[str]], train: str, test: str, tables: tuple[str, str]
) -> None:
    rows = [f"27,{label},{train}/{label}/{file}\n" for label in (0, 1) for file in sketch(f"{train}/{label}", 20)]
    tests = [f"27,{number % 2},{test}/{file}\n" for number, file in enumerate(sketch(test, 6))]
    sketch("Meta", 2)
    for table, some in zip(tables, (rows, tests), strict=True):
        (tmp_path / table).write_text(f"Width,ClassId,Path\n{''.join(some)}")
    (tmp_path / "Meta.csv").write_text("Path,ClassId\nMeta/0.png,0\nMeta/1.png,1\n")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert (len(data["test"]), len(data["all"]), data.class_names) == (6, 46, ("0", "1"))
    assert all(table in " ".join(data.notices) for table in tables)


@pytest.mark.parametrize("lacking", ["Test.csv", "Train.csv"])
def test_a_table_of_one_split_alone_does_not_hide_class_folders(
    tmp_path: Path, sketch: Callable[..., list[str]], lacking: str
) -> None:
    rows = [f"{label},Train/{label}/{file}\n" for label in (0, 1) for file in sketch(f"Train/{label}", 20)]
    tests = [f"{number % 2},Test/{file}\n" for number, file in enumerate(sketch("Test", 6))]
    for table, some in (("Train.csv", rows), ("Test.csv", tests)):
        if table != lacking:
            (tmp_path / table).write_text(f"ClassId,Path\n{''.join(some)}")
    data = load_data(tmp_path, framing=PHOTO)
    assert len(data["all"]) == 40
    assert any("left out 'Test'" in notice for notice in data.notices)
