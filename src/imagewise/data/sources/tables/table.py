"""A table of any kind as columns of text: `.csv`, `.tsv`, `.jsonl`, `.json` or `.parquet`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewise.data.sources.tables.names import is_known, is_picture_name
from imagewise.data.sources.tables.text import read_text, rows_of
from imagewise.errors import DataError

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet")
_SHOWN = 20  # rows that a message names
_FEW_BAD = 0.1  # share of bad rows up to which a text is a table
_HEAD_ROWS = 1000
_LINES = (".jsonl", ".ndjson")  # an object a line


@dataclass(frozen=True)
class Table:
    """Columns of text, all of the same length.

    Attributes:
        path: of the file.
        columns: by their names as the header writes them; `column 1` and so on where there is no header.
        headed: whether there is a header.
        guesses: what was guessed, for the user.
    """

    path: Path
    columns: Mapping[str, Sequence[str]]
    headed: bool = True
    guesses: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def read_table(path: Path) -> Table:
    """The whole table.

    Raises:
        DataError: it cannot be read, two columns have the same name, a row has another number of fields than the
            header; a Parquet file without pyarrow.
    """
    match path.suffix.lower():
        case ".parquet":
            return Table(path, _of_parquet(path))
        case ".jsonl" | ".ndjson" | ".json":
            return Table(path, _of_json(path))
        case _:
            return _of_text(path)


def head_of_table(path: Path, most: int) -> Table | None:
    """The beginning of a table, to tell its kind by, without rows of another number of fields if they are few; None
    where it makes no table."""
    try:
        if path.suffix.lower() in (*_LINES, ".json"):
            return Table(path, _of_json(path))
        if path.suffix.lower() == ".parquet":
            return Table(path, _of_parquet(path, _HEAD_ROWS))
        text = read_text(path, most)
        rows = rows_of(path, text)
        return _table(path, rows[:-1] if len(rows) > 2 and path.stat().st_size > most else rows, text.guesses, _FEW_BAD)
    except (DataError, OSError, ImportError):
        return None


def _of_text(path: Path) -> Table:
    text = read_text(path)
    return _table(path, rows_of(path, text), text.guesses)


def _table(path: Path, rows: list[list[str]], guesses: tuple[str, ...], few: float = 0.0) -> Table:
    """The table of rows. Those of another number of fields than the header are left out where they are at most this
    share, refused otherwise."""
    headed = bool(rows) and not _is_data(rows[0])
    if not rows or headed:
        header, rows = (rows[0], rows[1:]) if rows else ([], [])
    else:
        header = [f"column {number}" for number in range(1, len(rows[0]) + 1)]
        guesses = (*guesses, "no header")
    header = _trimmed(header, rows)
    twice = [name for name, count in Counter(name.lower() for name in header).items() if count > 1]
    if twice:
        raise DataError(f"{path}: two columns are called {twice[0]!r}. Rename or remove one of them.")
    bad = [n for n, row in enumerate(rows, start=1) if len(row) < len(header) or any(row[len(header) :])]
    if len(bad) > few * len(rows):
        others = f" Rows {', '.join(map(str, bad[1:_SHOWN]))}" if len(bad) > 2 else f" Row {bad[-1]}"
        more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        differ = f"{others}{more} differ{'s' if len(bad) == 2 else ''}, too." if len(bad) > 1 else ""
        raise DataError(
            f"{path}: row {bad[0]} has {_fields(len(rows[bad[0] - 1]))}, the header has {len(header)}.{differ} Put "
            "quotes around a field that holds a separator."
        )
    left = set(bad)
    rows = [row for number, row in enumerate(rows, start=1) if number not in left]
    return Table(path, {name: [row[i] for row in rows] for i, name in enumerate(header)}, headed, guesses)


def _is_data(first: Sequence[str]) -> bool:
    """Whether the first row is no header: it names a picture file, and no column by a name that people use."""
    return any(map(is_picture_name, first)) and not any(map(is_known, first))


def _trimmed(header: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header without empty columns at its end, as Excel leaves them; other columns without a name get one."""
    width = len(header)
    while width and not header[width - 1] and not any(len(row) >= width and row[width - 1] for row in rows):
        width -= 1
    return [name or f"column {number}" for number, name in enumerate(header[:width], start=1)]


def _fields(count: int) -> str:
    return f"{count} field" if count == 1 else f"{count} fields"


def _of_json(path: Path) -> dict[str, list[str]]:
    """A list of flat objects, or an object a line. What is nested is left alone."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if path.suffix.lower() in _LINES:
            records = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            records = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}). Write the file again.") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{path}: is no list of records with a file and a label each. Save the table as CSV.")
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [_text(record.get(name)) for record in records] for name in names}
    nested = {name for name in names if any(isinstance(record.get(name), dict) for record in records)}
    return {name: column for name, column in columns.items() if name not in nested}


def _of_parquet(path: Path, most: int | None = None) -> dict[str, list[str]]:
    """The columns, or the first `most` rows of them."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        schema = parquet.read_schema(path)
        simple = [f.name for f in schema if not pa.types.is_nested(f.type) and not pa.types.is_binary(f.type)]
        if most is None:
            content: Mapping[str, list[Any]] = parquet.read_table(path, columns=simple).to_pydict()
        else:
            with parquet.ParquetFile(path) as file:
                batch = next(file.iter_batches(most, columns=simple), None)
                content = batch.to_pydict() if batch is not None else {}
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DataError(f"{path}: cannot be read as Parquet ({error}). Write the file again.") from error
    return {name: [_text(value) for value in values] for name, values in content.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value).strip()
