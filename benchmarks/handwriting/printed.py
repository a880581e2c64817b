"""Printed digits: of the free fonts that `fonts.csv` lists, and of seven-segment displays.

Fonts are split by group. A group is all that one package brings, or all look-alikes of a known design (Helvetica,
Arial, Liberation Sans ...), so that the fonts of "test" are strangers to what was trained on "train".
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from .drawing import Drawn
from .font_packages import fonts_dir
from .glyphs import Glyph, SevenSegments
from .pens import Pen
from .scene import compose
from .subjects import Subject

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
TABLE = Path(__file__).with_name("fonts.csv")
PAPERS_OF_PRINT = (
    "white",
    "white",
    "scanned",
    "grey",
    "coloured",
    "shadowed",
    "form box",
    "crumpled",
    "sheet on a desk",
)
PRINT = Pen((0.1, 0.1), (80, 255), colours=("black", "black", "black", "blue", "red", "green", "violet"))
SCREEN = Pen((0.1, 0.1), (110, 255), colours=("white", "white", "red", "green", "blue"))


def split_of(group: str) -> Split:
    """The split of a group of fonts: 3 of 10 test, 2 validation, 5 training, for ever the same."""
    part = hashlib.sha256(group.encode()).digest()[0] * 10 // 256
    return "test" if part < 3 else "validation" if part < 5 else "train"


def folders() -> list[Path]:
    """Where fonts are: those that `font_packages.py` has fetched, and those that come with matplotlib."""
    found = [fonts_dir()]
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return found
    return [*found, Path(mpl.get_data_path()) / "fonts" / "ttf"]


def fonts(split: Split) -> dict[str, list[Path]]:
    """Font files of the split that are on this machine, by their group."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        groups = {name: row["group"] for row in csv.DictReader(file) for name in row["files"].split("|")}
    found: dict[str, list[Path]] = {}
    for name, path in sorted({path.name: path for folder in folders() for path in folder.rglob("*.[ot]tf")}.items()):
        group = groups.get(name, "")
        if group and split_of(group) == split:
            found.setdefault(group, []).append(path)
    return found


def generate_printed(count: int, seed: int, split: Split, start: int = 0, displays: float = 0.12) -> Iterator[Drawn]:
    """Pictures number `start` to `start + count - 1`; `way` is "font GROUP" or "display", of `displays` of them."""
    here = fonts(split)
    for index in range(start, start + count):
        rng = np.random.default_rng((seed, index, 3))
        yield display(index % 10, rng) if not here or rng.random() < displays else printed(index % 10, here, rng)


def printed(digit: int, here: dict[str, list[Path]], rng: np.random.Generator) -> Drawn:
    """A digit in a font: groups come equally often, however many fonts they have."""
    group = list(here)[int(rng.integers(len(here)))]
    file = here[group][int(rng.integers(len(here[group])))]
    turn = float(rng.normal(0, 3)) if rng.random() < 0.4 else 0.0
    return on(Glyph(file, str(digit), turn), digit, f"font {group}", rng)


def display(digit: int, rng: np.random.Generator) -> Drawn:
    """A digit of a seven-segment display."""
    thickness = float(rng.uniform(0.07, 0.19))
    ghost = float(rng.uniform(0.03, 0.15)) if rng.random() < 0.3 else 0.0
    shape = (thickness, float(rng.uniform(0.005, 0.03)), float(rng.choice([0, rng.uniform(0.03, 0.16)])), ghost)
    return on(
        SevenSegments(digit, bool(rng.random() < 0.3), *shape, float(rng.uniform(0.45, 0.62))), digit, "display", rng
    )


def on(subject: Subject, digit: int, way: str, rng: np.random.Generator) -> Drawn:
    """The subject on paper, or light on dark on a screen."""
    dark = rng.random() < (0.5 if way == "display" else 0.15)
    paper = "dark mode" if dark else str(rng.choice(PAPERS_OF_PRINT))
    picture, ink = compose(subject, SCREEN if dark else PRINT, paper, rng)
    return Drawn(picture, digit, way, "screen" if dark else "print", paper, ink)
