"""Quick Draw's drawings as strokes: `.ndjson`, a drawing a line, and Kaggle's `.csv` of the same."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.picture_file import PictureFile, read_piece
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import holds_pictures
from imagewise.data.sources.quick_draw.strokes import SIDE, Points, draw
from imagewise.errors import DataError, PictureError
from imagewise.framing.file_kinds import is_shown
from imagewise.framing.framing import Framing
from imagewise.naming import natural_key

MOST_OF_A_FILE = 10_000  # drawings; Quick Draw's files hold 100,000 and more
MOST = 200_000  # drawings of all files
_LONGEST = 1 << 20  # bytes of a line; Quick Draw's longest raw drawings have a tenth of it
_MOST_POINTS = 100_000
_FARTHEST = 1e6  # pixels of a point from the corner; false for NaN, too
_USUAL = Framing("photo", SIDE, SIDE, 1)  # leaves the drawings as Quick Draw's own bitmaps are left
_WORD = re.compile(rb'"word"\s*:\s*("(?:[^"\\]|\\.)*")')
_PREFIX = "full_simplified_"  # before the words in the names of files that browsers save
_SHOWN = 3  # classes in a notice


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A line of a file, a `Packed`.

    Attributes:
        column: of the strokes in a `.csv`; None for `.ndjson`.
        side: of the picture to draw, in pixels.
    """

    archive: str
    offset: int
    size: int
    column: int | None
    side: int

    def read(self) -> bytes:
        line = read_piece(self.archive, self.offset, self.size)
        saved = BytesIO()
        Image.fromarray(draw(_strokes(line, self.column), self.side)).save(saved, "PPM")
        return saved.getvalue()


def is_drawings(path: Path) -> bool:
    """Whether a file begins as one of drawings: `.ndjson` with "drawing" in its first line, `.csv` with columns
    `drawing` and `word`."""
    suffix = path.suffix.lower()
    if suffix not in (".ndjson", ".csv") or not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(_LONGEST)
    return b'"drawing"' in first if suffix == ".ndjson" else {"drawing", "word"} <= set(_header(first))


def load_drawings_folder(folder: Path, name: str, how: Reading) -> Dataset | None:
    """The data set of a folder that holds files of drawings, and no pictures; None for another. As `load_drawings`."""
    files = [path for path in folder.iterdir() if is_shown(path.name) and is_drawings(path)]
    if not files or holds_pictures(folder):
        return None
    return load_drawings(sorted(files, key=lambda path: natural_key(path.stem)), name, how)


def load_drawings(files: list[Path], name: str, how: Reading) -> Dataset:
    """Drawings as pictures: white strokes on black, 28x28 unless `how` says otherwise, as Quick Draw's `.npy` are.

    A drawing is of the class that its "word" names; where it has none, of its file's. The first 10,000 drawings of a
    file are read, fewer of each from 21 files on, and a notice says so. Bad lines are listed as damaged pictures, by
    file and line.

    Raises:
        DataError: drawings of one class only; and as `load_pictures`.
    """
    how.refuse_columns(files[0])
    how.refuse_groups(files[0])
    most = max(1, min(MOST_OF_A_FILE, MOST // len(files)))
    side = _side(how.framing)
    pictures: list[PictureFile] = []
    longer = []
    for path in files:
        before = len(pictures)
        pictures += _pictures(path, most, side)
        if len(pictures) - before > most:
            pictures.pop()
            longer.append(path)
    classes = sorted({picture.label for picture in pictures}, key=natural_key)
    if len(classes) == 1:
        raise DataError(
            f"{files[0]}: holds drawings of one class only, {classes[0]!r}. Put the files of other classes next to it, "
            f"and name their folder: {files[0].parent}"
        )
    more = f" and {len(classes) - _SHOWN:,} more" if len(classes) > _SHOWN else ""
    where = files[0].name if len(files) == 1 else f"{len(files):,} files"
    told = [f"drew the strokes in {where}, {len(classes):,} classes: {', '.join(classes[:_SHOWN])}{more}."]
    if longer:
        which = longer[0].name if len(longer) == 1 else f"each of {len(longer):,} files"
        told.append(
            f"took the first {most:,} drawings of {which}, which hold{'s' if len(longer) == 1 else ''} more. For all "
            "of them, use Quick Draw's .npy files."
        )
    return load_pictures(name, pictures, how, told, usual=_USUAL)


def _side(framing: Framing | None) -> int:
    """The side of the pictures to draw: that of the framing, more for `ink`, which cuts out and scales."""
    if framing is None:
        return SIDE
    return max(framing.height, framing.width) * (4 if framing.kind == "ink" else 1)


def _pictures(path: Path, most: int, side: int) -> Iterator[PictureFile]:
    """The drawings of a file, one more than `most` if it has as many."""
    label = path.stem.removeprefix(_PREFIX)
    try:
        with path.open("rb") as file:
            header = _header(file.readline(_LONGEST)) if path.suffix.lower() == ".csv" else None
            column = header.index("drawing") if header is not None else None
            found = 0
            for number, offset, line in _lines(file, first=1 if header is None else 2):
                if found > most:
                    return
                if line.strip():
                    label = _word(line, header) or label
                    found += 1
                    place = _Drawing(str(path), offset, len(line), column, side)
                    yield PictureFile(place, f"{path.name}:{number}", label)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}). Check that you may read it.") from error


def _lines(file: IO[bytes], first: int) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and content of each line; the beginning only of one that is too long for a drawing."""
    number, offset = first, file.tell()
    while line := file.readline(_LONGEST):
        yield number, offset, line
        while not line.endswith(b"\n") and (line := file.readline(_LONGEST)):
            pass
        number, offset = number + 1, file.tell()


def _word(line: bytes, header: list[str] | None) -> str | None:
    """The class that a line names; None for a line that names none."""
    try:
        if header is not None:
            fields = _fields(line)
            return fields[header.index("word")].strip() or None if len(fields) == len(header) else None
        match = _WORD.search(line)
        return str(json.loads(match[1])).strip() or None if match else None
    except (ValueError, csv.Error):
        return None


def _strokes(line: bytes, column: int | None) -> list[Points]:
    """The strokes of a line, (n, 2) each. Raises PictureError for a line that is no drawing."""
    try:
        strokes: Any = json.loads(line)["drawing"] if column is None else json.loads(_fields(line)[column])
        pairs = [np.asarray(stroke[:2], dtype=np.float64) for stroke in strokes]
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, csv.Error) as error:
        raise PictureError(None, f"no drawing of Quick Draw ({error})", "Remove the line, or fix it.") from error
    points = [pair.T for pair in pairs if pair.size]
    if any(each.ndim != 2 or each.shape[1] != 2 or not (np.abs(each) < _FARTHEST).all() for each in points):
        raise PictureError(None, "strokes that are not two lists of numbers, x and y", "Remove the line, or fix it.")
    if not points or sum(map(len, points)) > _MOST_POINTS:
        raise PictureError(None, "no strokes" if not points else "more points than a drawing has", "Remove the line.")
    return points


def _header(line: bytes) -> list[str]:
    try:
        return [name.strip() for name in _fields(line.removeprefix(b"\xef\xbb\xbf"))]
    except (ValueError, csv.Error):
        return []


def _fields(line: bytes) -> list[str]:
    """The fields of a line of CSV."""
    return next(csv.reader([line.decode("utf-8")], strict=True), [])
