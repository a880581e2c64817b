"""Framing once more in JavaScript: given the same pixels, ink as Python frames it, photographs within one level."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.handwriting.drawing import Drawn, generate
from benchmarks.handwriting.papers import PAPERS
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

import imagewise
from imagewise.framing.decoding import read_picture
from imagewise.framing.framing import FRAMING_VERSIONS, Framing, FramingKind, frame
from imagewise.framing.segmentation import segment

NODE = shutil.which("node")
PAGE = Path(imagewise.__file__).parent / "web" / "static"
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


def assert_same(pictures: list[Image.Image], framings: list[Framing], within: int = 0) -> None:
    wanted = [frame(picture, framing) for picture, framing in zip(pictures, framings, strict=True)]
    found = [
        levels.reshape(f.shape) for f, (_, levels) in zip(framings, in_javascript(pictures, framings), strict=True)
    ]
    differences = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(wanted, found, strict=True)]
    assert max(differences) <= within, [(i, pictures[i], d) for i, d in enumerate(differences) if d > within]


def handwriting(count: int, largest: int) -> list[Drawn]:
    """Digits of the generator, on every kind of paper, no picture larger than `largest` pixels."""
    return list(islice((d for d in generate(10 * count, 15_004) if max(d.picture.size) <= largest), count))


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
def test_ink_is_framed_as_python_does(make: Any) -> None:
    pictures = make()
    assert_same(pictures, [INK] * len(pictures))


def test_handwriting_on_any_paper_is_framed_as_python_does() -> None:
    drawn = handwriting(200, largest=600)
    assert {each.paper for each in drawn} == set(PAPERS)  # lined, squared, a sheet on a desk ...
    assert_same([each.picture for each in drawn], [INK] * len(drawn))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 20, 1), (40, 40, 3)])
def test_ink_is_framed_to_any_shape_as_python_does(shape: tuple[int, int, int]) -> None:
    pictures = [each.picture for each in handwriting(20, largest=200)]
    assert_same(pictures, [Framing("ink", *shape)] * len(pictures))


def test_tiny_pictures_are_framed_as_python_does() -> None:
    rng = np.random.default_rng(5)
    sizes = [(height, width) for height in (1, 2, 3, 5, 9, 17, 28) for width in (1, 2, 4, 8, 13, 28, 60)]
    shapes = [size + channels for size in sizes for channels in ((), (3,), (4,))]
    pictures = [Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]
    assert_same(pictures, [INK] * len(pictures))


def test_pictures_without_ink_are_framed_as_python_does() -> None:
    y, x = np.mgrid[0:1:90j, 0:1:120j]
    noise = np.random.default_rng(6).normal(0, 8, x.shape)
    dots = [np.where(np.hypot(x - 0.5, y - 0.5) < radius, 30, 220) for radius in (0.02, 0.1, 0.3)]
    planes = [255 * x, 20 + 100 * (x + y), 200 + noise, 120 + 80 * np.sin(40 * x), *dots]
    pictures = [Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8)) for plane in planes]
    assert_same(pictures, [INK] * len(pictures))


@pytest.mark.parametrize("kind", ["photo", "letterbox", "squash"])
@pytest.mark.parametrize("channels", [1, 3])
def test_photographs_are_resized_and_cropped_as_pillow_does(channels: int, kind: FramingKind) -> None:
    pictures = synthetic(40)
    assert_same(pictures, [Framing(kind, 32, 48, channels)] * len(pictures), within=1)


@pytest.mark.parametrize("side", [32, 80])
def test_photographs_whose_crop_is_rounded_beyond_their_edge_are_framed_as_in_python(side: int) -> None:
    rng = np.random.default_rng(4)
    sizes = [(308, 400), (400, 308), (61, 61), (77, 122), (244, 300)]
    # of little contrast: where nothing is clipped, the order of Pillow's two passes makes no difference
    pictures = [Image.fromarray(rng.integers(90, 166, (height, width, 3), dtype=np.uint8)) for width, height in sizes]
    assert_same(pictures, [Framing("photo", side, side, 3)] * len(pictures), within=1)


def test_pictures_of_one_pixel_and_of_one_level_are_framed() -> None:
    sizes = [(1, 1), (1, 50), (50, 1), (28, 28), (300, 200), (1, 600)]
    pictures = [Image.new("L", size, level) for size in sizes for level in (0, 128, 255)]
    assert_same(pictures, [INK] * len(pictures))
    assert_same(pictures, [Framing("photo", 9, 7, 3)] * len(pictures), within=1)
    assert_same(pictures, [Framing("letterbox", 9, 7, 3)] * len(pictures), within=1)
    assert_same(pictures, [Framing("squash", 9, 7, 3)] * len(pictures), within=1)


@pytest.mark.parametrize("kind", ["ink", "photo", "letterbox", "squash"])
def test_only_models_of_this_version_of_framing_are_taken(kind: str) -> None:
    present = FRAMING_VERSIONS[kind]  # type: ignore[index]  # a literal
    script = f"""
    import {{ checkVersion }} from {json.dumps((PAGE / "framing.js").as_uri())};
    checkVersion({{ kind: "{kind}", version: {present} }});
    for (const version of [{present - 1}, {present + 1}]) {{
      try {{ checkVersion({{ kind: "{kind}", version }}); }} catch (error) {{ console.log(error.message); }}
    }}
    """
    command = [str(NODE), "--input-type=module", "-e", script]
    older, newer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert f"version {present - 1} of {kind} framing" in older
    assert "Train" in older
    assert "Upgrade" in newer


def page_of_sevens(size: int, ground: str, rng: np.random.Generator) -> Image.Image:
    """Two lines of four digits, on blank, lined or squared paper, in boxes, or on a sheet on a desk."""
    page = Image.new("L", (9 * size, 4 * size), 230)
    pen = ImageDraw.Draw(page)
    if ground in ("lined", "squared"):
        for place in range(size // 4, 9 * size, size // 2):
            pen.line([(0, place), (page.width, place)], fill=190)
            if ground == "squared":
                pen.line([(place, 0), (place, page.height)], fill=190)
    for place in range(8):
        left, top = size // 2 + (place % 4) * 2 * size, size // 2 + place // 4 * 2 * size
        levels = np.asarray(seven(size, rng).resize((size // 2, size))).astype(int)
        dark = np.abs(levels - levels[0, 0]) > np.ptp(levels) / 2
        page.paste(30, (left, top), Image.fromarray(dark))
        if ground == "boxes":
            pen.rectangle([left - size // 4, top - size // 4, left + size, top + 5 * size // 4], outline=120, width=2)
    if ground != "sheet":
        return page
    desk = Image.new("L", (12 * size, 6 * size), 70)
    desk.paste(page, (size, size))
    return desk.rotate(2, fillcolor=70, resample=Image.Resampling.BILINEAR)


def test_several_characters_are_found_where_python_finds_them() -> None:
    rng = np.random.default_rng(3)
    grounds = ("blank", "lined", "squared", "boxes", "sheet")
    pages = [page_of_sevens(size, ground, rng) for ground in grounds for size in (60, 160)]
    for page, (header, framed) in zip(pages, in_javascript(pages, [INK] * len(pages), segmented=True), strict=True):
        found = segment(page)
        assert len(found) >= 4
        wanted = [[c.box.left, c.box.top, c.box.width, c.box.height, c.line, c.starts_word] for c in found]
        assert header["boxes"] == wanted
        assert np.array_equal(np.concatenate([c.framed.ravel() for c in found]), framed)
