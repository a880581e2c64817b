"""Papers and other grounds that people write on: how light they are, which pens fit, what is printed on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .pens import luma

Capture = Literal["digital", "scan", "photo"]
Rules = Literal["", "squared", "lined", "dotted", "box"]

REAL = ("hairline", "fineliner", "ball pen", "pencil", "fountain pen", "marker", "felt pen", "brush")
STRONG = ("fineliner", "ball pen", "fountain pen", "marker", "felt pen", "brush")
SCREEN = ("hairline", "tablet", "tablet", "mouse")


@dataclass(frozen=True)
class Paper:
    """A kind of ground."""

    level: tuple[int, int]
    """Least and greatest lightness, 0..255."""
    tint: float
    """How strong its colour may be: 0 grey, 1 a colour as of a sticky note."""
    pens: tuple[str, ...]
    captures: tuple[Capture, ...]
    rules: Rules = ""
    least_contrast: int = 45
    """Of the ink, in levels of 255: more where the ground is uneven."""
    room: float = 1.0
    """Greatest part of the picture's width and height that the digit takes."""


PAPERS = {
    "white": Paper((255, 255), 0, (*REAL, *SCREEN), ("digital", "digital", "scan")),
    "scanned": Paper((226, 250), 0.1, REAL, ("scan",)),
    "grey": Paper((135, 218), 0, REAL, ("digital", "scan", "photo"), least_contrast=55),
    "squared": Paper((218, 255), 0.1, REAL, ("digital", "scan", "photo"), "squared", 60),
    "lined": Paper((218, 255), 0.12, REAL, ("digital", "scan", "photo"), "lined", 60),
    "dotted": Paper((218, 255), 0.1, REAL, ("digital", "scan", "photo"), "dotted", 60),
    "form box": Paper((224, 255), 0.12, REAL, ("digital", "scan", "photo"), "box", 60, 0.7),
    "shadowed": Paper((205, 250), 0.12, REAL, ("photo",), least_contrast=90),
    "coloured": Paper((145, 232), 1.0, REAL, ("digital", "scan", "photo"), least_contrast=65),
    "dark mode": Paper((0, 60), 0.25, SCREEN, ("digital",), least_contrast=110),
    "blackboard": Paper((30, 80), 0.3, ("chalk",), ("photo",), least_contrast=100),
    "sheet on a desk": Paper((205, 250), 0.1, REAL, ("photo",), least_contrast=80, room=0.45),
    "crumpled": Paper((205, 250), 0.12, REAL, ("photo",), least_contrast=85),
    "tablecloth": Paper((190, 245), 0.4, STRONG, ("photo",), least_contrast=125),
}


def paper_colour(paper: Paper, grey: bool, rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour of this paper."""
    level = float(rng.uniform(*paper.level))
    strength = 0.0 if grey else paper.tint * float(rng.uniform(0.2, 1)) * 0.45
    colour = level * (1 + strength * rng.uniform(-1, 1, 3))
    colour *= level / max(luma(colour), 1.0)
    red, green, blue = np.clip(colour, 0, 255).round().astype(int).tolist()
    return red, green, blue
