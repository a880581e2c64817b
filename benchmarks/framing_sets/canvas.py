"""Chance, light, pens and cameras: what the made pictures of all kinds have in common."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Plane = NDArray[np.float64]  # (height, width), or (height, width, 3) for colour; levels 0..255 or shares 0..1
Points = Sequence[tuple[float, float]]  # x and y as shares of the picture's sides
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Dice:
    """Chance, in the words that a generator needs."""

    rng: np.random.Generator

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """Both ends included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, things: Sequence[Thing]) -> Thing:
        return things[self.whole(0, len(things) - 1)]

    def side(self, low: int = 40, high: int = 400) -> int:
        """A picture's side in pixels: as many between 40 and 80 as between 200 and 400."""
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def noise(self, like: Plane, deviation: float) -> Plane:
        return self.rng.normal(0, deviation, like.shape)


@dataclass(frozen=True)
class Kind:
    """A kind of set: its pictures are made one by one.

    Attributes:
        wanted: the framing that is right.
        make: one picture.
    """

    name: str
    wanted: Literal["ink", "photo"]
    make: Callable[[Dice], Image.Image]


def grid(height: int, width: int) -> tuple[Plane, Plane]:
    """y and x of each pixel, 0..1."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return y, x


def clouds(dice: Dice, height: int, width: int, cells: float, across: float | None = None) -> Plane:
    """Smooth chance, 0..1: so many lumps from top to bottom, and `across` from left to right."""
    rows, columns = max(2, round(cells)), max(2, round(cells if across is None else across))
    rough = Image.fromarray(dice.rng.random((rows, columns)).astype(np.float32))
    levels = np.asarray(rough.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64)
    return np.clip(levels, 0, 1)


def grain(dice: Dice, height: int, width: int) -> Plane:
    """Chance at all sizes, 0..1: as clouds, stone, tissue."""
    parts = [clouds(dice, height, width, cells) / cells**0.5 for cells in (3, 6, 12, 24, 48) if cells < height]
    total = np.sum(parts, axis=0)
    return np.asarray((total - total.min()) / (np.ptp(total) + 1e-9))


def ellipse(
    height: int,
    width: int,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float = 0.0,
    soft: float = 1.0,
) -> Plane:
    """1 within the ellipse and 0 outside. `centre` (x, y) and `radii` are shares of the sides, `soft` is in pixels."""
    y, x = grid(height, width)
    across, down = (x - centre[0]) * width, (y - centre[1]) * height
    one = (across * np.cos(turn) + down * np.sin(turn)) / (radii[0] * width)
    two = (down * np.cos(turn) - across * np.sin(turn)) / (radii[1] * height)
    smaller = min(radii[0] * width, radii[1] * height)
    return np.asarray(np.clip((1 - np.hypot(one, two)) * smaller / soft + 0.5, 0, 1))


def spline(points: Points, steps: int = 8) -> list[tuple[float, float]]:
    """A smooth line through the points (Catmull and Rom 1974)."""
    p = np.array([points[0], *points, points[-1]], dtype=np.float64)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    line: list[tuple[float, float]] = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        found = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        line += [(float(x), float(y)) for x, y in found]
    return [*line, (float(points[-1][0]), float(points[-1][1]))]


def strokes(height: int, width: int, lines: Sequence[Points], pen: float) -> Plane:
    """1 where a pen of `pen` pixels was and 0 elsewhere, with the soft edges of a scan."""
    fine = 3
    picture = Image.new("L", (width * fine, height * fine))
    draw = ImageDraw.Draw(picture)
    across = max(1, round(pen * fine))
    for line in lines:
        places = [(x * width * fine, y * height * fine) for x, y in line]
        draw.line(places, fill=255, width=across, joint="curve")
        for x, y in (places[0], places[-1]):
            draw.ellipse((x - across / 2, y - across / 2, x + across / 2, y + across / 2), fill=255)
    return shares(picture.resize((width, height), Image.Resampling.BOX))


def shares(picture: Image.Image) -> Plane:
    """A grey picture as shares 0..1."""
    return np.asarray(picture.convert("L"), dtype=np.float64) / 255


def mix(share: Plane, under: Plane | Sequence[float] | float, over: Plane | Sequence[float] | float) -> Plane:
    """`over` where the share is 1, `under` where it is 0; colours are three numbers."""
    parts = [np.asarray(part, dtype=np.float64) for part in (under, over)]
    if share.ndim == 2 and any(part.ndim in (1, 3) for part in parts):  # in colour
        share = share[..., None]
        parts = [part[..., None] if part.ndim == 2 else part for part in parts]
    a, b = parts
    return np.asarray(a * (1 - share) + b * share)


def camera(
    dice: Dice,
    levels: Plane,
    blur: float = 0.0,
    noise: float = 0.0,
    quality: tuple[int, int] | None = (35, 95),
) -> Image.Image:
    """The picture as a file would hold it: blurred, noisy, and as a JPEG of a quality by chance, or as a PNG."""
    noisy = levels + dice.noise(levels, noise) if noise else levels
    picture = Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))
    if blur:
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
    if quality is None:
        return picture
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=dice.whole(*quality))
    return Image.open(file)
