"""Tables with a whole picture in one column, as numbers: FER2013's `emotion,pixels,Usage`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import SPLITS, Dataset, SplitName
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.arrays import FEWEST
from imagewise.data.sources.tables.labels import read_labels
from imagewise.data.sources.tables.names import plain
from imagewise.data.sources.tables.pixels.pixel_rows import DECLARATION, Block, small_integers
from imagewise.data.sources.tables.pixels.pixel_table import dataset_of_pixels, is_number, read_pictures, shape_of
from imagewise.data.sources.tables.roles import find_roles
from imagewise.data.sources.tables.split_column import read_splits
from imagewise.data.sources.tables.table import Table
from imagewise.data.sources.tables.text import HEAD, Text, encoding_of, read_text, rows_of
from imagewise.data.splits import split_of_name
from imagewise.errors import DataError

_ROWS = 512  # in memory at once
_LOOKED_AT = 5  # rows
_LONGEST = 1 << 26  # characters of a field
_KINDS = (".csv", ".tsv")
_CALLED = ("pixel", "pixelvalue", "pixeldata", "imagepixel", "image", "imagedata", "img", "picture", "data", "x")
_PICTURE = "number of the picture"  # a column that is made up: what the labels are asked for


def load_pixel_columns(name: str, tables: Sequence[tuple[Path, SplitName | None]], how: Reading) -> Dataset | None:
    """Tables that hold pictures in a column, each in a field: numbers between spaces or commas, perhaps in brackets.

    Args:
        tables: each with the split of its rows, if it has no column of splits; None for train.
        how: columns may name those of labels and splits.

    Returns:
        None if the first table has no such column.

    Raises:
        DataError: nothing says which column has the labels, a row that is no picture, pictures of several sizes.
    """
    images: dict[SplitName, list[NDArray[np.uint8]]] = {}
    labels: dict[SplitName, list[str]] = {}
    told: list[str] = []
    for path, table_split in tables:
        with _long_fields():
            column = _pixel_column(path)
            if column is None:
                return None
            how.refuse_groups(path)
            if others := sorted(how.columns.keys() - {"label", "split"}):
                raise DataError(
                    f"{path}: holds the pixels, so columns= may name 'label' and 'split' only, not {others[0]!r}."
                )
            try:
                pictures, table = _read(path, column, how)
            except (csv.Error, UnicodeError) as error:
                raise DataError(f"{path}: cannot be read as CSV ({error}). Save it as CSV in UTF-8.") from error
        roles = find_roles(table, {**how.columns, "file": _PICTURE})
        texts, notices = read_labels(table, roles)
        splits: list[SplitName | None] = [table_split] * len(texts)
        if roles.split is not None:
            splits, more = read_splits(table, roles.split)
            notices = (*notices, *more)
        for split in SPLITS:
            taken = [
                n for n, (s, text) in enumerate(zip(splits, texts, strict=True)) if (s or "train") == split and text
            ]
            if taken:
                images.setdefault(split, []).append(pictures[taken])
                labels.setdefault(split, []).extend(texts[n] for n in taken)
        size = f"{pictures.shape[1]}x{pictures.shape[2]}"
        guesses = "".join(f", {guess}" for guess in roles.guesses)
        told += [f"read {path.name}: pictures of {size} pixels from {column!r}{guesses}.", *notices]
    if len({part.shape[1:] for parts in images.values() for part in parts}) > 1:
        raise DataError(f"{name}: the tables hold pictures of several sizes. Keep one kind in a folder.")
    together = {split: np.concatenate(parts) for split, parts in images.items()}
    return dataset_of_pixels(name, together, labels, how, told)


def load_pixel_column_folder(folder: Path, how: Reading) -> Dataset | None:
    """The data set of a folder with such a table, or with one for each split; None where it has none. Tables without
    labels are left out, and said.

    Raises:
        DataError: as `load_pixel_columns`; several tables of which nothing says which to take.
    """
    found, left_out = [], []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS and path.is_file()):
        try:
            with _long_fields():
                rows = _head(path)
                column = _pixel_column(path)
        except DataError:
            continue
        if column is not None and len(rows[0]) == 1:
            left_out.append(f"left out {path.name}: it has no labels.")
        elif column is not None:
            found.append(path)
    if not found:
        return None
    splits = [split_of_name(path.stem) for path in found] if len(found) > 1 else [None]
    if len(found) > 1 and (None in splits or len(set(splits)) < len(splits)):
        names = ", ".join(path.name for path in found)
        raise DataError(f"{folder}: several tables hold pictures: {names}. Name one of them: {found[0]}")
    data = load_pixel_columns(folder.resolve().name, list(zip(found, splits, strict=True)), how)
    return None if data is None else data.with_notices(*left_out)


@contextmanager
def _long_fields() -> Iterator[None]:
    """The csv module takes fields of a picture's length."""
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _head(path: Path) -> list[list[str]]:
    """The header and at least a whole row, if there is one, of a table's beginning."""
    rows: list[list[str]] = []
    for most in (HEAD, 1 << 22):  # a picture of some size is a long row
        text = read_text(path, most)
        rows = rows_of(path, text)
        cut = path.stat().st_size > most
        rows = rows[:-1] if cut and len(rows) > 1 else rows
        if len(rows) > 1 or not cut:
            break
    return rows


def _pixel_column(path: Path) -> str | None:
    """The column that holds whole pictures; None for another table."""
    rows = _head(path)
    if len(rows) < 2:
        return None
    header, body = rows[0], rows[1 : 1 + _LOOKED_AT]
    for place, name in enumerate(header):
        if plain(name).removesuffix("s") not in _CALLED:
            continue  # such as features of a picture that is in a file
        fields = [row[place] for row in body if len(row) == len(header)]
        if 2 * sum(map(_is_picture, fields)) > len(fields):  # a bad one is named when it is read
            return name
    return None


def _is_picture(text: str) -> bool:
    if len(text) < 2 * FEWEST - 1:
        return False
    numbers = _parted(text)
    return shape_of(len(numbers)) is not None and all(map(is_number, numbers))


def _read(path: Path, column: str, how: Reading) -> tuple[NDArray[np.uint8], Table]:
    """The pictures, and the other columns."""
    text = read_text(path, HEAD)
    header = _head(path)[0]
    place = header.index(column)
    fields = [row[place] for row in _head(path)[1 : 1 + _LOOKED_AT] if len(row) == len(header)]
    width, _ = Counter(len(_parted(field)) for field in fields if _is_picture(field)).most_common(1)[0]
    shape = shape_of(width)
    assert shape is not None  # most of them are pictures
    rest: list[list[str]] = []
    pictures, _, _ = read_pictures(path, _blocks(path, text, place, width, rest), shape, how.progress)
    names = [name for name in header if name != column]
    columns = {_PICTURE: [str(number) for number in range(1, len(rest) + 1)]}
    columns |= {name: [row[n] for row in rest] for n, name in enumerate(names)}
    return pictures, Table(path, columns)


def _blocks(path: Path, text: Text, place: int, width: int, rest: list[list[str]]) -> Iterator[Block]:
    """The pictures of some rows at a time; their other fields are added to `rest`."""
    with path.open("rb") as raw:
        encoding = encoding_of(raw.read(HEAD))
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=text.separator, skipinitialspace=True)
        rows = (row for row in reader if any(map(str.strip, row)) and not row[0].lower().startswith(DECLARATION))
        columns = len(next(rows))
        while some := list(islice(rows, _ROWS)):
            for row in some:
                if len(row) != columns:
                    raise DataError(
                        f"{path}: row {len(rest) + 1} has {len(row)} fields, the header has {columns}. Fix or remove "
                        "the row."
                    )
                rest.append([field.strip() for number, field in enumerate(row) if number != place])
            yield _numbers(path, [row[place] for row in some], width, len(rest) - len(some)), [""] * len(some)


def _numbers(path: Path, fields: Sequence[str], width: int, before: int) -> NDArray[np.uint16] | NDArray[np.float32]:
    found = small_integers("".join(f"{field.strip()}\n" for field in fields).encode(), " ", width)
    if found is not None:
        return found[0]
    numbers = np.empty((len(fields), width), dtype=np.float32)
    for number, field in enumerate(fields):
        parts = _parted(field)
        try:
            if len(parts) != width:
                raise ValueError(f"{len(parts)} instead of {width}")
            numbers[number] = np.array(list(map(float, parts)), dtype=np.float32)
        except ValueError as error:
            raise DataError(
                f"{path}: row {before + number + 1} holds no picture of {width} numbers ({error}). Fix or remove the "
                "row."
            ) from error
    return numbers


def _parted(text: str) -> list[str]:
    return text.strip("[]() ").replace(",", " ").split()
