"""The numbers of pixel tables: block by block the same as row by row, in whatever form the file is."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imagewise.data.loading import load_data
from imagewise.data.sources.tables.pixels import pixel_rows
from imagewise.data.sources.tables.pixels.pixel_rows import Layout, read_blocks, small_integers
from imagewise.errors import DataError

LAYOUT = Layout(",", True, 0, tuple(range(1, 65)), (), (8, 8, 1), 65)
COUNT = 50


def table(count: int = COUNT, seed: int = 0) -> NDArray[np.int64]:
    rows = np.random.default_rng(seed).integers(0, 256, (count, 65))
    rows[:, 0] = np.arange(count) % 10
    return rows


def lines(rows: NDArray[np.int64]) -> list[str]:
    return [",".join(map(str, row)) for row in rows.tolist()]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 999), min_size=4, max_size=4), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", " "]),
)
def test_small_integers_are_those_of_the_csv_module(rows: list[list[int]], separator: str) -> None:
    text = "".join(separator.join(map(str, row)) + "\n" for row in rows)
    found = small_integers(text.encode(), separator, 4)
    assert found is not None
    assert found[0].tolist() == [list(map(int, row)) for row in csv.reader(io.StringIO(text), delimiter=separator)]
    assert found[1].tolist() == [[len(str(value)) for value in row] for row in rows]


@settings(max_examples=400, deadline=None)
@given(st.text('0123456789,\n.- "e;', max_size=40))
def test_any_other_text_is_left_to_the_csv_module(text: str) -> None:
    found = small_integers(text.encode(), ",", 3)
    if found is not None:
        rows = list(csv.reader(io.StringIO(text)))
        assert [list(map(int, row)) for row in rows] == found[0].tolist()
        assert all(field.isdecimal() for row in rows for field in row)


def read(path: Path, layout: Layout = LAYOUT) -> tuple[NDArray[np.float64], list[str]]:
    blocks = list(read_blocks(path, layout))
    return np.concatenate([values for values, _ in blocks]).astype(float), [x for _, some in blocks for x in some]


HEADER = ",".join(["label", *(f"pixel{n}" for n in range(64))])
FORMS = {
    "plain": "\n".join([HEADER, *lines(table())]) + "\n",
    "without an end": "\n".join([HEADER, *lines(table())]),
    "Windows": "\r\n".join([HEADER, *lines(table())]) + "\r\n",
    "blank lines": "\n\n" + "\n\n".join([HEADER, *lines(table())]) + "\n\n\n",
    "quoted": "\n".join([HEADER, *(",".join(f'"{x}"' for x in row.split(",")) for row in lines(table()))]) + "\n",
    "a break in the header": "\n".join([HEADER.replace("pixel3,", '"pixel\n3",'), *lines(table())]) + "\n",
    "fractions at last": "\n".join([HEADER, *lines(table()), lines(table())[0].replace(",", ".0,")[:-1] + "7"]),
    "spaces": "\n".join([HEADER, *(row.replace(",", ", ") for row in lines(table()))]) + "\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block", [1 << 22, 1000, 100, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_of_a_table_gives_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, block: int, encoding: str
) -> None:
    monkeypatch.setattr(pixel_rows, "_BLOCK", block)
    path = tmp_path / "t.csv"
    path.write_bytes(FORMS[form].encode(encoding))
    values, labels = read(path)
    assert np.array_equal(values[:COUNT], table()[:, 1:])
    assert labels[:COUNT] == list(map(str, table()[:, 0]))


@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_excels_line_about_the_separator_is_no_row(tmp_path: Path, headed: bool, encoding: str, separator: str) -> None:
    rows = [HEADER, *lines(table())] if headed else lines(table())
    text = "\r\n".join([f"sep={separator}", *(row.replace(",", separator) for row in rows)]) + "\r\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    data = load_data(tmp_path / "t.csv")
    assert len(data["all"]) == COUNT
    assert data.class_names == tuple("0123456789")


@pytest.mark.parametrize("label", [0, 64, 30])
@pytest.mark.parametrize("text", ["7", "007", "cat", "1000", "7.0"])
def test_labels_keep_their_text(tmp_path: Path, label: int, text: str) -> None:
    rows = [row.split(",") for row in lines(np.roll(table(), label, axis=1))]
    rows[20][label] = text
    (tmp_path / "t.csv").write_text("\n".join([HEADER, *map(",".join, rows)]) + "\n")
    pixels = tuple(i for i in range(65) if i != label)
    values, labels = read(tmp_path / "t.csv", Layout(",", True, label, pixels, (), (8, 8, 1), 65))
    assert labels[20] == text.removesuffix(".0")
    assert np.array_equal(np.delete(values, 20, 0), np.delete(np.array(rows)[:, list(pixels)], 20, 0).astype(float))


@pytest.mark.parametrize(("row", "message"), [("1,2,3", "row 31 has 3 fields"), ("1" + ",x" * 64, "row 31 holds no")])
@pytest.mark.parametrize("block", [1 << 22, 500])
def test_a_bad_row_is_named_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, message: str, block: int
) -> None:
    monkeypatch.setattr(pixel_rows, "_BLOCK", block)
    rows = lines(table())
    (tmp_path / "t.csv").write_text("\n".join([HEADER, *rows[:30], row, *rows[30:]]))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("quoted", [True, False])
def test_a_long_table_whose_beginning_ends_within_quotes_is_read(tmp_path: Path, quoted: bool) -> None:
    rows = [",".join(f'"{x}"' if quoted else x for x in row.split(",")) for row in lines(table(1000))]
    (tmp_path / "t.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    assert len(load_data(tmp_path / "t.csv")["all"]) == 1000
    names = "\n".join(f'"{n}.png","a ""long"" {"name " * 20}{n % 2}"' for n in range(2000))
    (tmp_path / "f.csv").write_text(f'"file","label"\n{names}\n')
    with pytest.raises(DataError, match=r"0\.png.*no such file"):
        load_data(tmp_path / "f.csv")


@pytest.mark.parametrize("name", ["emnist-letters-train.csv", "emnist-balanced-test.csv", "EMNIST_mine.csv"])
@pytest.mark.parametrize("named", [True, False])
def test_emnist_as_csv_is_turned_upright_and_named(tmp_path: Path, name: str, named: bool) -> None:
    rows = table()
    np.savetxt(tmp_path / name, rows, fmt="%d", delimiter=",")
    if named:
        codes = "\n".join(f"{number} {ord('A') + number}" for number in range(10))
        (tmp_path / f"{name.rpartition('-')[0]}-mapping.txt").write_text(codes)
    data = load_data(tmp_path / name)
    letters = named and not name.startswith("EMNIST")
    assert data.class_names == (tuple("ABCDEFGHIJ") if letters else tuple(map(str, range(10))))
    wanted = {x.reshape(8, 8).T.astype(np.uint8).tobytes() for x in rows[:, 1:]}
    assert {image.tobytes() for image in data["all"].images} == wanted
    assert any("on their side" in notice for notice in data.notices)
