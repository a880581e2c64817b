"""The table of an audit, applied to a data set: labels change, pictures are left out, and mistakes are named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagewise.data.corrections.applying import apply_corrections, pixel_digest
from imagewise.data.corrections.table import COLUMNS, read_corrections, table_text
from imagewise.data.dataset import Dataset
from imagewise.errors import DataError


@pytest.fixture
def named(tiny_dataset: Dataset) -> Dataset:
    """The tiny set as if its pictures were files."""
    splits = {
        name: replace(split, names=[f"{name}/{i}.png" for i in range(len(split))])
        for name, split in tiny_dataset.splits.items()
    }
    return replace(tiny_dataset, splits=splits)


def row(path: str, label: str, action: str, suggestion: str = "", pixels: str = "") -> dict[str, object]:
    given = {"path": path, "label": label, "action": action, "suggestion": suggestion, "pixels": pixels}
    return {column: given.get(column, "") for column in COLUMNS}


def written(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "audit.csv"
    path.write_text(table_text(rows), "utf-8")
    return path


def applied(dataset: Dataset, folder: Path, *rows: dict[str, object]) -> Dataset:
    return apply_corrections(dataset, read_corrections(written(folder, *rows)))


def test_labels_are_changed_and_pictures_are_left_out_and_the_rest_stays(named: Dataset, tmp_path: Path) -> None:
    found = applied(
        named,
        tmp_path,
        row("train/0.png", "bottom", "relabel", "top"),
        row("train/4.png", "middle", "drop"),
        row("test/2.png", "top", "keep", "bottom"),
    )
    train = found["train"]
    assert (len(train), len(found["test"])) == (89, 45)
    assert found.class_names[train.labels[0]] == "top"
    assert train.names is not None
    assert "train/4.png" not in train.names
    kept = np.delete(np.arange(90), 4)
    assert np.array_equal(train.images, named["train"].images[kept])
    assert np.array_equal(train.labels[1:], named["train"].labels[kept[1:]])
    assert np.array_equal(found["test"].labels, named["test"].labels)
    assert named["train"].labels[0] == 0  # what came in is left alone
    assert found.notices[-1].startswith("1 picture relabelled, 1 left out, by ")
    assert found.fingerprint != named.fingerprint


def test_a_table_with_nothing_but_keep_changes_nothing(named: Dataset, tmp_path: Path) -> None:
    found = applied(named, tmp_path, row("train/0.png", "bottom", "keep", "top"), row("train/1.png", "middle", ""))
    assert found.fingerprint == named.fingerprint


def test_pictures_without_files_go_by_their_number_and_are_checked_by_their_pixels(
    tiny_dataset: Dataset, tmp_path: Path
) -> None:
    digest = pixel_digest(tiny_dataset["test"], 7)
    found = applied(tiny_dataset, tmp_path, row("test/7", "middle", "drop", pixels=digest))
    assert np.array_equal(found["test"].images, np.delete(tiny_dataset["test"].images, 7, axis=0))
    with pytest.raises(DataError, match=r"line 2: test/10 is another picture in tiny.*Audit this data again"):
        applied(tiny_dataset, tmp_path, row("test/10", "middle", "drop", pixels=digest))


def test_a_picture_that_is_dropped_for_one_reason_is_dropped_whatever_the_others_say(
    named: Dataset, tmp_path: Path
) -> None:
    rows = [row("train/0.png", "bottom", action, "top") for action in ("relabel", "drop", "keep")]
    assert len(applied(named, tmp_path, *rows)["train"]) == 89


def test_a_table_that_a_spreadsheet_saved_is_read(named: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    path.write_bytes(b"\xef\xbb\xbfpath;label;suggestion;action\r\ntrain/0.png;bottom;top; Relabel \r\n")
    assert apply_corrections(named, read_corrections(path))["train"].labels[0] == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row("train/0.png", "bottom", "delete")],
            r"audit\.csv, line 2: unknown action 'delete'.*keep, relabel",
        ),
        ([row("train/0.png", "bottom", "relable", "top")], "Did you mean 'relabel'"),
        ([row("train/900.png", "bottom", "drop")], r"line 2: tiny has no picture 'train/900\.png'.*remove the line"),
        ([row("train/0.png", "bottom", "relabel", "topp")], "no class 'topp'.*Did you mean 'top'"),
        ([row("train/0.png", "bottom", "relabel")], "line 2: relabel, but the column suggestion is empty"),
        ([row("train/0.png", "middle", "drop")], r"line 2: train/0\.png is of class 'bottom' in tiny, not 'middle'"),
        (
            [row("train/0.png", "bottom", "relabel", label) for label in ("top", "middle")],
            "relabelled as 'top' in line 2 and as 'middle' in line 3",
        ),
        ([row(f"train/{i}.png", "bottom", "drop") for i in range(0, 90, 3)], "no training picture of 'bottom'"),
        ([row(f"validation/{i}.png", ("bottom", "middle", "top")[i % 3], "drop") for i in range(30)], "of validation"),
    ],
    ids=[
        "unknown",
        "misspelt",
        "picture",
        "class",
        "no label",
        "other label",
        "two labels",
        "class lost",
        "split lost",
    ],
)
def test_a_row_that_cannot_be_carried_out_is_refused_with_its_line(
    named: Dataset, tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        applied(named, tmp_path, *rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read .*Name the CSV file that `imagewise audit` wrote"),
        (b"a,b\n1,2\n", "lacks the columns path, label, suggestion, action"),
        (b"", "lacks the columns"),
        ("path,label,suggestion,action\nä,x,,drop\n".encode("latin-1"), "is not UTF-8"),
    ],
    ids=["missing", "other table", "empty", "encoding"],
)
def test_a_file_that_is_no_table_of_an_audit_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "audit.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"{re.escape(str(path))}.*{message}"):
        read_corrections(path)


def test_names_that_are_no_text_are_found_again(tiny_dataset: Dataset, tmp_path: Path) -> None:
    train = tiny_dataset["train"]
    names = [f"caf\udce9{i}.png" for i in range(len(train))]
    dataset = replace(tiny_dataset, splits={"train": replace(train, names=names)})
    found = applied(dataset, tmp_path, row(r"caf\udce90.png", "bottom", "drop"))
    assert len(found["train"]) == 89
