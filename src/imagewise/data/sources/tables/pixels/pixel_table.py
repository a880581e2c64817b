"""Pixel tables: a picture a row, a pixel a column, as Kaggle's digit-recognizer and MNIST as CSV have them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.dataset import Dataset, Split, SplitName
from imagewise.data.groups.array_sets import split_arrays
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources import emnist
from imagewise.data.sources.arrays import FEWEST, square
from imagewise.data.sources.tables.names import LABEL_NAMES, plain, some_names
from imagewise.data.sources.tables.pixels.pixel_rows import Block, Layout, read_blocks
from imagewise.data.sources.tables.roles import check_columns
from imagewise.data.sources.tables.table import Table
from imagewise.data.sources.tables.text import HEAD, read_text, rows_of
from imagewise.data.splits import refuse_unknown_classes, split_of_name
from imagewise.errors import DataError
from imagewise.fetch import Progress

_NUMBERED = re.compile(r"[a-z]*?(\d+)(?:x(\d+))?")


def pixel_layout(path: Path, columns: Mapping[str, str] | None = None) -> Layout | None:
    """The columns of a pixel table by its beginning; None for another table. Raises DataError where it is no text
    or has no column that `columns` names."""
    text = read_text(path, HEAD)
    rows = rows_of(path, text)
    rows = rows[:-1] if path.stat().st_size > HEAD and len(rows) > 1 else rows
    if not rows or len(rows[0]) < FEWEST:
        return None
    numbers = sum(map(is_number, rows[0]))
    named_label = any(plain(name) in LABEL_NAMES for name in rows[0]) and len(rows) > 1
    headed = named_label or numbers < len(rows[0]) // 2 or rows[0] == [str(n) for n in range(len(rows[0]))]
    header, body = (rows[0], rows[1:]) if headed else ([], rows)
    body = [row for row in body if len(row) == len(rows[0])]
    if not body:
        return None
    wanted = plain((columns or {}).get("label", ""))
    named = [i for i, name in enumerate(header) if plain(name) == wanted or (not wanted and plain(name) in LABEL_NAMES)]
    pixels = [i for i in range(len(rows[0])) if i not in named[:1] and all(is_number(row[i]) for row in body[:20])]
    numbered = [i for i in pixels if headed and _NUMBERED.fullmatch(plain(header[i]))]
    if len(numbered) >= FEWEST and shape_of(len(numbered)):
        pixels = numbered
    label = named[0] if named else None
    others = [i for i in range(len(rows[0])) if i not in pixels]
    if label is None and shape_of(len(pixels)) and len(others) == 1 and not headed:
        label = others[0]
    elif label is None and not shape_of(len(pixels)):
        label = others[0] if others else _first_or_last(body)
        pixels = [i for i in pixels if i != label]
    shape = shape_of(len(pixels))
    if shape is None or len(rows[0]) - len(pixels) > 4:
        return None
    if headed:
        check_columns(Table(path, dict.fromkeys(header, ())), columns)
        keys = [_NUMBERED.fullmatch(plain(header[i])) for i in pixels]
        order = [(int(key[1]), int(key[2] or 0)) for key in keys if key]
        if len(set(order)) == len(pixels):  # pixel0, pixel1, pixel10 ...: in the order of their numbers
            pixels = [pixels[i] for i in sorted(range(len(pixels)), key=order.__getitem__)]
    names = tuple(header[i] for i in pixels) if headed else ()
    return Layout(text.separator, headed, label, tuple(pixels), names, shape, len(rows[0]))


def load_pixels(name: str, tables: Sequence[tuple[Path, SplitName]], how: Reading) -> Dataset | None:
    """Pixel tables as a data set; None if the first file is not a pixel table. Values are bytes, or fractions of 1.

    Raises:
        DataError: no labels, no such column, groups by file names, a row that is no row of numbers, values outside
            0..255, tables of other pictures.
    """
    layouts = [pixel_layout(path, how.columns) for path, _ in tables]
    if layouts[0] is None:
        return None
    how.refuse_groups(tables[0][0])
    if others := sorted(how.columns.keys() - {"label"}):
        raise DataError(f"{tables[0][0]}: holds the pixels, so columns= may name 'label' only, not {others[0]!r}.")
    images: dict[SplitName, NDArray[np.uint8]] = {}
    labels: dict[SplitName, list[str]] = {}
    whole = []
    for (path, split), layout in zip(tables, layouts, strict=True):
        if layout is None or layout.shape != layouts[0].shape:
            raise DataError(
                f"{path}: its pictures differ from those of {tables[0][0].name}. Keep one kind in a folder."
            )
        if layout.label is None:
            raise DataError(no_labels(path, layout))
        try:
            images[split], labels[split], fractions = read_pictures(
                path, read_blocks(path, layout), layout.shape, how.progress
            )
        except (csv.Error, UnicodeError) as error:
            raise DataError(f"{path}: cannot be read as CSV ({error}). Save it as CSV in UTF-8.") from error
        whole.append(not fractions)
    if any(whole):  # fractions of 255 in one table, of 1 in none
        for (_, split), is_whole in zip(tables, whole, strict=True):
            if not is_whole:
                images[split] = (images[split] > 127).astype(np.uint8)
    first = layouts[0]
    where = "the last column" if first.label == len(first.pixels) else f"column {(first.label or 0) + 1}"
    told = [f"read {tables[0][0].name}: pictures of {first.shape[0]}x{first.shape[1]} pixels, labels from {where}."]
    data = dataset_of_pixels(name, images, labels, how, told)
    if not emnist.is_on_its_side(tables[0][0].name):
        return data
    character_set = emnist.set_of(tables[0][0].name)
    class_names, named = emnist.character_names(tables[0][0].parent, character_set, data.class_names)
    return replace(data, class_names=class_names).with_notices(emnist.TURNED, *named)


def dataset_of_pixels(
    name: str,
    images: Mapping[SplitName, NDArray[np.uint8]],
    labels: Mapping[SplitName, Sequence[str]],
    how: Reading,
    told: Sequence[str],
) -> Dataset:
    """A data set of pictures (N, H, W, C) and their labels; classes that are numbers are in the order of the numbers.

    Raises:
        DataError: a class that train lacks, another framing.
    """
    found = {label for some in labels.values() for label in some}
    class_names = tuple(
        sorted(found, key=lambda label: (not label.isdigit(), int(label) if label.isdigit() else 0, label))
    )
    index = {label: number for number, label in enumerate(class_names)}
    given = {s: Split(images[s], np.array([index[x] for x in labels[s]], dtype=np.int64)) for s in images}
    refuse_unknown_classes(name, class_names, given)
    framing, notices = framing_of_arrays(name, next(iter(given.values())).images, how.framing)
    return split_arrays(name, class_names, given, framing, (*told, *notices), how.grouping.near_copies)


def load_pixel_folder(folder: Path, how: Reading) -> Dataset | None:
    """A folder of pixel tables (`train.csv`, `mnist_test.csv`); those without labels are left out, and said."""
    tables: dict[SplitName, Path] = {}
    left_out = []
    for path in sorted(folder.glob("*.csv")):
        try:
            layout = pixel_layout(path, how.columns)
        except DataError:
            continue
        if layout is None:
            continue
        split = split_of_name(path.stem) or "train"
        if layout.label is None:
            left_out.append(f"left out {path.name}: it has no labels.")
        elif split in tables:
            raise DataError(f"{folder}: {tables[split].name} and {path.name} hold pictures. Name one: {path}")
        else:
            tables[split] = path
    if "train" not in tables:
        return None
    ordered = sorted(tables.items(), key=lambda item: item[0] != "train")
    data = load_pixels(folder.resolve().name, [(path, split) for split, path in ordered], how)
    return None if data is None else data.with_notices(*left_out)


def no_labels(path: Path, layout: Layout) -> str:
    """Why a table of pixels alone cannot be used."""
    names = f" ({some_names(list(layout.names))})" if layout.names else ""
    return (
        f"{path}: holds {len(layout.pixels)} columns of pixels{names} and no labels. Name the table that has "
        "them, such as train.csv."
    )


def read_pictures(
    path: Path, blocks: Iterable[Block], shape: tuple[int, int, int], progress: Progress | None
) -> tuple[NDArray[np.uint8], list[str], bool]:
    """Pictures (N, H, W, C), labels, and whether the values are fractions of 1.

    Args:
        blocks: numbers (n, H * W * C) and labels of some rows at a time.
        shape: (H, W, C).
    """
    pieces: list[NDArray[np.uint8]] = []
    tops: list[float] = []
    labels: list[str] = []
    for values, some in blocks:
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 255):  # false for NaN, too
            raise DataError(f"{path}: pixels go from {low:g} to {high:g}. Scale them to 0..255 or 0..1.")
        scaled = values * (255 if high <= 1 else 1)
        pieces.append((np.rint(scaled) if scaled.dtype.kind == "f" else scaled).astype(np.uint8))
        tops.append(high)
        labels += some
        if progress is not None:
            progress(f"reading {path.name}", len(labels), None, "pictures")
    if max(tops) > 1:  # dark pieces of a table of bytes
        pieces = [
            (piece > 127).astype(np.uint8) if top <= 1 else piece for piece, top in zip(pieces, tops, strict=True)
        ]
    images = np.concatenate(pieces).reshape(-1, *shape)
    if emnist.is_on_its_side(path.name):
        images = emnist.upright(images)
    return images, labels, max(tops) <= 1


def shape_of(count: int) -> tuple[int, int, int] | None:
    """(H, W, C) of a square picture, grey or in colour, of so many numbers; None for a number that none has."""
    side = isqrt(count // 3)
    return square(count) or ((side, side, 3) if count >= FEWEST and side * side * 3 == count else None)


def _first_or_last(body: Sequence[Sequence[str]]) -> int:
    """The label's column without a header: the first, unless it never changes, or the last has far fewer values."""
    first, last = ({row[i] for row in body} for i in (0, -1))
    whole = all(text.removesuffix(".0").isdigit() for text in last)
    return len(body[0]) - 1 if whole and len(last) > 1 and (len(first) == 1 or 2 * len(last) < len(first)) else 0


def is_number(text: str) -> bool:
    """Whether a field holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
