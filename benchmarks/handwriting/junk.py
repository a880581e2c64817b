"""Pictures that show no single digit, of which no reader may be sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from .camera import light, noisy, through_jpeg
from .drawing import Drawn
from .grounds import cloth, desk_of, multiplied, plain
from .hands import write, writer
from .layout import longer_side
from .letters import LETTERS, SIGNS
from .papers import PAPERS
from .pens import PENS
from .scene import Made, compose
from .splines import Points
from .subjects import Subject, with_pen
from .ways import WAYS

Strokes = list[Points]


def generate_junk(count: int, seed: int, start: int = 0) -> Iterator[Drawn]:
    """Pictures number `start` to `start + count - 1` of this seed; label -1, `way` such as "junk letter A"."""
    for index in range(start, start + count):
        yield draw_junk(index, seed)


def draw_junk(index: int, seed: int) -> Drawn:
    """Picture number `index` of this seed. All kinds come equally often."""
    kinds: dict[str, Callable[[np.random.Generator], tuple[str, str, str, Made]]] = {
        "blank paper": blank,
        "even": even,
        "dot": dot,
        "gradient": gradient,
        "letter": letter,
        "scribble": scribble,
        "several digits": several,
        "sign": sign,
        "texture": texture,
    }
    kind = list(kinds)[index % len(kinds)]
    detail, pen, paper, (picture, ink) = kinds[kind](np.random.default_rng((seed, index, 2)))
    return Drawn(picture, -1, f"junk {kind} {detail}".rstrip(), pen, paper, ink)


def on_paper(
    detail: str, lines: Strokes, rng: np.random.Generator, room: Points | None = None, empty: bool = False
) -> tuple[str, str, str, Made]:
    """Lines with some pen on some paper, or that paper alone."""
    paper = str(rng.choice(list(PAPERS)))
    pen = str(rng.choice(PAPERS[paper].pens))
    subject: Subject = with_pen(lines, PENS[pen], rng, room)
    return detail, "" if empty else pen, paper, compose(subject, PENS[pen], paper, rng, empty)


def whole_line() -> Points:
    """Opposite corners of the place that a character has on a line, so that a dot stays a dot."""
    return np.array([[0.0, 0.0], [0.6, 1.0]])


def blank(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """Paper that nobody wrote on; squares, lines, dots and boxes may be printed on it."""
    return on_paper("", [whole_line()], rng, empty=True)


def letter(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """A letter, as one writer writes it."""
    name = str(rng.choice(list(LETTERS)))
    return on_paper(name, write(LETTERS[name], writer(rng), rng), rng)


def sign(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """A sign, as one writer writes it, as small in its line as it is."""
    name = str(rng.choice(list(SIGNS)))
    return on_paper(name, write(SIGNS[name], writer(rng), rng), rng, whole_line())


def dot(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """One touch of the pen, anywhere."""
    at = rng.uniform(0, 1, 2)
    return on_paper("", [np.array([at, at + 0.002])], rng, whole_line())


def scribble(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """Lines to and fro, a spiral, or crossed lines anywhere."""
    count = int(rng.integers(12, 40))
    kind = str(rng.choice(["to and fro", "spiral", "anywhere"]))
    at = np.linspace(0, 1, count * 8)[:, None]
    if kind == "spiral":
        turns = 2 * np.pi * rng.uniform(3, 8) * at + rng.uniform(0, 6)
        radius = 0.5 * (1 - rng.uniform(0.7, 0.95) * at) + 0.04 * np.sin(turns * rng.uniform(0.2, 0.7))
        line = np.hstack([radius * np.cos(turns) * rng.uniform(0.6, 1.6), radius * np.sin(turns)])
        return on_paper(kind, [line], rng)
    corners = rng.uniform(0, 1, (count, 2))
    if kind == "to and fro":
        corners[:, 1] = np.linspace(0, 1, count) + rng.normal(0, 0.05, count)
        corners[:, 0] = np.arange(count) % 2 * rng.uniform(0.5, 1.5) + rng.normal(0, 0.1, count)
    places = at[:, 0] * (count - 1)
    line = np.stack([np.interp(places, np.arange(count), corners[:, axis]) for axis in (0, 1)], axis=1)
    return on_paper(kind, [line], rng)


def several(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """Two to five digits side by side."""
    by, left = writer(rng), 0.0
    lines: Strokes = []
    for _ in range(int(rng.integers(2, 6))):
        ways = list(WAYS[int(rng.integers(10))].values())
        strokes = write(ways[int(rng.integers(len(ways)))], by, rng)
        low, high = (f([f(line[:, 0]) for line in strokes]) for f in (np.min, np.max))
        lines += [line + np.array([left - low, 0]) for line in strokes]
        left += float(high - low) + float(rng.uniform(0.12, 0.4))
    return on_paper("", lines, rng)


def nothing(picture: Image.Image, detail: str) -> tuple[str, str, str, Made]:
    """A picture without any ink."""
    return detail, "", "none", (picture, np.zeros(picture.size[::-1], np.bool_))


def frame_size(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height of a picture."""
    side = min(longer_side(rng), 1000)
    return side, max(20, round(side * float(rng.uniform(0.6, 1))))


def even(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """Black, white or one colour, half of them with noise."""
    tones = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128)}
    name = str(rng.choice([*tones, "colour"]))
    red, green, blue = tones.get(name, (int(v) for v in rng.integers(0, 256, 3)))
    picture = plain(frame_size(rng), (red, green, blue))
    return nothing(noisy(picture, float(rng.uniform(1, 12)), rng) if rng.random() < 0.5 else picture, name)


def gradient(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """From one lightness to another, straight, round, or as a shadow falls."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    kind = str(rng.choice(["straight", "round", "shadow"]))
    angle = rng.uniform(0, 2 * np.pi)
    field = {
        "straight": 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle)),
        "round": 1 - 0.45 * (x**2 + y**2),
        "shadow": light(True, rng),
    }[kind]
    grey = plain(frame_size(rng), (255, 255, 255)) if rng.random() < 0.5 else plain(frame_size(rng), (180, 200, 230))
    picture = multiplied(grey, np.clip(field, 0, 1))
    return nothing(through_jpeg(picture, int(rng.integers(30, 96))) if rng.random() < 0.5 else picture, kind)


def texture(rng: np.random.Generator) -> tuple[str, str, str, Made]:
    """Noise, a desk, cloth, bricks of light: pictures of things that nobody wrote."""
    size = frame_size(rng)
    kind = str(rng.choice(["noise", "desk", "cloth", "clouds", "blobs"]))
    if kind == "desk":
        return nothing(desk_of(size, float(rng.uniform(40, 190)), False, rng), kind)
    if kind == "cloth":
        return nothing(cloth(size, (220, 214, 200), float(rng.uniform(40, 160)), rng), kind)
    cells = {"noise": size[::-1], "clouds": (7, 7), "blobs": (24, 24)}[kind]
    field = Image.fromarray(rng.integers(0, 256, cells).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    if kind == "blobs":
        field = field.point(lambda level: 30 if level < 110 else 225)
    return nothing(field, kind)
