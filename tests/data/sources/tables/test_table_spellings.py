"""Tables as programs and people write them: separators, encodings, quotes, headers; all read the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewise.data.sources.tables.load import files_of_table
from imagewise.errors import DataError

Make = Callable[..., Path]
HEADERS = """
filename,class|image,label|image_id,target|Image,Id|path,species|filepath,labels|img,breed|
image_path,category|filename,label|file_name,class_name|id,breed|Image Name,Class Name|photo,y|
id_code,diagnosis|id,has_cactus|image,level|FilePath,Genus|name,type|Image Index,Finding Labels
"""
ROWS = [("0.png", "cat"), ("1.png", "dog"), ("2.png", "cat"), ("3.png", "dog")]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A table with the text given, beside four files that have the names of pictures."""
    for file, _ in ROWS:
        (tmp_path / file).touch()

    def save(text: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return save


def pairs(table: Path, columns: dict[str, str] | None = None) -> list[tuple[str, str]]:
    files, _ = files_of_table(table, columns)
    return [(Path(file.path).name, file.label) for file in files]


def lines(header: str, between: str = ",") -> str:
    return "\n".join([header, *(between.join(row) for row in ROWS)])


@pytest.mark.parametrize(
    "header",
    HEADERS.replace("\n", "").split("|"),
)
def test_the_names_that_people_use_are_known(make: Make, header: str) -> None:
    assert pairs(make(lines(header))) == ROWS


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("width,label,photo\n5,cat,0.png\n6,dog,1.png\n5,cat,2.png\n6,dog,3.png", None),
        (",image,label\n0,0.png,cat\n1,1.png,dog\n2,2.png,cat\n3,3.png,dog", None),
        ("class id,filepaths,labels\n7,0.png,cat\n9,1.png,dog\n7,2.png,cat\n9,3.png,dog", None),
        ("what,shown\n0.png,cat\n1.png,dog\n2.png,cat\n3.png,dog", None),
        ("image,choice,id\n0.png,cat,1\n1.png,dog,2\n2.png,cat,3\n3.png,dog,4", None),
        ("a,b,c\n0,0.png,cat\n0,1.png,dog\n1,2.png,cat\n1,3.png,dog", {"file": "b", "label": "C"}),
        ("class,breed,file\n1,cat,0.png\n1,dog,1.png\n1,cat,2.png\n2,dog,3.png", {"label": "breed"}),
    ],
)
def test_the_right_columns_are_taken_among_others(make: Make, text: str, columns: dict[str, str] | None) -> None:
    assert pairs(make(text), columns) == ROWS


@pytest.mark.parametrize(
    ("header", "row", "both"),
    [
        ("file,class,target", "{},{},7", ["'class'", "'target'"]),
        ("image,species,breed", "{},{},{}x", ["'species'", "'breed'"]),
        ("file,tag,diagnosis", "{},{},7", ["'tag'", "'diagnosis'"]),
    ],
)
def test_two_columns_that_could_be_the_labels_are_refused(make: Make, header: str, row: str, both: list[str]) -> None:
    rows = [row.format(file, label, number) for number, (file, label) in enumerate(ROWS)]
    with pytest.raises(DataError) as refusal:
        pairs(make("\n".join([header, *rows])))
    assert all(word in str(refusal.value) for word in [*both, "table.csv", "'label'", "columns="])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": "breeed"}, ["breeed", "Did you mean 'breed'", "table.csv"]),
        ({"labels": "breed"}, ["'labels'", "Did you mean 'label'"]),
        ({"file": "nothing"}, ["'nothing'", "'file'", "'breed'"]),
    ],
)
def test_columns_that_the_table_lacks_are_refused(make: Make, columns: dict[str, str], words: list[str]) -> None:
    with pytest.raises(DataError) as refusal:
        pairs(make(lines("file,breed")), columns)
    assert all(word in str(refusal.value) for word in words)


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_a_table_without_a_header_is_read_by_its_names_of_pictures(
    make: Make, between: str, headed: bool, turned: bool
) -> None:
    rows = [("file", "label"), *ROWS] if headed else ROWS
    assert pairs(make("\n".join(between.join(reversed(row) if turned else row) for row in rows))) == ROWS


def test_splits_are_read_without_a_header_too(make: Make) -> None:
    table = make("TRAIN,gs://shop/a/0.png,cat\nTEST,gs://shop/a/1.png,dog\nUNASSIGNED,gs://shop/b/2.png,cat\n")
    files, _ = files_of_table(table)
    assert [(file.split, file.label) for file in files] == [("train", "cat"), ("test", "dog"), ("train", "cat")]


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".tab"])
def test_tabs_are_read_in_every_kind_of_file(make: Make, suffix: str) -> None:
    assert pairs(make(lines("file\tlabel", "\t"), f"table{suffix}")) == ROWS


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("word", ["Häher", "Châtaigne", "señal"])
def test_what_excel_writes_is_read(make: Make, encoding: str, word: str) -> None:
    table = make(f"Filename;Species\r\n0.png;{word}\r\n1.png;dog\r\n".encode(encoding))
    assert pairs(table) == [("0.png", word), ("1.png", "dog")]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nfile;label\n0.png;cat\n1.png;dog",
        "file,label,,\n0.png,cat,,\n1.png,dog,,\n,,,\n",
        'file, label\n"0.png", "cat"\n"1.png", "dog"\n',
        "file,label\r0.png,cat\r1.png,dog\r",
    ],
)
def test_the_quirks_of_spreadsheets_are_read(make: Make, text: str) -> None:
    assert pairs(make(text)) == ROWS[:2]


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize("names", [("file_name", "label"), ("image", "choice"), ("image", "class")])
def test_records_of_json_are_a_table(make: Make, suffix: str, names: tuple[str, str]) -> None:
    records = [dict(zip(names, row, strict=True)) | {"more": {"a": 1}} for row in ROWS]
    text = json.dumps(records) if suffix == ".json" else "\n".join(map(json.dumps, records))
    assert pairs(make(text, f"metadata{suffix}")) == ROWS


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"file": 3}', "nothing"])
def test_json_that_is_no_table_is_refused(make: Make, text: str) -> None:
    with pytest.raises(DataError, match=r"table\.json: "):
        pairs(make(text, "table.json"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Filename;Species\n0.png;cat\n1.png;dog", ["semicolons", "'Species'"]),
        ("0.png\tcat\n1.png\tdog", ["tabs", "no header"]),
        ("image,breed\n0.png,cat\n1.png,dog", ["'image'", "'breed'"]),
    ],
)
def test_what_was_guessed_is_told_in_one_line(make: Make, text: str, told: list[str]) -> None:
    _, notices = files_of_table(make(text))
    assert len(notices) == 1
    assert all(word in notices[0] for word in ["table.csv", *told])


@pytest.mark.parametrize("header", ["file,label", "file_name,label", "path,label,split"])
def test_nothing_is_told_of_what_is_as_documented(make: Make, header: str) -> None:
    assert files_of_table(make(f"{header}\n0.png,cat{',train' * (header.count(',') - 1)}"))[1] == []


# ---- splits


@pytest.mark.parametrize(
    ("header", "texts", "splits"),
    [
        ("split", ["train", "dev", "test", ""], ["train", "validation", "test", "train"]),
        ("split", ["Training", "eval", "testing", "trn"], ["train", "validation", "test", "train"]),
        ("set", ["train", "valid", "holdout", "train"], ["train", "validation", "test", "train"]),
        ("data set", ["train", "VAL", "Test", "train"], ["train", "validation", "test", "train"]),
        ("Usage", ["Training", "PublicTest", "PrivateTest", "Training"], ["train", "validation", "test", "train"]),
        ("is_valid", ["False", "True", "False", "True"], ["train", "validation", "train", "validation"]),
        ("is_valid", ["0", "1", "0", "0"], ["train", "validation", "train", "train"]),
    ],
)
def test_splits_by_the_names_that_people_give_them(
    make: Make, header: str, texts: list[str], splits: list[str]
) -> None:
    rows = [f"{file},{label},{text}" for (file, label), text in zip(ROWS, texts, strict=True)]
    files, notices = files_of_table(make("\n".join([f"file,label,{header}", *rows])))
    assert [file.split for file in files] == splits
    assert any("1 row without a split" in notice for notice in notices) == ("" in texts)


@pytest.mark.parametrize("folders", [("train", "test"), ("Training", "Testing"), ("train", "valid")])
def test_paths_that_begin_with_splits_give_the_splits(make: Make, tmp_path: Path, folders: tuple[str, str]) -> None:
    files, _ = files_of_table(
        make("file,label\n" + "".join(f"{folder}/{n}.png,x\n" for folder in folders for n in range(2)) + "0.png,y\n")
    )
    assert {file.split for file in files} == {None}  # one is in no split
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.png").touch()
    files, _ = files_of_table(make("file,label\n" + "".join(f"{folder}/0.png,x\n" for folder in folders)))
    assert [file.split for file in files] == ["train", "validation" if folders[1] == "valid" else "test"]


# ---- tables for other tasks


@pytest.mark.parametrize(
    "labels",
    [
        ["a|b", "a", "b", "a"],
        ["cat dog", "cat", "dog", "cat"],
        ["['cat', 'dog']", "['cat']", "['dog']", "['cat']"],
        ["a, b", "a", "b", "b, a"],
        ["a;b", "b;c", "c;a", "c"],
    ],
)
def test_several_labels_a_picture_are_refused_as_multi_label(make: Make, labels: list[str]) -> None:
    rows = [f'{file},"{label}"' for (file, _), label in zip(ROWS, labels, strict=True)]
    with pytest.raises(DataError, match=r"table\.csv: row 1.*multi-label"):
        pairs(make("\n".join(["file,label", *rows])))


@pytest.mark.parametrize(
    "labels",
    [
        ["golden retriever", "labrador retriever", "golden retriever", "poodle"],
        ["red shoe", "red shirt", "blue shoe", "blue shirt"],
        ["Paris, Texas", "Paris, France", "Rome, Italy", "Bonn"],
        ["n/a", "None", "nan", "NA"],
        ["1.1", "1.2", "1.1", "1.2"],
        ["007", "7", "10", "2"],
    ],
)
def test_names_of_several_words_and_version_numbers_are_classes(make: Make, labels: list[str]) -> None:
    rows = [f'{file},"{label}"' for (file, _), label in zip(ROWS, labels, strict=True)]
    assert [label for _, label in pairs(make("\n".join(["file,label", *rows])))] == labels


@pytest.mark.parametrize(
    "amounts", [["0.5", "1.25", "3", "2.75"], ["1.5e3", "20.5", "0.25", "8.1"], ["-0.5", "0.1", "0.2", "0.3"]]
)
@pytest.mark.parametrize("header", ["file,label", "image,price"])
def test_amounts_are_refused_as_regression(make: Make, amounts: list[str], header: str) -> None:
    rows = [f"{file},{amount}" for (file, _), amount in zip(ROWS, amounts, strict=True)]
    with pytest.raises(DataError, match=r"table\.csv: .*amounts.*regression"):
        pairs(make("\n".join([header, *rows])))


@pytest.mark.parametrize("on_off", [("1", "0"), ("1.0", "0.0"), ("True", "False"), ("1", "-1")])
def test_a_column_a_class_is_read(make: Make, on_off: tuple[str, str]) -> None:
    on, off = on_off
    table = make(f"filename,cat,dog\n0.png,{on},{off}\n1.png,{off},{on}\n2.png,{on},{off}\n3.png,{off},{on}")
    assert pairs(table) == ROWS


def test_a_row_with_several_classes_is_refused_and_one_with_none_left_out(make: Make) -> None:
    with pytest.raises(DataError, match=r"row 2 \(1\.png\).*'cat' and 'dog'.*multi-label"):
        pairs(make("filename,cat,dog\n0.png,1,0\n1.png,1,1"))
    files, notices = files_of_table(make("filename,cat,dog\n0.png,1,0\n1.png,0,0\n3.png,0,1"))
    assert [file.label for file in files] == ["cat", "dog"]
    assert any("left out 1 row" in notice for notice in notices)


@pytest.mark.parametrize("boxes", ["xmin,ymin,xmax,ymax", "x1,y1,x2,y2", "bbox,width,area,more"])
def test_tables_of_boxes_are_refused_as_detection(make: Make, boxes: str) -> None:
    with pytest.raises(DataError, match=r"table\.csv: .*detection"):
        pairs(make(f"filename,{boxes}\n0.png,1,2,3,4\n1.png,1,2,3,4"))


# ---- all at once


@settings(max_examples=60)
@given(
    labels=st.lists(st.sampled_from(["cat", "dog", "Häher, blau", "a;b c", 'the "x"', "it's"]), min_size=3, max_size=9),
    between=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ends=st.sampled_from(["\n", "\r\n"]),
    header=st.sampled_from(
        [("file", "label"), ("Filename", "Species"), ("image_path", "class"), ("ID", "breed"), None]
    ),
    turned=st.booleans(),
)
def test_a_table_reads_the_same_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    labels: list[str],
    between: str,
    encoding: str,
    quoting: int,
    ends: str,
    header: tuple[str, str] | None,
    turned: bool,
) -> None:
    folder = tmp_path_factory.mktemp("written")
    rows = [(f"{number}.png", label) for number, label in enumerate(labels)]
    for file, _ in rows:
        (folder / file).touch()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=between, quoting=quoting, lineterminator=ends)  # type: ignore[arg-type]
    writer.writerows(row[::-1] if turned else row for row in ([header] if header else []) + rows)
    (folder / "table.csv").write_bytes(text.getvalue().encode(encoding))
    assert pairs(folder / "table.csv") == rows
