"""What scanners, cameras and files do to a picture: light, blur, noise, JPEG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from .grounds import multiplied
from .papers import Capture

TILE = 192  # pixels: noise repeats after that many, which saves most of its time


def captured(
    picture: Image.Image, capture: Capture, shadow: bool, contrast: float, width: float, rng: np.random.Generator
) -> Image.Image:
    """The picture as it comes out of a program, a scanner or a camera.

    `contrast` of the ink (levels of 255) and `width` of the pen (pixels) limit noise and blur: a person still reads it.
    """
    if capture == "digital":
        return picture
    photo = capture == "photo"
    if photo:
        picture = multiplied(picture, light(shadow, rng))
    if rng.random() < (0.8 if photo else 0.5):
        picture = blurred(picture, float(rng.uniform(0.15, 0.4)) * min(width, 6.0))
    strength = float(rng.uniform(1, 10 if photo else 6))
    return noisy(picture, min(strength, 0.1 * contrast), rng)


def blurred(picture: Image.Image, spread: float) -> Image.Image:
    """The picture out of focus by this standard deviation in pixels; large ones faster, with a mean over a square."""
    if max(picture.size) < 500:
        return picture.filter(ImageFilter.GaussianBlur(spread))
    return picture.filter(ImageFilter.BoxBlur(spread * 3**0.5))


def light(shadow: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Light on the scene, factors 0..1 on a coarse grid: a slope, darker corners, and the shadow of a hand or head."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    slope = rng.normal(0, 0.06, 2)
    field = 1 + slope[0] * x + slope[1] * y - rng.uniform(0, 0.1) * (x**2 + y**2)
    if shadow:
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.7, 0.7)
        distance = x * np.cos(angle) + y * np.sin(angle) - offset + rng.uniform(-0.4, 0.4) * (x**2 - y**2)
        field -= rng.uniform(0.15, 0.5) / (1 + np.exp(-distance / rng.uniform(0.05, 0.5)))
    return np.asarray(np.clip(field / field.max(), 0.4, 1))


def noisy(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """The picture with a sensor's noise of this standard deviation, in levels of 255; colours differ a little."""
    width, height = picture.size
    bands = len(picture.getbands())
    shape = (min(height, TILE), min(width, TILE))
    grain = rng.standard_normal(shape, np.float32)[..., None] * strength
    if bands == 3:
        grain = grain + rng.standard_normal((*shape, 3), np.float32) * (0.5 * strength)
    levels = np.clip(grain + 128.5, 0, 255).astype(np.uint8)
    times = (-(-height // shape[0]), -(-width // shape[1]), 1)
    tiled = np.tile(levels, times)[:height, :width]
    return ImageChops.add(picture, Image.fromarray(tiled[..., 0] if bands == 1 else tiled), offset=-128)


def through_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """The picture as JPEG of this quality keeps it."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert(picture.mode)
