"""The numbers of a pixel table: plain small integers by NumPy, a block at a time; all other rows by Python's reader.

Kaggle's 42,000 rows of 785 fields are 33 million numbers. Python makes an object of each; NumPy looks for the commas of
a whole block at once.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from imagewise.data.sources.tables.text import HEAD, encoding_of
from imagewise.errors import DataError

_BLOCK = 1 << 22  # bytes
_ROWS = 2048  # of Python's reader, in memory at once
_MOST_DIGITS = 3
DECLARATION = "sep="  # Excel's, of the separator
_ASCII_LIKE = ("utf-8", "utf-8-sig", "cp1252", "latin-1")  # encodings in which a digit is a byte


@dataclass(frozen=True)
class Layout:
    """The columns of a pixel table.

    Attributes:
        separator: between the fields.
        headed: whether the first line is a header.
        label: index of the column of labels; None if the table has no labels.
        pixels: indices of the columns of pixels, row by row.
        names: of the columns of pixels; empty where there is no header.
        shape: (H, W, C) of a picture.
        width: the number of columns.
    """

    separator: str
    headed: bool
    label: int | None
    pixels: tuple[int, ...]
    names: tuple[str, ...]
    shape: tuple[int, int, int]
    width: int


Block = tuple[NDArray[np.uint16] | NDArray[np.float32], list[str]]


def read_blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Pixels (n, pixels) and labels of some rows at a time, in order.

    Raises:
        DataError: a row that is no row of numbers, or without a label.
        csv.Error, UnicodeError: it is no text of fields.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(HEAD))
        file.seek(0)
        rows, headed = 0, layout.headed
        if encoding in _ASCII_LIKE:
            _skip_declaration(file)
            if headed and _skip_header(file):
                headed = False
            for block in [] if headed else _plain_blocks(file, layout):
                rows += len(block[1])
                yield block
        text = io.TextIOWrapper(file, encoding if file.tell() == 0 else encoding.removesuffix("-sig"), newline="")
        rows_read = csv.reader(text, delimiter=layout.separator)
        reader = (row for row in rows_read if row and not row[0].lower().startswith(DECLARATION))
        if headed:
            next(reader)
        while some := list(islice(reader, _ROWS)):
            numbers = _numbers(path, rows, some, layout)
            yield numbers, [_label(path, rows + n, row, layout) for n, row in enumerate(some, start=1)]
            rows += len(some)


def small_integers(block: bytes, separator: str, width: int) -> tuple[NDArray[np.uint16], NDArray[np.int64]] | None:
    """Rows of integers of one to three digits; None for a block that holds anything else.

    Args:
        block: lines, each with its end.
        separator: between the numbers, one ASCII character.
        width: numbers in a line.

    Returns:
        (n, width) uint16, the numbers; and (n, width) int64, how many digits each is written with.
    """
    raw = np.frombuffer(block, dtype=np.uint8)
    digits = raw - np.uint8(ord("0"))  # other characters wrap to more than 9
    other = digits > 9
    ends = np.flatnonzero(other)
    if not len(ends) or len(ends) % width or raw[-1] != ord("\n"):
        return None
    marks = raw[ends].reshape(-1, width)
    if np.any(marks[:, :-1] != ord(separator)) or np.any(marks[:, -1] != ord("\n")):
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > _MOST_DIGITS:
        return None
    digits[other] = 0
    values = digits[ends - 1].astype(np.uint16)
    values += digits[ends - 2] * np.uint16(10)  # of one digit: what is before it is a mark, so 0
    values += digits[ends - 3] * (lengths == _MOST_DIGITS) * np.uint16(100)
    return values.reshape(-1, width), lengths.reshape(-1, width)


def _skip_declaration(file: BinaryIO) -> None:
    """Go behind Excel's first line `sep=;`, if the file begins so."""
    line = file.readline(16).removeprefix(codecs.BOM_UTF8).strip(b'"\r\n')
    if not line.lower().startswith(DECLARATION.encode()):
        file.seek(0)


def _skip_header(file: BinaryIO) -> bool:
    """Go behind the header, the first line that is not blank. False, and nowhere, where a quoted line break is in it:
    Python's reader finds its end."""
    start = file.tell()
    line = file.readline().removeprefix(codecs.BOM_UTF8)
    while line and not line.strip():
        line = file.readline()
    if line.count(b'"') % 2:
        file.seek(start)
        return False
    return True


def _plain_blocks(file: BinaryIO, layout: Layout) -> Iterator[Block]:
    """Blocks of rows up to the first that is not of small integers; the file is then at that one."""
    rest = b""
    while True:
        place = file.tell() - len(rest)
        read = file.read(_BLOCK)
        block = rest + read if read else rest.rstrip(b"\r\n") + b"\n"
        whole = block[: block.rfind(b"\n") + 1]
        rest = block[len(whole) :]
        if not whole and read:
            continue
        if not read and whole == b"\n":
            return
        found = small_integers(whole.replace(b"\r\n", b"\n"), layout.separator, layout.width)
        labels = None if found is None else _plain_labels(*found, layout)
        if found is None or labels is None:
            file.seek(place)
            return
        numbers, _ = found
        first, last = layout.pixels[0], layout.pixels[-1] + 1
        together = layout.pixels == tuple(range(first, last))
        yield numbers[:, first:last] if together else numbers[:, layout.pixels], labels
        if not read:
            return


def _plain_labels(numbers: NDArray[np.uint16], lengths: NDArray[np.int64], layout: Layout) -> list[str] | None:
    """The labels as text; None where one is written otherwise than its number, as `007` is."""
    if layout.label is None:
        return [""] * len(numbers)
    labels = list(map(str, numbers[:, layout.label].tolist()))
    return labels if list(map(len, labels)) == lengths[:, layout.label].tolist() else None


def _numbers(path: Path, before: int, rows: Sequence[Sequence[str]], layout: Layout) -> NDArray[np.float32]:
    width = len(layout.pixels)
    wanted = layout.pixels
    first, last = wanted[0], wanted[-1] + 1
    together = wanted == tuple(range(first, last))
    numbers = np.empty((len(rows), width), dtype=np.float32)
    for number, row in enumerate(rows):
        try:
            fields = row[first:last] if together else [row[i] for i in wanted]
            if len(fields) != width:
                raise IndexError
            numbers[number] = np.array(list(map(float, fields)), dtype=np.float32)
        except (ValueError, IndexError) as error:
            why = f"has {len(row)} fields" if isinstance(error, IndexError) else f"holds no numbers ({error})"
            raise DataError(f"{path}: row {before + number + 1} {why}. Fix or remove the row.") from error
    return numbers


def _label(path: Path, number: int, row: Sequence[str], layout: Layout) -> str:
    text = row[layout.label].strip() if layout.label is not None and layout.label < len(row) else ""
    if not text and layout.label is not None:
        raise DataError(f"{path}: row {number} has no label. Fill it in, or remove the row.")
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text
