"""Tables that name picture files and their labels, or hold the pictures: `.csv`, `.tsv`, `.jsonl`, `.parquet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.embedded import load_embedded
from imagewise.data.sources.tables.files import find_files
from imagewise.data.sources.tables.labels import read_labels
from imagewise.data.sources.tables.names import GROUP_NAMES
from imagewise.data.sources.tables.packed import holds_pictures
from imagewise.data.sources.tables.pixels.pixel_column import load_pixel_columns
from imagewise.data.sources.tables.pixels.pixel_table import load_pixels
from imagewise.data.sources.tables.roles import find_roles
from imagewise.data.sources.tables.split_column import read_splits
from imagewise.data.sources.tables.table import Table, read_table
from imagewise.data.splits import split_of_folder
from imagewise.errors import DataError


def load_table(path: Path, how: Reading) -> Dataset:
    """A table with a column of files, one of labels, and perhaps one of splits.

    The columns are found by the names that people use (`file`, `image_path`, `Filename`; `label`, `class`,
    `species`), or are named in `how.columns`. Paths are relative to the table. Labels are strings. Files that are
    missing or damaged are skipped and listed.

    Raises:
        DataError: nothing says which column is which, a row without file or label, an unknown split, several labels a
            picture, amounts instead of classes, a Parquet file without pyarrow; and as `load_pictures`.
    """
    if path.suffix.lower() == ".parquet" and holds_pictures(path):
        return load_embedded([path], path.stem, how)
    if path.suffix.lower() in (".csv", ".tsv", ".tab"):
        pixels = load_pixels(path.stem, [(path, "train")], how)
        pixels = pixels or load_pixel_columns(path.stem, [(path, None)], how)
        if pixels is not None:
            return pixels
    files, notices = files_of_table(path, how.columns)
    return load_pictures(path.stem, files, how, notices)


def files_of_table(
    path: Path,
    columns: Mapping[str, str] | None = None,
    split: SplitName | None = None,
    prefix: str = "",
    base: Path | None = None,
) -> tuple[list[PictureFile], list[str]]:
    """The labelled pictures that a table names, and what to tell the user.

    Args:
        split: that of all rows where the table has no column of splits.
        prefix: put before the pictures' names, as in "train/".
        base: the folder that paths are relative to; None for the table's.

    Raises:
        DataError: as `load_table`.
    """
    return files_of(read_table(path), columns, split, prefix, base)


def files_of(
    table: Table,
    columns: Mapping[str, str] | None = None,
    split: SplitName | None = None,
    prefix: str = "",
    base: Path | None = None,
) -> tuple[list[PictureFile], list[str]]:
    """As `files_of_table`, of a table that is read already."""
    path = table.path
    roles = find_roles(table, columns)
    texts = table.columns[roles.file]
    for number, text in enumerate(texts, start=1):
        if not text:
            raise DataError(f"{path}: row {number} has no {roles.file}. Fill it in, or remove the row.")
    labels, notices = read_labels(table, roles)
    splits: list[SplitName | None] = [split] * len(texts)
    guesses = [*table.guesses, *roles.guesses]
    if roles.split is not None:
        splits, told = read_splits(table, roles.split)
        notices = (*notices, *told)
    elif split is None and (by_folder := _splits_of_folders(texts)) is not None:
        splits = by_folder
        guesses.append("splits from the folders' names")
    found, how = find_files(path, texts, labels, base)
    groups = _groups(table.columns, columns)
    files = [
        PictureFile(place, prefix + name, label, side, group)
        for (place, name), label, side, group in zip(found, labels, splits, groups, strict=True)
        if label
    ]
    guesses += how
    told_all = [f"read {prefix}{path.name}: {', '.join(guesses)}."] if guesses else []
    return files, [*told_all, *notices]


def _groups(columns: Mapping[str, Sequence[str]], named: Mapping[str, str] | None) -> list[str | None]:
    """The group of each row, by the column that is named for it, else by one that is called like that."""
    chosen = (named or {}).get("group")
    for column, texts in columns.items():
        if column == chosen or (chosen is None and column.strip().lower().replace("_", "") in GROUP_NAMES):
            return [text or None for text in texts]
    return [None] * max(map(len, columns.values()), default=0)


def _splits_of_folders(texts: Sequence[str]) -> list[SplitName | None] | None:
    """The split of each path by its first folder (`train/0.png`), where all have one and they differ."""
    splits: list[SplitName | None] = []
    for text in texts:
        first, slash, _ = text.replace("\\", "/").removeprefix("./").partition("/")
        split = split_of_folder(first) if slash else None
        if split is None:
            return None
        splits.append(split)
    return splits if len(set(splits)) > 1 else None
