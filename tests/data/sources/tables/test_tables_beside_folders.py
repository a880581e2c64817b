"""Tables beside folders that are neither splits nor classes: parts of a set, pictures of something else, tables."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
Sketch = Callable[..., list[str]]
PHOTO = Framing("photo", 8, 8, 3)
GTSRB = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n"


@pytest.fixture
def sketch(tmp_path: Path, draw: Draw) -> Sketch:
    """Pictures in a folder; their names."""

    def save(folder: str, count: int, named: str = "{}.png") -> list[str]:
        names = [named.format(number) for number in range(count)]
        for name in names:
            draw(tmp_path / folder / name, seed=zlib.crc32(f"{folder}/{name}".encode()), size=(12, 10))
        return names

    return save


def signs(folder: Path, sketch: Sketch, test: bool) -> None:
    """GTSRB as Kaggle has it, with 2 of its 43 classes."""
    rows = [f"27,26,5,5,22,20,{c},Train/{c}/{name}\n" for c in (0, 1) for name in sketch(f"Train/{c}", 20)]
    (folder / "Train.csv").write_text(GTSRB + "".join(rows))
    if test:
        tests = [f"53,54,6,5,48,49,{n % 2},Test/{name}\n" for n, name in enumerate(sketch("Test", 6))]
        (folder / "Test.csv").write_text(GTSRB + "".join(tests))
    meta = [f"Meta/{name},{n},0,0,3.{n}\n" for n, name in enumerate(sketch("Meta", 2))]
    (folder / "Meta.csv").write_text("Path,ClassId,ShapeId,ColorId,SignId\n" + "".join(meta))


@pytest.mark.parametrize("test", [True, False])
def test_gtsrb_is_read_as_kaggle_has_it(tmp_path: Path, sketch: Sketch, test: bool) -> None:
    signs(tmp_path, sketch, test)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("0", "1"), 46 if test else 40)
    if test:
        assert len(data["test"]) == 6
    assert any(notice.startswith("left out Meta/ (2 pictures): ") for notice in data.notices)


@pytest.mark.parametrize("extra", [("Meta", 1), ("icons", 3), ("examples of signs", 2)])
def test_folders_that_no_table_names_are_left_out_and_counted(
    tmp_path: Path, sketch: Sketch, extra: tuple[str, int]
) -> None:
    signs(tmp_path, sketch, True)
    sketch(*extra)
    (tmp_path / "runs").mkdir()
    (tmp_path / "empty").mkdir()
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    count = 2 if extra[0] == "Meta" else extra[1]
    left = [notice for notice in data.notices if notice.startswith("left out ")]
    assert f"left out {extra[0]}/ ({count} pictures): Test.csv and Train.csv name none of them." in left
    assert not any("runs" in notice or "empty" in notice for notice in left)


@pytest.mark.parametrize("table", ["train.csv", "labels.csv", "trainLabels.csv"])
def test_kaggles_unlabelled_test_is_counted(tmp_path: Path, sketch: Sketch, table: str) -> None:
    rows = [f"{name},{'cat' if n % 2 else 'dog'}\n" for n, name in enumerate(sketch("train", 20))]
    sketch("test", 1, "unknown-{}.png")
    (tmp_path / table).write_text(f"image,label\n{''.join(rows)}")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert f"left out test/ (1 picture): {table} names none of them." in data.notices


@pytest.mark.parametrize("lacking", ["Test.csv", "Train.csv"])
def test_an_extra_folder_does_not_make_a_table_of_one_split_hide_the_other(
    tmp_path: Path, sketch: Sketch, lacking: str
) -> None:
    signs(tmp_path, sketch, True)
    (tmp_path / lacking).unlink()
    with pytest.raises(DataError, match=r"'Meta' is neither a class nor a split"):
        load_data(tmp_path, framing=PHOTO)


@pytest.mark.parametrize(
    "parts",
    [
        ("HAM10000_images_part_1", "HAM10000_images_part_2"),
        ("images_001/images", "images_002/images", "images_003/images"),
        ("batch1", "batch2"),
        ("cars_train", "cars_test"),
    ],
)
@pytest.mark.parametrize("header", ["lesion_id,image_id,dx,age", "nr,Image,species,size", "x,file,label,size"])
def test_parts_of_a_set_are_no_classes_where_a_table_says_more(
    tmp_path: Path, sketch: Sketch, parts: tuple[str, ...], header: str
) -> None:
    names = [name for part in parts for name in sketch(part, 16, f"{part.replace('/', '-')}_{{}}.png")]
    rows = sorted(f"{n // 2},{Path(name).stem},{('nv', 'bkl')[n % 2]},80.{n % 2}\n" for n, name in enumerate(names))
    (tmp_path / "about.csv").write_text(f"{header}\n{''.join(rows)}")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("bkl", "nv"), 16 * len(parts))
    assert any("read about.csv" in notice for notice in data.notices)


@pytest.mark.parametrize(
    "folders", [("0", "1"), ("class_1", "class_2"), ("cat", "dog"), ("train/cat", "train/dog"), ("small cat", "bird")]
)
def test_class_folders_stay_where_a_table_gives_other_labels_and_the_line_to_type_is_told(
    tmp_path: Path, sketch: Sketch, folders: tuple[str, ...]
) -> None:
    rows = [
        f"{folder}/{name},{'old' if n % 2 else 'young'}\n"
        for folder in folders
        for n, name in enumerate(sketch(folder, 16))
    ]
    (tmp_path / "ages of all.csv").write_text(f"file,label\n{''.join(rows)}")
    data = load_data(tmp_path, framing=PHOTO)
    assert data.class_names == tuple(sorted(Path(folder).name for folder in folders))
    told = [notice for notice in data.notices if "gives the pictures other labels" in notice]
    assert len(told) == 1
    assert told[0].endswith(f"name the table: '{tmp_path}/ages of all.csv'")


@pytest.mark.parametrize(
    "folders", [("cat", "dog"), ("photos of cats", "photos of dogs"), ("train/cat", "train/dog", "test/cat")]
)
def test_a_table_that_says_what_the_folders_say_needs_no_word(
    tmp_path: Path, sketch: Sketch, folders: tuple[str, ...]
) -> None:
    rows = [f"{f}/{name},{Path(f).name},{n}\n" for f in folders for n, name in enumerate(sketch(f, 16))]
    (tmp_path / "all.csv").write_text(f"filepaths,labels,number\n{''.join(rows)}")
    data = load_data(tmp_path, framing=PHOTO)
    assert data.class_names == tuple(sorted({Path(f).name for f in folders}))
    assert not any("all.csv" in notice for notice in data.notices)


@pytest.mark.parametrize(
    ("pictures", "table"),
    [
        (
            "ISIC2018_Task3_Training_Input",
            "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv",
        ),
        ("images", "annotations/labels.csv"),
        ("data", "meta/list.txt"),
    ],
)
def test_a_table_in_a_folder_of_its_own_is_found(tmp_path: Path, sketch: Sketch, pictures: str, table: str) -> None:
    names = sketch(pictures, 20)
    if "ISIC" in table:
        rows = [f"{Path(n).stem},{i % 2}.0,{1 - i % 2}.0,0.0\n" for i, n in enumerate(names)]
        text = f"image,cat,dog,DF\n{''.join(rows)}"
    else:
        rows = [f"{n},{'cat' if i % 2 else 'dog'}\n" for i, n in enumerate(names)]
        text = "".join(rows).replace(",", " ") if table.endswith(".txt") else f"image,label\n{''.join(rows)}"
    (tmp_path / table).parent.mkdir()
    (tmp_path / table).write_text(text)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("cat", "dog"), 20)
    names = list(data["all"].names or ())
    assert all(name.startswith(f"{pictures}/") for name in names)


@pytest.mark.parametrize("others", [["Meta.csv"], ["breed_labels.csv", "colours.csv"], ["about.csv"]])
def test_tables_of_no_split_are_left_out_beside_that_of_train(
    tmp_path: Path, sketch: Sketch, others: list[str]
) -> None:
    names = sketch("pictures", 20)
    text = "file,label\n" + "".join(f"pictures/{n},{'cat' if i % 2 else 'dog'}\n" for i, n in enumerate(names))
    for name in ("train.csv", *others):
        (tmp_path / name).write_text(text)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert len(data["all"]) == 20
    for name in others:
        assert f"left out {name}: its name is that of no split." in data.notices


@pytest.mark.parametrize(("between", "suffix"), [(" ", ".txt"), ("\t", ".txt"), (",", ".lst")])
@pytest.mark.parametrize("turned", [False, True])
def test_lists_of_files_and_labels_are_tables(
    tmp_path: Path, sketch: Sketch, between: str, suffix: str, turned: bool
) -> None:
    for split, count in (("train", 20), ("val", 10)):
        pairs = [(f"images/{n}", str(i % 2)) for i, n in enumerate(sketch("images", 30, f"{split}-{{}}.png")[:count])]
        lines = [between.join(reversed(pair) if turned else pair) for pair in pairs]
        (tmp_path / f"{split}{suffix}").write_text("\n".join(lines) + "\n")
    (tmp_path / "README.txt").write_text("Pictures of cats and dogs.\nimages/train-0.png is the first.\n")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["train"]), len(data["validation"])) == (("0", "1"), 20, 10)
    assert len(load_data(tmp_path / f"train{suffix}", framing=PHOTO, strict=True)["all"]) == 20
    with pytest.raises(DataError, match="not a kind of data"):
        load_data(tmp_path / "README.txt")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("images.txt", "{n} {place}"),  # a number for each picture, as in CUB-200
        ("list_eval_partition.txt", "{place} {third}"),  # CelebA's splits
        ("sizes.txt", "{place} {third} 4"),
    ],
)
def test_other_lists_are_no_tables_of_labels(tmp_path: Path, sketch: Sketch, name: str, row: str) -> None:
    places = [f"images/{folder}/{n}" for folder in ("cat", "dog") for n in sketch(f"images/{folder}", 15)]
    (tmp_path / name).write_text("\n".join(row.format(n=n, place=p, third=n % 3) for n, p in enumerate(places)))
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("cat", "dog"), 30)
    assert not any(name in notice for notice in data.notices)


@pytest.mark.parametrize("name", ["labels.parquet", "train.parquet", "my pictures.parquet"])
def test_a_parquet_table_of_files_describes_its_folder(tmp_path: Path, sketch: Sketch, name: str) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    files = [f"imgs/{n}" for n in sketch("imgs", 20)]
    parquet.write_table(pa.table({"image": files, "label": ["cat", "dog"] * 10}), tmp_path / name)
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("cat", "dog"), 20)


@pytest.mark.parametrize("bad", [[7], [2, 7], [1, 4, 9]])
@pytest.mark.parametrize("name", ["styles.csv", "labels.csv", "train.csv"])
def test_every_row_with_another_number_of_fields_is_named(
    tmp_path: Path, sketch: Sketch, bad: list[int], name: str
) -> None:
    names = sketch("images", 40)
    rows = [f"{n},{'cat' if i % 2 else 'dog'}{',, more' if i in bad else ''}\n" for i, n in enumerate(names, start=1)]
    (tmp_path / name).write_text(f"image,label\n{''.join(rows)}")
    with pytest.raises(DataError, match=rf"{name}: row {bad[0]} has 4 fields, the header has 2") as caught:
        load_data(tmp_path, framing=PHOTO)
    assert all(str(row) in str(caught.value) for row in bad)


@pytest.mark.parametrize("deep", ["ILSVRC/Data/CLS-LOC/train", "pictures/train", "a/b/pictures"])
def test_class_folders_further_below_are_read_where_a_table_names_no_file_that_is_there(
    tmp_path: Path, sketch: Sketch, deep: str
) -> None:
    for label in ("n01440764", "n01443537"):
        sketch(f"{deep}/{label}", 20, f"{label}_{{}}.png")
    rows = [f"{label}_{n},{label} 1 2 3 4\n" for label in ("n01440764", "n01443537") for n in range(20)]
    (tmp_path / "LOC_train_solution.csv").write_text(f"ImageId,PredictionString\n{''.join(rows)}")
    data = load_data(tmp_path, framing=PHOTO, strict=True)
    assert (data.class_names, len(data["all"])) == (("n01440764", "n01443537"), 40)


@pytest.mark.parametrize(
    ("table", "own", "other"),
    [
        ("cardatasettrain.csv", "cars_train/cars_train", "cars_test/cars_test"),
        ("labels.csv", "train_images", "a_test_images"),
        ("classes_test.csv", "new_test", "a_train"),
        ("about.csv", "training_set", "dev_set"),
    ],
)
def test_of_files_with_the_same_name_those_of_the_tables_split_are_taken(
    tmp_path: Path, sketch: Sketch, table: str, own: str, other: str
) -> None:
    names = sketch(own, 20)
    sketch(other, 8)
    (tmp_path / table).write_text("image,label\n" + "".join(f"{n},{'ab'[i % 2]}\n" for i, n in enumerate(names)))
    data = load_data(tmp_path / table, framing=PHOTO, strict=True)
    assert sorted(data["all"].names or ()) == sorted(f"{own}/{name}" for name in names)
