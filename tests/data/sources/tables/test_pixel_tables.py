"""Pictures as rows of pixels, as Kaggle and others hand them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset
from imagewise.data.loading import load_data
from imagewise.errors import DataError

COUNT = 40
LABELS = np.arange(COUNT) % 3 + 1


def pictures(pixels: int) -> NDArray[np.int64]:
    images = np.random.default_rng(1).integers(0, 256, (COUNT, pixels))
    images[:, [0, -1]] = 0
    return images


def write(path: Path, columns: list[Any], header: str | None, between: str = ",") -> Path:
    rows = [between.join(map(str, row)) for row in np.column_stack(columns).tolist()]
    path.write_text("\n".join([header.replace(",", between), *rows] if header else rows) + "\n")
    return path


def found(data: Dataset) -> set[tuple[str, bytes]]:
    everything = data["all"]
    return {(data.class_names[y], x.tobytes()) for x, y in zip(everything.images, everything.labels, strict=True)}


def wanted(images: NDArray[np.int64]) -> set[tuple[str, bytes]]:
    return {(str(y), x.astype(np.uint8).tobytes()) for x, y in zip(images, LABELS, strict=True)}


def numbered(count: int, word: str = "pixel") -> str:
    return ",".join(f"{word}{n}" for n in range(count))


@pytest.mark.parametrize(("pixels", "shape"), [(784, (28, 28, 1)), (64, (8, 8, 1)), (192, (8, 8, 3))])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_rows_of_pixels_are_pictures(
    tmp_path: Path, pixels: int, shape: tuple[int, int, int], last: bool, headed: bool, between: str
) -> None:
    images = pictures(pixels)
    header = f"{numbered(pixels)},label" if last else f"label,{numbered(pixels)}"
    columns = [images, LABELS] if last else [LABELS, images]
    data = load_data(write(tmp_path / "digits.csv", columns, header if headed else None, between))
    assert (data.class_names, data.shape) == (("1", "2", "3"), shape)
    assert found(data) == wanted(images)
    assert any("digits.csv" in notice for notice in data.notices)


@pytest.mark.parametrize("header", ["1x1,1x2,1x3", "row", "number"])
def test_pixels_by_their_numbers_or_their_order(tmp_path: Path, header: str) -> None:
    images = pictures(64)
    order = np.argsort([str(n) for n in range(64)])
    names = {
        "1x1,1x2,1x3": [f"{n // 8 + 1}x{n % 8 + 1}" for n in range(64)],
        "row": [f"pixel{n}" for n in order],
        "number": [str(n) for n in range(64)],
    }[header]
    mixed = images[:, order] if header == "row" else images
    table = write(tmp_path / "d.csv", [LABELS, mixed], ",".join(["class", *names]))
    assert found(load_data(table)) == wanted(images)


def test_fractions_of_one_and_labels_in_words_are_read(tmp_path: Path) -> None:
    images = pictures(64)
    images[0, 5] = 255
    table = write(tmp_path / "d.csv", [images / 255, np.array(["a", "b", "c"])[LABELS - 1]], None)
    assert {x for _, x in found(load_data(table))} == {x for _, x in wanted(images)}
    assert load_data(table).class_names == ("a", "b", "c")


@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize("pixels", [784, 64, 192])
def test_pixels_without_labels_are_refused_in_a_short_line(tmp_path: Path, headed: bool, pixels: int) -> None:
    table = write(tmp_path / "test.csv", [pictures(pixels)], numbered(pixels) if headed else None)
    with pytest.raises(DataError, match=rf"test\.csv: holds {pixels} columns of pixels.*no labels") as refusal:
        load_data(table)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("value", "word"), [("300", "300"), ("-1", "-1"), ("x", "row 30 holds no numbers"), ("nan", "nan")]
)
def test_values_that_are_no_pixels_are_refused(tmp_path: Path, value: str, word: str) -> None:
    images = pictures(64).astype(object)
    images[29, 30] = value
    with pytest.raises(DataError, match=word):
        load_data(write(tmp_path / "d.csv", [LABELS, images], f"label,{numbered(64)}"))


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("mnist_train.csv", "mnist_test.csv")])
@pytest.mark.parametrize("labelled", [True, False])
def test_a_folder_of_such_tables_is_split(tmp_path: Path, names: tuple[str, str], labelled: bool) -> None:
    images = pictures(64)
    write(tmp_path / names[0], [LABELS, images], f"label,{numbered(64)}")
    write(tmp_path / names[1], [LABELS, images] if labelled else [images], f"{'label,' * labelled}{numbered(64)}")
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    data = load_data(tmp_path)
    assert len(data["all"]) == (2 * COUNT if labelled else COUNT)
    assert any(f"left out {names[1]}" in notice for notice in data.notices) == (not labelled)


@pytest.mark.parametrize("count", [50, 700, 785])
def test_a_message_never_lists_hundreds_of_columns(tmp_path: Path, count: int) -> None:
    (tmp_path / "t.csv").write_text(f"{numbered(count, 'word')}\n{','.join(['hello'] * count)}\n")
    with pytest.raises(DataError, match=f"and {count - 3} more") as refusal:
        load_data(tmp_path / "t.csv")
    assert len(str(refusal.value)) < 500
