"""Framing once more in JavaScript: given the same pixels, what Python makes of them within one level."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

import imagewise
from imagewise.model import load_model
from imagewise.picture import Framing, frame, read_picture
from imagewise.segmentation import segment

NODE = shutil.which("node")
PAGE = Path(imagewise.__file__).parent / "server" / "page"
DATA = Path(os.environ.get("IMAGEWISE_DATA", "/nowhere"))
INK = Framing("ink", 28, 28, 1)
Answer = tuple[dict[str, Any], NDArray[np.uint8]]

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js to run the page's JavaScript")


def in_javascript(pictures: list[Image.Image], framings: list[Framing], segmented: bool = False) -> Iterator[Answer]:
    parts = []
    for picture, framing in zip(pictures, framings, strict=True):
        levels = np.asarray(picture.convert("RGBA") if picture.mode == "LA" else picture)
        shape = {
            "height": picture.height,
            "width": picture.width,
            "channels": levels.size // picture.width // len(levels),
        }
        header = shape | {"framing": framing.as_dict(), "segment": segmented}
        parts += [json.dumps(header).encode() + b"\n", levels.tobytes()]
    command = [str(NODE), str(Path(__file__).with_name("frame_pictures.mjs")), *map(str, _modules())]
    answer = subprocess.run(command, input=b"".join(parts), stdout=subprocess.PIPE, check=True).stdout
    for _ in pictures:
        line, _, answer = answer.partition(b"\n")
        header = json.loads(line)
        yield header, np.frombuffer(answer[: header["length"]], dtype=np.uint8)
        answer = answer[header["length"] :]


def _modules() -> list[Path]:
    return [PAGE / "framing.js", PAGE / "segmentation.js"]


def seven(size: int, rng: np.random.Generator) -> Image.Image:
    """A 7 of straight strokes on paper, somewhere, of some pen, in some light, as people would photograph it."""
    height, width = size, max(8, int(size * rng.uniform(0.6, 1.6)))
    paper, ink = sorted(rng.integers(0, 256, 2).tolist(), key=lambda v: v, reverse=bool(rng.integers(2)))
    picture = Image.new("L", (width, height), paper)
    places = [(x * width + rng.normal(0, 0.03 * width), y * height) for x, y in [(0.3, 0.25), (0.7, 0.25), (0.4, 0.8)]]
    pen = ImageDraw.Draw(picture)
    pen.line(places, fill=ink, width=max(1, int(size * rng.uniform(0.01, 0.12))), joint="curve")
    if rng.random() < 0.3:
        pen.line([(0, height * 0.9), (width, height * 0.88)], fill=ink, width=max(1, size // 100))
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
    levels = np.asarray(picture, dtype=np.float64)
    if rng.random() < 0.6:
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        levels = levels * (1 - rng.uniform(0, 0.5) * (x + y) / 2) + rng.normal(0, rng.uniform(0, 10), levels.shape)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def synthetic(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(1)
    made = []
    for number in range(count):
        picture = seven(int(rng.choice([12, 28, 30, 64, 150, 300, 700])), rng)
        made.append(picture if number % 3 else _coloured(picture, see_through=number % 2 == 0))
    return made


def _coloured(picture: Image.Image, see_through: bool) -> Image.Image:
    levels = np.asarray(picture)
    colours = [levels, levels // 2 + 60, 255 - levels // 3]
    return Image.fromarray(np.stack([*colours, 255 - levels] if see_through else colours, axis=2))


def real(count: int) -> list[Image.Image]:
    """MNIST's pictures as they are, enlarged, inverted, on grey paper, with noise; and photographed digits."""
    rng = np.random.default_rng(2)
    with gzip.open(DATA / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        digits = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    made = [read_picture(file) for file in sorted((DATA / "ink-photos").glob("*.png"))]
    for number, index in enumerate(rng.choice(len(digits), count - len(made), replace=False)):
        picture = Image.fromarray(digits[index])
        if number % 5:
            side = int(rng.integers(29, 500))
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        levels = np.asarray(picture, dtype=np.float64)
        if number % 2:
            levels = 255 - levels
        if number % 5 > 2:
            levels = 40 + levels * 0.7 + rng.normal(0, 6, levels.shape)
        made.append(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)))
    return made


def assert_same(pictures: list[Image.Image], framings: list[Framing]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    wanted = [frame(picture, framing) for picture, framing in zip(pictures, framings, strict=True)]
    found = [
        levels.reshape(f.shape) for f, (_, levels) in zip(framings, in_javascript(pictures, framings), strict=True)
    ]
    differences = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(wanted, found, strict=True)]
    assert max(differences) <= 1, [(i, pictures[i], d) for i, d in enumerate(differences) if d > 1]
    return np.stack(wanted), np.stack(found)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(partial(synthetic, 60), id="synthetic"),
        pytest.param(
            partial(real, 200),
            id="real",
            marks=[
                pytest.mark.real_data,
                pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="IMAGEWISE_DATA names no folder with mnist"),
            ],
        ),
    ],
)
def test_ink_is_framed_as_python_does_and_recognised_as_the_same(make: Any) -> None:
    pictures = make()
    wanted, found = assert_same(pictures, [INK] * len(pictures))
    model = load_model()
    assert np.array_equal(model.predict_batch(wanted).argmax(1), model.predict_batch(found).argmax(1))


@pytest.mark.parametrize("channels", [1, 3])
def test_photographs_are_resized_and_cropped_as_pillow_does(channels: int) -> None:
    pictures = synthetic(40)
    assert_same(pictures, [Framing("photo", 32, 48, channels)] * len(pictures))


def test_pictures_of_one_pixel_and_of_one_level_are_framed() -> None:
    sizes = [(1, 1), (1, 50), (50, 1), (28, 28), (300, 200), (1, 600)]
    pictures = [Image.new("L", size, level) for size in sizes for level in (0, 128, 255)]
    assert_same(pictures, [INK] * len(pictures))
    assert_same(pictures, [Framing("photo", 9, 7, 3)] * len(pictures))


def test_several_characters_are_found_where_python_finds_them() -> None:
    rng = np.random.default_rng(3)
    pages = []
    for size in (60, 90, 160):
        page = Image.new("L", (9 * size, 4 * size), 230)
        for place in range(8):
            digit = seven(size, rng).resize((size // 2, size))
            levels = np.asarray(digit).astype(int)
            dark = Image.fromarray(
                np.where(np.abs(levels - levels[0, 0]) > np.ptp(levels) / 2, 30, 230).astype(np.uint8)
            )
            page.paste(dark, (size // 2 + (place % 4) * 2 * size, size // 2 + place // 4 * 2 * size))
        pages.append(page)
    for page, (header, framed) in zip(pages, in_javascript(pages, [INK] * 3, segmented=True), strict=True):
        found = segment(page)
        assert len(found) >= 4
        wanted = [[c.box.left, c.box.top, c.box.width, c.box.height, c.line, c.starts_word] for c in found]
        assert header["boxes"] == wanted
        difference = np.abs(np.concatenate([c.framed.ravel() for c in found]).astype(int) - framed)
        assert difference.max() <= 1
