"""Tables with a picture in each field of a column, as FER2013 has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError

COUNT = 40
EMOTIONS = [number % 7 for number in range(COUNT)]
USAGES = ["Training"] * 24 + ["PublicTest"] * 8 + ["PrivateTest"] * 8
HEADERS = ["emotion,pixels,Usage", "emotion, Usage, pixels", "Usage,pixels,emotion"]


def faces(size: int = 48 * 48) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (COUNT, size), dtype=np.uint8)


def write(path: Path, header: str, *, pixels: list[str] | None = None, between: str = ",") -> Path:
    pixels = pixels or [" ".join(map(str, face)) for face in faces().tolist()]
    fields = {"emotion": list(map(str, EMOTIONS)), "pixels": pixels, "Usage": USAGES}
    columns = [fields.get(name.strip(), EMOTIONS) for name in header.split(",")]
    quoted = [[f'"{x}"' if between in str(x) else str(x) for x in column] for column in columns]
    rows = [between.join(row) for row in zip(*quoted, strict=True)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header.replace(",", between), *rows]) + "\n")
    return path


def found(data: Dataset) -> set[tuple[str, bytes]]:
    everything = data["all"]
    return {(data.class_names[y], x.tobytes()) for x, y in zip(everything.images, everything.labels, strict=True)}


def wanted(pictures: NDArray[np.uint8]) -> set[tuple[str, bytes]]:
    return {(str(label), picture.tobytes()) for label, picture in zip(EMOTIONS, pictures, strict=True)}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("place", ["fer2013.csv", "fer2013/icml_face_data.csv"])
def test_fer2013_is_read_with_its_splits(tmp_path: Path, header: str, between: str, place: str) -> None:
    table = write(tmp_path / place, header, between=between)
    data = load_data(table if table.parent == tmp_path else tmp_path)
    assert (data.shape, data.class_names) == ((48, 48, 1), tuple("0123456"))
    assert data.split_rule == SplitRule.GIVEN
    assert {split: len(part) for split, part in data.splits.items()} == {"train": 24, "validation": 8, "test": 8}
    assert np.array_equal(data["test"].images.reshape(8, -1), faces()[32:])
    assert found(data) == wanted(faces())
    assert any(table.name in notice and "pixels" in notice for notice in data.notices)


@pytest.mark.parametrize(
    "form", ["{}", "[{}]", "[{},]", " {} "], ids=["bare", "brackets", "a comma at the end", "spaces around"]
)
@pytest.mark.parametrize("between", [" ", ", ", "  "])
@pytest.mark.parametrize("size", [64, 192, 225])
def test_numbers_are_written_in_several_ways(tmp_path: Path, form: str, between: str, size: int) -> None:
    pictures = faces(size)
    pixels = [form.format(between.join(map(str, face))) for face in pictures.tolist()]
    data = load_data(write(tmp_path / "t.csv", "emotion,pixels", pixels=pixels))
    side = int((size / (3 if size == 192 else 1)) ** 0.5)
    assert data.shape == (side, side, 3 if size == 192 else 1)
    assert data.split_rule == SplitRule.CONTENT
    assert found(data) == wanted(pictures)


@pytest.mark.parametrize("side", [100, 200])
def test_a_row_may_be_longer_than_what_is_looked_at_first(tmp_path: Path, side: int) -> None:
    pictures = faces(side * side)
    pixels = [" ".join(map(str, face)) for face in pictures.tolist()]
    assert found(load_data(write(tmp_path / "t.csv", "emotion,pixels", pixels=pixels))) == wanted(pictures)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_excels_line_about_the_separator_is_no_header(tmp_path: Path, separator: str) -> None:
    table = write(tmp_path / "t.csv", "emotion,pixels,Usage", between=separator)
    table.write_text(f"sep={separator}\n{table.read_text()}")
    assert found(load_data(table)) == wanted(faces())


def test_fractions_of_one_are_read(tmp_path: Path) -> None:
    pixels = [" ".join(map(str, (face / 255).tolist())) for face in faces(64)]
    assert found(load_data(write(tmp_path / "t.csv", "emotion,pixels", pixels=pixels))) == wanted(faces(64))


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("Training.csv", "PublicTest.csv", "PrivateTest.csv")])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_table_for_each_split(tmp_path: Path, names: tuple[str, ...], labelled: bool) -> None:
    write(tmp_path / names[0], "emotion,pixels")
    for name in names[1:]:
        write(tmp_path / name, "emotion,pixels" if labelled else "pixels")
    (tmp_path / "example_submission.csv").write_text("emotion\n1\n2\n")
    data = load_data(tmp_path)
    assert len(data["all"]) == (COUNT * len(names) if labelled else COUNT)
    assert ("test" in data.splits) == (not labelled or "test" in names[-1].lower())
    assert sum("it has no labels" in notice for notice in data.notices) == (0 if labelled else len(names) - 1)


def test_the_label_is_chosen_where_nothing_says_it(tmp_path: Path) -> None:
    table = write(tmp_path / "age_gender.csv", "age,ethnicity,gender,pixels")
    with pytest.raises(DataError, match=r"age_gender\.csv: nothing says.*'age'.*--columns label=age"):
        load_data(table)
    assert found(load_data(table, columns={"label": "gender"})) == wanted(faces())
    with pytest.raises(DataError, match="'label' and 'split' only, not 'file'"):
        load_data(table, columns={"label": "gender", "file": "age"})
    with pytest.raises(DataError, match="--group-by"):
        load_data(table, group_by="x")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1 2 3", "row {} holds no picture of 64 numbers"),
        ("x " * 64, "row {} holds no picture"),
        ("", "row {} holds no picture"),
        ("300 " * 64, "to 300"),
        ("-1 " * 64, "from -1"),
    ],
)
@pytest.mark.parametrize("number", [1, 3, 21])
def test_a_field_that_is_no_picture_is_named_by_its_row(tmp_path: Path, row: str, message: str, number: int) -> None:
    pixels = [" ".join(map(str, face)) for face in faces(64).tolist()]
    pixels[number - 1] = row
    with pytest.raises(DataError, match=rf"t\.csv: .*{message.format(number)}"):
        load_data(write(tmp_path / "t.csv", "emotion,pixels", pixels=pixels))


@pytest.mark.parametrize(("change", "message"), [(",5\n", "row 41 has 2 fields"), (",,\n", "row 41 has")])
def test_a_row_that_is_cut_or_unlabelled_is_named(tmp_path: Path, change: str, message: str) -> None:
    table = write(tmp_path / "t.csv", "emotion,Usage,pixels")
    table.write_text(table.read_text() + "1" + change if change == ",5\n" else table.read_text() + "1,x" + change)
    with pytest.raises(DataError, match=message):
        load_data(table)


@pytest.mark.parametrize("header", ["pixels", "pixels,Usage"])
def test_pictures_without_labels_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match=r"t\.csv: .*label"):
        load_data(write(tmp_path / "t.csv", header))


@pytest.mark.parametrize("column", ["embedding", "features", "keypoints"])
def test_numbers_about_a_picture_in_a_file_are_no_picture(tmp_path: Path, column: str) -> None:
    numbers = " ".join(["0.5"] * 64)
    rows = "".join(f"{n}.png,{n % 2},{numbers}\n" for n in range(4))
    (tmp_path / "t.csv").write_text(f"file,label,{column}\n{rows}")
    with pytest.raises(DataError, match=r"0\.png.*no such file"):
        load_data(tmp_path / "t.csv")
