"""How well pages of several digits are read: `python benchmarks/segmentation.py`, a table on stdout.

Pages are made of MNIST test digits, so it measures finding, parting and ordering on grounds that are known; the digits
that ship read them. 100 pages of each kind, seeded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imagewise.data.dataset import Split
from imagewise.data.loading import load_data
from imagewise.model.model import Model, load_model
from imagewise.model.text_recognition import Reading, read

PAGES = 100
Plane = NDArray[np.float64]


def digit(image: NDArray[np.uint8], height: int) -> Plane:
    """Ink 0..1, cropped to its ink, `height` pixels high, with sharp edges."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    crop = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    width = max(3, round(crop.width * height / crop.height))
    levels = np.asarray(crop.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 255
    return 1 / (1 + np.exp(-(levels - 0.5) * 12))


def compose(test: Split, rng: np.random.Generator, lines: int) -> tuple[Plane, str]:
    """A page of ink 0..1, and what stands on it."""
    page, text = np.zeros((160 * lines + 80, 900)), []
    for line in range(lines):
        left, word = 60, ""
        for _ in range(int(rng.integers(2, 9))):
            index = int(rng.integers(len(test)))
            made = digit(test.images[index, :, :, 0], int(rng.integers(60, 90)))
            top = 60 + 160 * line + int(rng.integers(-8, 9))
            if left + made.shape[1] > 860:
                break
            page[top : top + made.shape[0], left : left + made.shape[1]] = made
            left += made.shape[1] + int(rng.integers(10, 30))
            word += str(test.labels[index])
        text.append(word)
    return page, "\n".join(text)


def white(page: Plane, rng: np.random.Generator) -> Image.Image:
    return Image.fromarray((255 * (1 - page)).astype(np.uint8))


def photographed(page: Plane, rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[0 : 1 : page.shape[0] * 1j, 0 : 1 : page.shape[1] * 1j]
    paper = rng.uniform(150, 230) + rng.uniform(-60, 60) * x + rng.uniform(-40, 40) * y
    levels = paper * (1 - page) + rng.uniform(20, 80) * page + rng.normal(0, 6, page.shape)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))


def ruled(page: Plane, rng: np.random.Generator) -> Image.Image:
    lined = np.asarray(photographed(page, rng), dtype=np.float64)
    for top in range(int(rng.integers(20, 60)), page.shape[0], 53):
        lined[top : top + 2] -= 60
    return Image.fromarray(np.clip(lined, 0, 255).astype(np.uint8))


def squared(page: Plane, rng: np.random.Generator) -> Image.Image:
    levels = np.asarray(photographed(page, rng), dtype=np.float64)
    first = int(rng.integers(0, 40))
    levels[first::40] -= 45
    levels[first + 1 :: 40] -= 45
    levels[:, first::40] -= 45
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def form(page: Plane, rng: np.random.Generator) -> Image.Image:
    """Each digit in a box of its own, as high as the line; the boxes of a row touch, and digits may touch them."""
    boxed = page.copy()
    strength = float(rng.uniform(0.4, 1))
    for line in range((page.shape[0] - 80) // 160):
        band = page[60 + 160 * line - 10 : 60 + 160 * line + 102]
        inked = np.flatnonzero((band > 0.5).any(axis=0))
        if not len(inked):
            continue
        gaps = np.flatnonzero(np.diff(inked) > 8)
        walls = [inked[0] - 8, *((inked[gaps] + inked[gaps + 1]) // 2).tolist(), inked[-1] + 8]
        top = 60 + 160 * line - 14
        for y in (top, top + 116):
            boxed[y : y + 3, walls[0] : walls[-1] + 3] = np.maximum(
                boxed[y : y + 3, walls[0] : walls[-1] + 3], strength
            )
        for x in walls:
            boxed[top : top + 119, x : x + 3] = np.maximum(boxed[top : top + 119, x : x + 3], strength)
    return photographed(boxed, rng)


def receipt(page: Plane, rng: np.random.Generator) -> Image.Image:
    """A narrow strip of paper on a desk, a little turned."""
    paper = photographed(page, rng)
    angle = float(rng.uniform(-3, 3))
    turned = paper.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    where = Image.new("L", paper.size, 255).rotate(angle, Image.Resampling.BICUBIC, expand=True)
    desk = Image.new("L", (turned.width + 400, turned.height + 300), int(rng.integers(20, 90)))
    desk.paste(turned, (200, 150), where)
    return desk


def blackboard(page: Plane, rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(255 - np.asarray(photographed(page, rng)))


def main() -> None:
    model, test = load_model(), load_data("mnist")["test"]
    kinds: dict[str, Callable[[Plane, np.random.Generator], Image.Image]] = {
        "white paper": white, "photographed paper": photographed, "ruled paper": ruled, "blackboard": blackboard,
        "squared paper": squared, "boxes of a form": form, "a receipt on a desk": receipt
    }  # fmt: skip
    print("| pages | all found, in order (count a line) | whole page read right | digits read right | n |")
    print("|---|---|---|---|---|")
    for name, kind in kinds.items():
        for lines in (1, 3):
            print(row(f"{name}, {lines} line{'s' if lines > 1 else ''}", model, test, kind, lines), flush=True)


def row(
    name: str,
    model: Model,
    test: Split,
    kind: Callable[[Plane, np.random.Generator], Image.Image],
    lines: int,
) -> str:
    rng = np.random.default_rng(lines)
    shaped, whole, right, digits = 0, 0, 0, 0
    for _ in range(PAGES):
        page, wanted = compose(test, rng, lines)
        found = _plain(read(model, kind(page, rng)))
        same = [len(line) for line in found.split("\n")] == [len(line) for line in wanted.split("\n")]
        shaped += same
        whole += found == wanted
        digits += len(wanted.replace("\n", ""))
        right += sum(a == b != "\n" for a, b in zip(found, wanted, strict=True)) if same else 0
    return f"| {name} | {shaped / PAGES:.0%} | {whole / PAGES:.0%} | {right / digits:.1%} | {PAGES} |"


def _plain(reading: Reading) -> str:
    return reading.label.replace(" ", "")


if __name__ == "__main__":
    main()
