"""Handwritten digits on paper, each made again from its seed and number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .hands import write, writer
from .papers import PAPERS
from .pens import PENS
from .scene import compose
from .subjects import with_pen
from .ways import WAYS

TRAINING, VALIDATION, JUDGING = 15_001, 15_002, 15_003
"""Seeds: of the digits that a model is trained on, of those that choices are made by, and of those that judge both."""

DIGITS_OF_A_WRITER = 20


@dataclass(frozen=True)
class Drawn:
    """A picture of one digit, and the truth about it."""

    picture: Image.Image
    """Mode L or RGB, 20 to 4,000 pixels on its longer side."""
    label: int
    """The digit, 0 to 9; -1 where the picture shows no single digit."""
    way: str
    """How the digit is written, such as "7 bar"; each label has ways of its own."""
    pen: str
    paper: str
    true_ink: NDArray[np.bool_]
    """Where the pen was, before blur, noise and JPEG: bool (height, width) of the picture."""


def generate(count: int, seed: int, start: int = 0) -> Iterator[Drawn]:
    """The pictures number `start` to `start + count - 1` of this seed; of any ten in a row, one of each digit."""
    for index in range(start, start + count):
        yield draw(index, seed)


def draw(index: int, seed: int) -> Drawn:
    """Picture number `index` of this seed. All ways of a digit come equally often."""
    label = index % 10
    name, strokes = list(WAYS[label].items())[index // 10 % len(WAYS[label])]
    rng = np.random.default_rng((seed, index))
    by = writer(np.random.default_rng((seed, index // DIGITS_OF_A_WRITER, 1)))
    paper = str(rng.choice(list(PAPERS)))
    pen = str(rng.choice(PAPERS[paper].pens))
    picture, ink = compose(with_pen(write(strokes, by, rng), PENS[pen], rng), PENS[pen], paper, rng)
    return Drawn(picture, label, f"{label} {name}", pen, paper, ink)
