"""Sheets to look at: `python -m benchmarks.handwriting.contact_sheet KIND FILE.png`, with KIND one of those below."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from .drawing import VALIDATION, Drawn, generate
from .hands import write, writer
from .junk import generate_junk
from .printed import SPLITS, Split, generate_printed
from .rasterising import rasterise
from .ways import WAYS

CELL, COLUMNS = 96, 14
Row = tuple[str, list[Image.Image]]


def ways() -> Iterable[Row]:
    """Each way by fourteen writers, black on white."""
    for digit, table in WAYS.items():
        for number, (name, strokes) in enumerate(table.items()):
            yield f"{digit} {name}", [bare(strokes, (digit, number, person)) for person in range(COLUMNS)]


def bare(strokes: tuple[str, ...], seed: tuple[int, ...]) -> Image.Image:
    """The strokes with an even pen."""
    rng = np.random.default_rng(seed)
    lines = write(strokes, writer(rng), rng)
    low, high = (f([f(line, axis=0) for line in lines], axis=0) for f in (np.min, np.max))
    scale = 0.78 * CELL / float((high - low).max())
    placed = [(line - (low + high) / 2) * scale + CELL / 2 for line in lines]
    width = float(rng.uniform(2, 9))
    ink = rasterise(placed, [np.full(len(line), width) for line in placed], CELL, CELL)
    picture = Image.new("L", (CELL, CELL), 255)
    picture.paste(0, ink.box, ink.coverage)
    return picture


def by(pictures: Iterable[Drawn], key: Callable[[Drawn], str], lines: int = 1) -> Iterable[Row]:
    """So many lines of pictures of each key."""
    rows: dict[str, list[Image.Image]] = {}
    for drawn in pictures:
        row = rows.setdefault(key(drawn), [])
        if len(row) < lines * COLUMNS:
            row.append(drawn.picture)
    for name, row in sorted(rows.items()):
        for start in range(0, len(row), COLUMNS):
            yield "" if start else name, row[start : start + COLUMNS]


def printed(split: Split) -> Iterable[Row]:
    """Digits of each font of the split."""
    return by(generate_printed(1500, VALIDATION, split), lambda drawn: drawn.way)


def sheet(rows: Iterable[Row]) -> Image.Image:
    """Rows of pictures, each with its name on the left."""
    listed = list(rows)
    page = Image.new("RGB", (150 + COLUMNS * (CELL + 4), len(listed) * (CELL + 4)), (120, 160, 200))
    pen = ImageDraw.Draw(page)
    for number, (name, pictures) in enumerate(listed):
        pen.text((4, number * (CELL + 4) + 40), name, fill=(0, 0, 0))
        for column, picture in enumerate(pictures):
            small = picture.convert("RGB")
            size = [max(1, round(side * CELL / max(small.size))) for side in small.size]
            page.paste(small.resize((size[0], size[1])), (150 + column * (CELL + 4), number * (CELL + 4)))
    return page


def main() -> None:
    """Write the sheet of a kind to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds: dict[str, Callable[[], Iterable[Row]]] = {
        "ways": ways,
        "papers": lambda: by(generate(900, VALIDATION), lambda drawn: drawn.paper, 2),
        "pens": lambda: by(generate(900, VALIDATION), lambda drawn: drawn.pen, 2),
        "junk": lambda: by(generate_junk(500, VALIDATION), lambda drawn: drawn.way.split()[1], 3),
        "letters": lambda: by(generate_junk(5000, VALIDATION), lambda drawn: drawn.way, 1),
        **{f"printed-{split}": partial(printed, split) for split in SPLITS},
    }
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("file", type=Path)
    wanted = parser.parse_args()
    sheet(kinds[wanted.kind]()).save(wanted.file)


if __name__ == "__main__":
    main()
