"""Parquet with embedded pictures, as Hugging Face writes it: a column of {bytes, path}, and one of labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.splits import split_of_name
from imagewise.errors import DataError, PictureError

_ROWS_AT_A_TIME = 32  # pictures in memory at once
_LABELS = ("label", "labels")


class _Pictures:
    """The picture column of one file, read from first to last; going back begins again."""

    def __init__(self, file: Path, column: str) -> None:
        import pyarrow.parquet as parquet

        self.file, self._column = str(file), column
        # without a buffer of its own size and with pre_buffer a whole row group, often all pictures, comes to memory
        self._parquet = parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**16)
        metadata = self._parquet.metadata
        self._sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
        self._rows: Iterator[Any] = iter(())
        self._next = -1

    def read(self, row: int) -> Any:
        """{bytes, path} or bytes of a row, None where it is empty."""
        group, first = self._group_of(row)
        if not self._next <= row or self._next < first:
            self._rows, self._next = self._from(group), first
        for _ in range(row - self._next):
            next(self._rows)
        self._next = row + 1
        return next(self._rows).as_py()

    def _group_of(self, row: int) -> tuple[int, int]:
        first = 0
        for number, size in enumerate(self._sizes):
            if row < first + size:
                return number, first
            first += size
        raise IndexError(row)

    def _from(self, group: int) -> Iterator[Any]:
        groups = list(range(group, len(self._sizes)))
        for batch in self._parquet.iter_batches(_ROWS_AT_A_TIME, row_groups=groups, columns=[self._column]):
            yield from batch.column(0)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A picture in a row; a `Packed`."""

    pictures: _Pictures
    row: int

    @property
    def archive(self) -> str:
        return self.pictures.file

    def read(self) -> bytes:
        try:
            value = self.pictures.read(self.row)
        except (OSError, ValueError, StopIteration) as error:  # pyarrow's own errors are of these kinds
            raise PictureError(None, f"its row cannot be read ({error})", "Write the table again.") from error
        content = value.get("bytes") if isinstance(value, dict) else value
        if not content:
            path = value.get("path") if isinstance(value, dict) else None
            raise PictureError(None, f"its row holds no bytes{f', only the path {path}' if path else ''}")
        return bytes(content)


def embedded_column(table: Path) -> str | None:
    """The column that holds pictures, if one does. Raises what pyarrow raises."""
    import pyarrow.parquet as parquet

    return next((str(field.name) for field in parquet.read_schema(table) if _holds_bytes(field.type)), None)


def _holds_bytes(kind: Any) -> bool:
    """Whether a column's type is bytes, or {bytes, path}."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0 and pa.types.is_binary(kind.field("bytes").type))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def load_embedded(tables: list[Path], name: str, how: Reading) -> Dataset:
    """Parquet files with embedded pictures; only a few rows are in memory at a time.

    The pictures are in the first column that holds `{bytes, path}` or bytes, the labels in `label` or `labels`, or in
    the only column that Hugging Face's metadata calls a ClassLabel, whose names are used; `how.columns` may name both,
    as "file" and "label". Splits go by the files' names (`train-00000-of-00002.parquet`), or by those of their folders,
    where all have one.

    Raises:
        DataError: no such columns, columns for anything else, a row without a label, a damaged file; and as
            `load_pictures`.
    """
    splits = [split_of_name(table.stem) or split_of_name(table.parent.name) for table in tables]
    if None in splits or len(tables) == 1:
        splits = [None] * len(tables)
    files: list[PictureFile] = []
    for table, split in zip(tables, splits, strict=True):
        try:
            files += _pictures(table, split, how.columns)
        except (OSError, ValueError) as error:
            raise DataError(f"{table}: cannot be read as Parquet ({error}). Write the file again.") from error
    return load_pictures(name, files, how)


def _pictures(table: Path, split: SplitName | None, columns: Mapping[str, str]) -> list[PictureFile]:
    import pyarrow.parquet as parquet

    schema = parquet.read_schema(table)
    _check_columns(table, schema.names, columns)
    column = columns.get("file") or embedded_column(table)
    if column is None or not _holds_bytes(schema.field(column).type):
        which = f"column {column!r} without" if column else "no column with"
        raise DataError(f"{table}: has {which} the bytes of pictures. Write the pictures into it as bytes.")
    label_column, names = _labels(table, schema, columns.get("label"))
    pictures = _Pictures(table, column)
    labels = parquet.read_table(table, columns=[label_column]).column(0).to_pylist()
    return [
        PictureFile(_Cell(pictures, row), f"{table.name}#{row + 1}", _label(table, row, value, names), split)
        for row, value in enumerate(labels)
    ]


def _check_columns(table: Path, names: Sequence[str], columns: Mapping[str, str]) -> None:
    """Raise DataError for columns that cannot be chosen."""
    for role, name in columns.items():
        if role not in ("file", "label"):
            raise DataError(
                f"{table}: columns may name 'file' and 'label' where a table holds the pictures, not {role!r}."
            )
        if name not in names:
            raise DataError(f"{table}: has no column {name!r}, but {', '.join(map(repr, names))}. Name one of them.")


def _labels(table: Path, schema: Any, wanted: str | None) -> tuple[str, list[str] | None]:
    """The column of labels, and the names of its numbers where it has some."""
    about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = about.get("info", {}).get("features", {})
    named = {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }
    chosen = wanted or next((column for column in _LABELS if column in schema.names), None)
    if chosen is None and len(named) == 1:
        chosen = next(iter(named))
    if chosen is None:
        several = f" It has several of labels: {', '.join(map(repr, named))}; rename one to 'label'." if named else ""
        raise DataError(
            f"{table}: needs a column 'label', but has {', '.join(map(repr, schema.names))}."
            f"{several or ' Rename its columns.'}"
        )
    return chosen, named.get(chosen)


def _label(table: Path, row: int, value: Any, names: list[str] | None) -> str:
    if value is None or str(value).strip() == "" or (names is not None and value == -1):  # -1: a hidden test label
        raise DataError(f"{table}: row {row + 1} has no label. Fill it in, or remove the row.")
    if names is None or not isinstance(value, int):
        return str(value)
    if not 0 <= value < len(names):
        raise DataError(f"{table}: row {row + 1} has the label {value}, but only {len(names)} are named.")
    return names[value]
