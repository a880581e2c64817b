"""Parquet with embedded pictures, written as Hugging Face's `datasets` writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, frame_file

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

Draw = Callable[..., Path]
Png = Callable[[int], bytes]
PHOTO = Framing("photo", 8, 8, 3)
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


@pytest.fixture
def png(tmp_path: Path, draw: Draw) -> Png:
    return lambda seed: draw(tmp_path / f"{seed}.png", seed=seed, size=(12, 10)).read_bytes()


def write(
    path: Path,
    pictures: list[Any],
    labels: list[Any],
    names: list[str] | None = None,
    *,
    columns: tuple[str, str] = ("image", "label"),
    rows_a_group: int = 1000,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = IMAGE if any(isinstance(picture, dict) for picture in pictures) else pa.binary()
    table = pa.table({columns[0]: pa.array(pictures, kind), columns[1]: labels})
    if names is not None:
        features = {columns[0]: {"_type": "Image"}, columns[1]: {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path, row_group_size=rows_a_group)
    return path


def test_pictures_and_the_names_of_their_classes_come_out_of_the_table(tmp_path: Path, png: Png) -> None:
    pictures = [{"bytes": png(seed), "path": f"{seed}.png"} for seed in range(30)]
    table = write(tmp_path / "pets.parquet", pictures, [n % 2 for n in range(30)], ["cat", "dog"], rows_a_group=7)
    data = load_data(table, framing=PHOTO, strict=True)
    assert (data.name, data.class_names, data.split_rule) == ("pets", ("cat", "dog"), SplitRule.CONTENT)
    everything = data["all"]
    assert everything.names is not None
    rows = {name: number for number, name in enumerate(everything.names)}
    for seed in range(30):
        number = rows[f"pets.parquet#{seed + 1}"]
        assert np.array_equal(everything.images[number], frame_file(png(seed), PHOTO))
        assert data.class_names[everything.labels[number]] == ("cat", "dog")[seed % 2]


@pytest.mark.parametrize("layout", ["{}-00000-of-00001", "data/{}-00000-of-00001-abc0123", "default/{}/0000"])
def test_the_layouts_of_the_hub_are_split_as_they_come(tmp_path: Path, png: Png, layout: str) -> None:
    for number, split in enumerate(["train", "validation", "test"]):
        pictures = [{"bytes": png(2 * number + k), "path": None} for k in range(2)]
        write(
            tmp_path / "pets" / f"{layout.format(split)}.parquet", pictures, ["cat", "dog"], columns=("img", "labels")
        )
    data = load_data(tmp_path / "pets", framing=PHOTO)
    assert (data.name, data.class_names, data.split_rule) == ("pets", ("cat", "dog"), SplitRule.GIVEN)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 2, "validation": 2, "test": 2}


def test_bytes_without_a_path_and_the_only_class_label_will_do(tmp_path: Path, png: Png) -> None:
    table = write(tmp_path / "x.parquet", [png(1), png(2)], [1, 0], ["a", "b"], columns=("photo", "animal"))
    assert load_data(table, framing=PHOTO).class_names == ("a", "b")


def test_the_framing_is_chosen_and_the_second_start_gives_the_same(tmp_path: Path, png: Png) -> None:
    table = write(tmp_path / "x.parquet", [{"bytes": png(s), "path": ""} for s in range(20)], ["a", "b"] * 10)
    first, second = load_data(table), load_data(table)
    assert first.framing == Framing("photo", 28, 28, 3)
    assert first.fingerprint == second.fingerprint


def test_rows_without_a_picture_and_damaged_ones_are_listed(tmp_path: Path, png: Png) -> None:
    pictures = [{"bytes": png(1), "path": ""}, {"bytes": None, "path": "far/away.png"}, None, {"bytes": b"<svg>"}]
    data = load_data(write(tmp_path / "x.parquet", pictures, ["a"] * 4), framing=PHOTO)
    assert [name for name, _ in data.skipped] == ["x.parquet#2", "x.parquet#3", "x.parquet#4"]
    assert data.skipped[0][1] == "its row holds no bytes, only the path far/away.png."
    with pytest.raises(DataError, match="3 of 4 pictures cannot be read"):
        load_data(tmp_path / "x.parquet", framing=PHOTO, strict=True)


@pytest.mark.parametrize(
    ("labels", "names", "columns", "message"),
    [
        (["a", None], None, ("image", "label"), "row 2 has no label"),
        ([0, -1], ["cat"], ("image", "label"), "row 2 has no label"),
        ([0, 5], ["cat"], ("image", "label"), "row 2 has the label 5, but only 1 are named"),
        (["a", "b"], None, ("image", "animal"), r"needs a column 'label', but has 'image', 'animal'\. Rename"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    tmp_path: Path, png: Png, labels: list[Any], names: list[str] | None, columns: tuple[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write(tmp_path / "x.parquet", [png(1), png(2)], labels, names, columns=columns), framing=PHOTO)


def test_a_table_that_is_cut_off_is_refused(tmp_path: Path, png: Png) -> None:
    table = write(tmp_path / "pets" / "train.parquet", [png(1), png(2)], ["a", "b"])
    table.write_bytes(table.read_bytes()[:-20])
    for source in (table, table.parent):
        with pytest.raises(DataError, match=r"train\.parquet: cannot be read as Parquet"):
            load_data(source)


@pytest.mark.parametrize("columns", [("photo", "animal"), ("label", "breed"), ("bytes", "y")])
def test_the_columns_of_pictures_and_labels_can_be_named(tmp_path: Path, png: Png, columns: tuple[str, str]) -> None:
    table = write(tmp_path / "x.parquet", [png(1), png(2)], ["a", "b"], columns=columns)
    named = dict(zip(("file", "label"), columns, strict=True))
    assert load_data(table, framing=PHOTO, columns=named).class_names == ("a", "b")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": "breed"}, "no column 'breed'"),
        ({"file": "label"}, "column 'label' without the bytes"),
        ({"split": "label"}, "not 'split'"),
    ],
)
def test_columns_that_a_table_of_pictures_lacks_are_refused(
    tmp_path: Path, png: Png, columns: dict[str, str], said: str
) -> None:
    table = write(tmp_path / "x.parquet", [png(1), png(2)], ["a", "b"])
    with pytest.raises(DataError, match=rf"x\.parquet: .*{said}"):
        load_data(table, framing=PHOTO, columns=columns)
