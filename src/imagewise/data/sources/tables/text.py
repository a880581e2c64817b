"""Tables as text: encoding, separator, quotes, and the rows that come out. What was guessed is told."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewise.data.sources.tables.names import is_known, is_picture_name
from imagewise.errors import DataError

HEAD = 1 << 16  # bytes that a separator and a kind of table are told by
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
_ROWS = 100  # that a separator is told by
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHERS = {  # files that are no text, by their first bytes
    b"PK\x03\x04": "an Excel workbook or a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


@dataclass(frozen=True)
class Text:
    """A table's text, or its beginning.

    Attributes:
        text: without a byte order mark and without Excel's line `sep=;`.
        separator: between the fields.
        guesses: what was guessed, for the user; nothing for UTF-8 and commas (tabs in a `.tsv`).
        cut: whether this is the beginning only, so that it may end within quotes.
    """

    text: str
    separator: str
    guesses: tuple[str, ...]
    cut: bool = False


def read_text(table: Path, most: int = -1) -> Text:
    """The text of a file, or its first `most` bytes. Raises DataError where it is no text."""
    try:
        with table.open("rb") as file:
            raw = file.read(most)
    except OSError as error:
        raise DataError(f"{table}: cannot be read ({error.strerror or error}). Check that you may read it.") from error
    encoding = _encoding(table, raw)
    cut = 0 <= most <= len(raw)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(raw, final=not cut)
    except UnicodeError as error:
        raise DataError(f"{table}: cannot be read as CSV ({error}). Save it as CSV in UTF-8.") from error
    text, separator = _declared(text)
    chosen = separator or _separator(text, cut, "\t" if table.suffix.lower() in (".tsv", ".tab") else ",")
    guesses = [] if encoding.startswith("utf-8") else [f"encoding {_spoken(encoding)}"]
    if chosen != ("\t" if table.suffix.lower() == ".tsv" else ","):
        guesses.append(f"fields between {SEPARATORS.get(chosen, repr(chosen))}")
    return Text(text, chosen, tuple(guesses), cut)


def rows_of(table: Path, text: Text) -> list[list[str]]:
    """All rows but blank ones, the header among them; of a text that is cut those before the cut. Fields are stripped
    of spaces. Raises DataError for bad quotes."""
    try:
        return _rows(text.text, text.separator, text.cut)
    except csv.Error as error:
        raise DataError(f"{table}: cannot be read as CSV ({error}). Save it as CSV in UTF-8.") from error


def encoding_of(raw: bytes) -> str:
    """UTF-8 where it can be that; by the byte order mark or NULs UTF-16; else Windows-1252, as Excel writes it."""
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            return encoding
    for encoding, zeros in (("utf-16-le", raw[1:400:2]), ("utf-16-be", raw[0:400:2])):
        if zeros.count(0) > 0.4 * len(zeros) and 2 * zeros.count(0) > raw[:400].count(0):
            return encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(raw)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _encoding(table: Path, raw: bytes) -> str:
    kind = next((kind for start, kind in _OTHERS.items() if raw.startswith(start)), None)
    if kind is None and raw.startswith(b"\x80") and b"\x00" in raw:
        kind = "a pickle, which could run code and is never loaded"
    encoding = encoding_of(raw)
    if kind is None and not encoding.startswith(("utf-16", "utf-32")) and b"\x00" in raw[:HEAD]:
        kind = "no text"
    if kind is not None:
        raise DataError(f"{table}: cannot be read as CSV: it is {kind}. Save the table as CSV in UTF-8.")
    return encoding


def _spoken(encoding: str) -> str:
    return {"cp1252": "Windows-1252", "latin-1": "Latin-1"}.get(encoding, encoding[:6].upper())


def _declared(text: str) -> tuple[str, str | None]:
    """The text without Excel's first line `sep=;`, and the separator that it declares."""
    first, _, rest = text.partition("\n")
    declared = first.strip('\r\ufeff" ')
    if declared.lower().startswith("sep=") and len(declared) == len("sep=") + 1:
        return rest, declared[-1]
    if first.strip('\r\ufeff"').lower() == "sep=\t":
        return rest, "\t"
    return text.removeprefix("\ufeff"), None


def _separator(text: str, cut: bool, preferred: str) -> str:
    """The separator that parts the first rows into the same number of fields, and makes columns of known names or
    names of pictures; `preferred` where nothing speaks for another."""
    lines = text[:HEAD]
    cut = cut or len(lines) < len(text)
    best, best_score = preferred, (False, 0, 0.0)
    for separator in sorted(SEPARATORS, key=lambda each: (each != preferred, list(SEPARATORS).index(each))):
        try:
            rows = _rows(lines, separator, cut)[:_ROWS]
        except csv.Error:
            continue
        if cut and len(rows) > 1:
            rows = rows[:-1]
        if not rows or len(rows[0]) < 2:
            continue
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        known = _known_fields(rows)
        if separator in " |" and (even < 1 or not known):
            continue  # spaces and bars are in names and labels, too
        score = (even == 1 and known > 0, known, even)
        if score > best_score:
            best, best_score = separator, score
    return best


def _known_fields(rows: Sequence[Sequence[str]]) -> int:
    return sum(map(is_known, rows[0])) + sum(map(is_picture_name, rows[min(1, len(rows) - 1)]))


def _rows(text: str, separator: str, cut: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=separator, strict=True, skipinitialspace=True)
    try:
        while (row := next(reader, None)) is not None:
            rows.append([field.strip() for field in row])
    except csv.Error:
        if not cut or stream.tell() < len(text):  # within quotes that the cut left open, all of the text is read
            raise
    return [row for row in rows if any(row)]
