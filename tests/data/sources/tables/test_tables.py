from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewise.data.loading import load_data
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.tables.load import load_table
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 3)


@pytest.fixture
def write(tmp_path: Path, draw: Draw) -> Callable[[str], Path]:
    """Four pictures in a folder, and a table with the text given beside it."""
    for number in range(4):
        draw(tmp_path / "pictures" / f"{number}.png", seed=number)

    def save(text: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode())
        return path

    return save


ROWS = "pictures/0.png,cat\npictures/1.png,dog\npictures/2.png,cat\npictures/3.png,dog\n"


@pytest.mark.parametrize("header", ["file,label", "file_name,label", "path,label", "\ufeffFile , LABEL"])
def test_a_table_names_files_and_labels(write: Callable[[str], Path], header: str) -> None:
    data = load_table(write(f"{header}\n{ROWS}"), Reading(PHOTO, strict=True))
    assert data.name == "labels"
    assert data.class_names == ("cat", "dog")
    everything = data["all"]
    assert everything.names is not None
    assert {name: data.class_names[label] for name, label in zip(everything.names, everything.labels, strict=True)} == {
        "pictures/0.png": "cat",
        "pictures/1.png": "dog",
        "pictures/2.png": "cat",
        "pictures/3.png": "dog",
    }


@pytest.mark.parametrize("name", ["labels.csv", "metadata.csv"])
def test_a_folder_with_a_table_is_that_table(write: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    write(f"file,label\n{ROWS}").rename(tmp_path / name)
    data = load_data(tmp_path, framing=PHOTO)
    assert data.name == tmp_path.name
    assert data.class_names == ("cat", "dog")


def test_labels_are_strings(write: Callable[[str], Path]) -> None:
    data = load_table(write("file,label\npictures/0.png,007\npictures/1.png,7\n"), Reading(PHOTO))
    assert data.class_names == ("007", "7")


def test_a_split_column_is_kept(write: Callable[[str], Path]) -> None:
    table = write(
        "label,file,split\na,pictures/0.png,train\na,pictures/1.png,Val\na,pictures/2.png,test\na,pictures/3.png,train"
    )
    data = load_table(table, Reading(PHOTO))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 2, "validation": 1, "test": 1}


def test_files_that_are_missing_or_damaged_are_skipped_and_listed(write: Callable[[str], Path]) -> None:
    table = write(f"file,label\n{ROWS}nowhere.png,cat\nlabels.csv,dog\n")
    data = load_table(table, Reading(PHOTO))
    assert data.skipped[1] == ("nowhere.png", "no such file. Check the path.")
    assert data.skipped[0][0] == "labels.csv"
    assert len(data["all"]) == 4
    with pytest.raises(DataError, match=r"2 of 6 pictures cannot be read:\n  labels\.csv: .*\n  nowhere\.png: no such"):
        load_table(table, Reading(PHOTO, strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no columns"),
        ("width,class,mood\n1,b,c\n", r"column 'file'.*has 'width', 'class', 'mood'"),
        ("file,width,height,mood\na,1,2,b\n", r"column 'label'.*has 'file', 'width', 'height' and 1 more"),
        ("file,label,Label\na,1,2\n", r"two columns are called 'label'"),
        ("file,file,label\na,a,2\n", r"two columns are called 'file'"),
        ("file,label, label \na,1,2\n", r"two columns are called 'label'"),
        ("file,label\n", "names no picture"),
        ("file,label\npictures/0.png\n", "row 1 has 1 field, the header has 2"),
        ("file,label\npictures/0.png,cat\n,dog\n", "row 2 has no file"),
        ("file,label\npictures/0.png, \n", "row 1 has no label"),
        ("file,label,split\npictures/0.png,cat,exam\n", "row 1 names the split 'exam'"),
        ("file,label,split\npictures/0.png,cat,train\npictures/0.png,cat,7\n", "row 2 names the split '7'"),
        ('file,label\n"pictures/0.png,cat\n', "cannot be read as CSV"),
        ("file,label,split\npictures/0.png,cat,train\npictures/1.png,dog,test", "train lacks: 'dog'"),
    ],
)
def test_bad_tables_are_refused(write: Callable[[str], Path], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_table(write(text), Reading(PHOTO))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04" + bytes(60), "Excel"),
        (b"\x80\x04\x95" + bytes(60), "pickle"),
        (b"file,label\na.png,\x00\x01\x02\x03,\n", "no text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a picture"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"labels\.csv: cannot be read as CSV.*{kind}.*UTF-8"):
        load_table(path, Reading(PHOTO))


def test_parquet_is_read_like_csv(write: Callable[[str], Path], tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    write("")
    files = [f"pictures/{number}.png" for number in range(4)]
    table = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.table({"File": files, "label": [3, 1, 3, 1], "more": [None] * 4}), table)
    assert load_data(table, framing=PHOTO).class_names == ("1", "3")
    parquet.write_table(pyarrow.table({"Image Path": files, "Species": [3, 1, 3, 1]}), table)
    assert load_data(table, framing=PHOTO).class_names == ("1", "3")
    parquet.write_table(pyarrow.table({"width": [1, 2, 3, 4], "label": [3, 1, None, 1]}), table)
    with pytest.raises(DataError, match="has 'width', 'label'"):
        load_data(table)
    parquet.write_table(pyarrow.table({"file": files, "label": [3, 1, None, 1]}), table)
    with pytest.raises(DataError, match="row 3 has no label"):
        load_data(table)
    table.write_bytes(b"PAR1 but damaged")
    with pytest.raises(DataError, match=r"table\.parquet: cannot be read as Parquet"):
        load_data(table)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "table.parquet").touch()
    with pytest.raises(DataError, match=r"pip install .*\[tables\]'"):
        load_data(tmp_path / "table.parquet")


@pytest.mark.real_data
def test_real_photos_of_ink_are_taken_for_ink(real_data: Callable[[str], Path]) -> None:
    data = load_data(real_data("ink-photos"))
    assert data.framing == Framing("ink", 28, 28, 1)
    assert data.class_names == tuple("0123456789")
    assert len(data["all"]) == 20
