"""Pictures of grounds before anything is written: plain, crumpled, cloth, a sheet on a desk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from .splines import Points

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]


def plain(size: tuple[int, int], colour: Colour) -> Image.Image:
    """An even ground."""
    return Image.new("RGB", size, colour)


def crumpled(size: tuple[int, int], colour: Colour, rng: np.random.Generator) -> Image.Image:
    """Paper with folds: each is lighter on one of its sides and darker on the other."""
    y, x = np.mgrid[0:1:96j, 0:1:96j]
    light = np.ones_like(x)
    for _ in range(int(rng.integers(4, 12))):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(0.1, 0.9)
        distance = (x - offset) * np.cos(angle) + (y - rng.uniform(0.1, 0.9)) * np.sin(angle)
        sharpness = rng.uniform(0.01, 0.08)
        light -= rng.uniform(0.01, 0.05) * distance / sharpness * np.exp(0.5 - 0.5 * (distance / sharpness) ** 2)
        light += rng.uniform(-0.03, 0.03) * np.tanh(distance / 0.05)
    return multiplied(plain(size, colour), np.clip(light / light.max(), 0.7, 1))


def cloth(size: tuple[int, int], colour: Colour, strength: float, rng: np.random.Generator) -> Image.Image:
    """A tablecloth: checks, stripes or dots that are darker than the ground by up to `strength` levels."""
    width, height = size
    pitch = max(6.0, min(size) * float(rng.uniform(0.06, 0.3)))
    x, y = np.arange(width) / pitch + rng.random(), np.arange(height) / pitch + rng.random()
    across = ((x % 1) < 0.5).astype(np.uint8)
    down = ((y % 1) < 0.5).astype(np.uint8)
    kind = rng.choice(["checks", "stripes", "dots"])
    if kind == "checks":
        pattern = across[None, :] + down[:, None]
    elif kind == "stripes":
        pattern = np.broadcast_to(2 * across[None, :], (height, width))
    else:
        inside = ((x % 1) - 0.5)[None, :] ** 2 + ((y % 1) - 0.5)[:, None] ** 2 < rng.uniform(0.04, 0.12)
        pattern = 2 * inside.astype(np.uint8)
    hue = rng.uniform(0.3, 1, 3)
    darker = np.clip(np.array(colour) - strength * hue / hue.mean(), 0, 255)
    between = (np.array(colour) + darker) / 2
    palette = np.array([colour, between, darker]).round().astype(np.uint8)
    return Image.fromarray(palette[pattern])


def sheet_on_desk(sheet: Image.Image, digit: Box, level: float, grey: bool, rng: np.random.Generator) -> Image.Image:
    """The sheet, cut to a quadrilateral around the digit, on a darker desk."""
    width, height = sheet.size
    desk = desk_of(sheet.size, level - float(rng.uniform(45, 150)), grey, rng)
    fine = 2 if max(sheet.size) <= 600 else 1
    mask = Image.new("L", (width * fine, height * fine))
    corners = sheet_corners(sheet.size, digit, rng) * fine
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners.tolist()], fill=255)
    desk.paste(sheet, mask=mask.reduce(fine) if fine > 1 else mask)
    return desk


def sheet_corners(size: tuple[int, int], digit: Box, rng: np.random.Generator) -> Points:
    """Corners of the sheet in pixels (4, 2), in order: inside the picture, well outside of the digit."""
    width, height = size
    left, top, right, bottom = digit
    room = 0.12 * max(right - left, bottom - top) + 2
    far = rng.uniform(0.03, 0.2, (4, 2)) * (width, height)  # from each corner of the picture
    near = np.array([[left, top], [width - right, top], [width - right, height - bottom], [left, height - bottom]])
    inset = np.minimum(far, np.maximum(near - room, 1))
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    origin = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return np.asarray(origin + signs * inset, np.float64)


def desk_of(size: tuple[int, int], level: float, grey: bool, rng: np.random.Generator) -> Image.Image:
    """A desk: even, of wood, or speckled."""
    level = float(np.clip(level, 15, 190))
    colour = np.full(3, level) if grey else level * rng.uniform(0.8, 1.2, 3)
    kind = rng.choice(["even", "wood", "speckled"])
    small = np.full((96, 96), 0.0)
    if kind == "wood":
        grain = rng.normal(0, 1, (96, 4)).repeat(24, axis=1)
        small = 0.09 * grain + 0.05 * np.sin(np.linspace(0, rng.uniform(8, 40), 96))[:, None]
    elif kind == "speckled":
        small = rng.normal(0, 0.1, (96, 96))
    turned = small if rng.random() < 0.5 else small.T
    factor = np.clip(1 + turned, 0.6, 1.2) / 1.2
    top = np.clip(colour * 1.2, 0, 255).round().astype(int).tolist()
    return multiplied(plain(size, (top[0], top[1], top[2])), factor)


def multiplied(picture: Image.Image, factor: NDArray[np.float64]) -> Image.Image:
    """The picture with each pixel multiplied by a coarse field of factors 0..1, smoothly enlarged."""
    coarse = Image.fromarray((np.clip(factor, 0, 1) * 255).round().astype(np.uint8))
    field = coarse.resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(picture, field if picture.mode == "L" else Image.merge("RGB", (field,) * 3))
