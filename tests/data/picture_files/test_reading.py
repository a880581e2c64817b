"""What a caller asks of a set reaches every source: what a source cannot do, it refuses."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data, open_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Draw = Callable[..., Path]
PHOTO = Framing("photo", 8, 8, 3)
IMAGES, LABELS = np.zeros((12, 8, 8, 3), dtype=np.uint8), np.arange(12) % 2
COLUMNS = {"label": "breed"}


def pets(root: Path, draw: Draw) -> Path:
    """Six pictures a class; `a_0.png` to `c_1.png`."""
    for number in range(12):
        name = f"{'abc'[number // 2 % 3]}_{number % 2}.png"
        draw(root / "pets" / ("cat" if number < 6 else "dog") / name, seed=number, size=(9, 9))
    return root / "pets"


def npz(root: Path, _: Draw) -> Path:
    np.savez(root / "a.npz", images=IMAGES, labels=LABELS)
    return root / "a.npz"


def tar(root: Path, draw: Draw) -> Path:
    (root / "0.cls").write_text("cat")
    with tarfile.open(root / "a.tar", "w") as archive:
        archive.add(draw(root / "0.png", seed=1, size=(9, 9)), "0.png")
        archive.add(root / "0.cls", "0.cls")
    return root / "a.tar"


def packed(root: Path, draw: Draw) -> Path:
    return Path(shutil.make_archive(str(root / "packed"), "zip", root_dir=pets(root, draw)))


def files(root: Path, draw: Draw) -> tuple[list[Path], list[str]]:
    paths = sorted(pets(root, draw).glob("*/*.png"))
    return paths, [path.parent.name for path in paths]


def pixels(root: Path, _: Draw) -> Path:
    header = ",".join(["label", *(f"pixel{n}" for n in range(64))])
    rows = "\n".join(",".join(map(str, [n % 2, *range(n, n + 64)])) for n in range(12))
    (root / "train.csv").write_text(f"{header}\n{rows}\n")
    return root / "train.csv"


@pytest.mark.parametrize(
    "source",
    [
        pets,
        npz,
        tar,
        packed,
        files,
        lambda *_: "digits",
        lambda *_: (IMAGES, LABELS),
        lambda *_: {"images": IMAGES, "labels": LABELS},
        lambda *_: (list(IMAGES), LABELS),
    ],
)
def test_columns_are_refused_where_there_is_no_table(tmp_path: Path, draw: Draw, source: Callable[..., Any]) -> None:
    made = source(tmp_path, draw)
    with pytest.raises(DataError, match="columns= names the columns of a table"):
        load_data(made, columns=COLUMNS)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": "breed"}, "has no column 'breed'"),
        ({"label": "labels"}, "has no column 'labels'.*'label'"),
        ({"split": "pixel3"}, "may name 'label' only"),
        ({"sort": "label"}, "'sort' is no role"),
    ],
)
def test_a_column_that_a_pixel_table_lacks_is_refused(
    tmp_path: Path, draw: Draw, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        load_data(pixels(tmp_path, draw), columns=columns)


@pytest.mark.parametrize(
    "source",
    [
        npz,
        pixels,
        lambda *_: "digits",
        lambda *_: (IMAGES, LABELS),
        lambda *_: {"images": IMAGES, "labels": LABELS},
        lambda *_: (list(IMAGES), LABELS),
    ],
)
def test_groups_by_name_are_refused_for_arrays(tmp_path: Path, draw: Draw, source: Callable[..., Any]) -> None:
    made = source(tmp_path, draw)
    with pytest.raises(DataError, match="--group-by needs picture files"):
        load_data(made, group_by="^[^_]+")


def _as_table(root: Path, draw: Draw) -> Any:
    paths, labels = files(root, draw)

    class Table:
        columns = ("file", "label")

        def __getitem__(self, name: str) -> list[str]:
            return {"file": [str(path) for path in paths], "label": labels}[name]

    return Table()


@pytest.mark.parametrize("source", [pets, packed, files, _as_table])
def test_groups_by_name_and_near_copies_reach_every_source_of_files(
    tmp_path: Path, draw: Draw, source: Callable[..., Any]
) -> None:
    made = source(tmp_path, draw)
    grouped = load_data(made, framing=PHOTO, group_by="^[^_]+")
    assert (grouped.split_rule, grouped.group_by) == (SplitRule.GROUPS, "^[^_]+")
    assert [load_data(made, framing=PHOTO, near_copies=near).near_copies for near in (True, False)] == [True, False]


@pytest.mark.parametrize("name", ["a.docx", "a.txt", "a"])
def test_the_kinds_of_files_that_are_read_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(DataError) as refusal:
        open_data(tmp_path / name)
    assert all(f"{kind}" in str(refusal.value) for kind in (".npz", ".tsv", ".jsonl", ".parquet", ".zip", ".tar.gz"))
