"""Make the sheet that the demo reads: `python benchmarks/demo_sheet.py`. Writes examples/sheet.jpg.

Digits of MNIST's test split, which the built-in model was not trained on, are put on paper by this program: blue pen,
ruled lines, uneven light, a little turned, as a phone would photograph it. The first fitting pictures are taken, not
the easiest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.segmentation import digit
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imagewise.data.loading import load_data

SHEET = Path(__file__).parent.parent / "examples" / "sheet.jpg"
LINES = ("3141592", "65358979", "3238462")
SIDE = (1000, 620)  # width and height of the paper
HEIGHT, PITCH, FIRST, LEFT = 92, 180, 88, 90
PEN, PAPER, RULE = (38, 52, 128), (226, 221, 208), (176, 190, 205)


def ink() -> NDArray[np.float64]:
    """The writing: (height, width), ink 0..1."""
    test = load_data("mnist-sample")["test"]
    rng = np.random.default_rng(0)
    page = np.zeros((SIDE[1], SIDE[0]))
    used: set[int] = set()
    for number, line in enumerate(LINES):
        left = LEFT
        for character in line:
            index = next(i for i in np.flatnonzero(test.labels == int(character)).tolist() if i not in used)
            used.add(index)
            made = digit(test.images[index, :, :, 0], HEIGHT + int(rng.integers(-8, 9)))
            top = FIRST + PITCH * number + int(rng.integers(-6, 7))
            page[top : top + made.shape[0], left : left + made.shape[1]] = made
            left += made.shape[1] + int(rng.integers(28, 44))
    return page


def photograph(page: NDArray[np.float64]) -> Image.Image:
    """The page under a lamp that stands at its upper left, turned by a degree, slightly blurred and noisy."""
    rng = np.random.default_rng(1)
    height, width = page.shape
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 1.04 - 0.22 * x - 0.12 * y
    paper = np.ones((height, width, 3)) * PAPER
    paper[45 :: PITCH // 3, :] = RULE
    paper[46 :: PITCH // 3, :] = RULE
    strength = 0.9 * page[..., None]
    levels = (paper * (1 - strength) + np.array(PEN) * strength) * light[..., None]
    levels += rng.normal(0, 3.5, page.shape)[..., None]
    picture = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    turned = picture.rotate(1.2, Image.Resampling.BICUBIC, fillcolor=tuple(np.asarray(picture)[5, 5].tolist()))
    return turned.crop((25, 25, width - 25, height - 25)).filter(ImageFilter.GaussianBlur(0.9))


def main() -> None:
    photograph(ink()).save(SHEET, quality=82)
    print(f"{SHEET}: {SHEET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
