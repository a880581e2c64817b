"""Tables that name picture files and their labels: `.csv` or `.parquet`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imagewise.dataset import Dataset, SplitName
from imagewise.errors import DataError
from imagewise.picture import Framing
from imagewise.sources.download import Progress
from imagewise.sources.embedded import embedded_column, load_embedded
from imagewise.sources.picture_file import PictureFile
from imagewise.sources.pictures import load_pictures
from imagewise.sources.splits import SPLIT_NAMES

TABLE_NAMES = ("labels.csv", "metadata.csv")  # a folder that holds one of these is such a table
_FILE_COLUMNS = ("file", "file_name", "path")


def load_table(
    table: Path,
    framing: Framing | None,
    *,
    strict: bool = False,
    name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """A table with the columns `file` (or `file_name`, `path`) and `label`, and perhaps `split`.

    Paths are relative to the table. Labels are strings. Files that are missing or damaged are skipped and
    listed.

    Raises:
        DataError: columns missing, a row without file or label, an unknown split, a Parquet file without
        pyarrow;
            and as `load_pictures`.
    """
    if table.suffix.lower() == ".parquet" and _holds_pictures(table):
        return load_embedded([table], name or table.stem, framing, strict=strict, progress=progress)
    rows = _read_parquet(table) if table.suffix.lower() == ".parquet" else _read_csv(table)
    file_column = next((column for column in _FILE_COLUMNS if column in rows), None)
    if file_column is None or "label" not in rows:
        raise DataError(
            f"{table}: needs a column 'file' (or 'file_name', 'path') and a column 'label', but has "
            f"{', '.join(map(repr, rows)) or 'no columns'}. Rename its columns."
        )
    paths = _texts(table, file_column, rows[file_column])
    labels = _texts(table, "label", rows["label"])
    splits = _splits(table, rows["split"]) if "split" in rows else [None] * len(paths)
    files = [
        PictureFile(str(table.parent / path), path, label, split)
        for path, label, split in zip(paths, labels, splits, strict=True)
    ]
    return load_pictures(name or table.stem, files, framing, strict=strict, progress=progress)


def _read_csv(table: Path) -> dict[str, list[Any]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:  # -sig: Excel writes a byte order mark
            reader = csv.reader(file, strict=True)
            header = [column.strip().lower() for column in next(reader, [])]
            rows = [row for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: cannot be read as CSV ({error}). Save it as CSV in UTF-8.") from error
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise DataError(
                f"{table}: row {number} has {len(row)} fields, the header has {len(header)}. Columns are "
                "separated by commas; put quotes around a field that holds one."
            )
    return {column: [row[i] for row in rows] for i, column in enumerate(header)}


def load_parquet_folder(
    folder: Path, framing: Framing | None, *, strict: bool = False, progress: Progress | None = None
) -> Dataset | None:
    """A folder that holds Parquet files with embedded pictures, itself or in folders (`data/train-...parquet`,
    `train/0000.parquet`); None where it does not."""
    tables = sorted(path for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}.parquet"))
    if not tables or not _holds_pictures(tables[0]):
        return None
    return load_embedded(tables, folder.resolve().name, framing, strict=strict, progress=progress)


def _holds_pictures(table: Path) -> bool:
    try:
        import pyarrow.parquet  # noqa: F401 - whether it is there
    except ImportError as error:
        raise DataError(
            f"{table}: reading Parquet needs pyarrow. Install it with: pip install 'imagewise[tables]'"
        ) from error
    try:
        return embedded_column(table) is not None
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DataError(f"{table}: cannot be read as Parquet ({error}). Write the file again.") from error


def _read_parquet(table: Path) -> dict[str, list[Any]]:
    import pyarrow.parquet as parquet

    try:
        schema = parquet.read_schema(table)
        wanted = [c for c in schema.names if c.strip().lower() in (*_FILE_COLUMNS, "label", "split")]
        content: Mapping[str, list[Any]] = parquet.read_table(table, columns=wanted).to_pydict()
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DataError(f"{table}: cannot be read as Parquet ({error}). Write the file again.") from error
    return {column.strip().lower(): content.get(column, []) for column in schema.names}


def _texts(table: Path, column: str, values: Sequence[Any]) -> list[str]:
    texts = ["" if value is None else str(value).strip() for value in values]
    for number, text in enumerate(texts, start=1):
        if not text:
            raise DataError(f"{table}: row {number} has no {column}. Fill it in, or remove the row.")
    return texts


def _splits(table: Path, values: Sequence[Any]) -> list[SplitName | None]:
    splits: list[SplitName | None] = []
    for number, text in enumerate(_texts(table, "split", values), start=1):
        if text.lower() not in SPLIT_NAMES:
            raise DataError(
                f"{table}: row {number} names the split {text!r}. The splits are train, validation and test."
            )
        splits.append(SPLIT_NAMES[text.lower()])
    return splits
