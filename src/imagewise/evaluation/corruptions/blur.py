"""Blur: glass, motion, defocus and zoom."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from imagewise.evaluation.corruptions.corruption import Pictures, Strength

_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))  # deviation, reach, rounds
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # length, deviation
_DEFOCUS = (3, 4, 6, 8, 10)  # radius
_ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # below which factor, in which steps


def smooth(pictures: Pictures, deviation: float) -> Pictures:
    """Gaussian blur along height and width; the pictures' edges are repeated."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pictures, (0, deviation, deviation, 0), mode="nearest"))


def glass_blur(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Frosted glass in front of a photograph: pixels change places with neighbours."""
    return _glass(pictures, strength, chance, share=1.0)


def light_glass_blur(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """The same with half of the pixels, as MNIST-C has it."""
    return _glass(pictures, strength, chance, share=0.5)


def _glass(pictures: Pictures, strength: Strength, chance: Generator, share: float) -> Pictures:
    deviation, reach, rounds = strength.of(_GLASS)
    deviation, moved = deviation * strength.scale, reach * strength.scale
    reach, share = max(1, round(moved)), share * min(1.0, moved)  # less than a pixel: only some pixels move
    blurred = smooth(pictures, deviation)
    count, height, width, _ = blurred.shape
    every = np.arange(count)
    for _ in range(rounds):
        for y in range(height - reach, reach, -1):
            moves = chance.integers(-reach, reach, (2, width, count))
            moves *= chance.random((width, count)) < share
            for x in range(width - reach, reach, -1):
                other_y, other_x = y + moves[0, x], x + moves[1, x]
                here = blurred[:, y, x].copy()
                there = blurred[every, other_y, other_x]
                blurred[every, other_y, other_x] = here
                blurred[:, y, x] = there
    return smooth(blurred, deviation)


def motion_blur(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A camera that moves in a direction within 45 degrees of the horizontal."""
    length, deviation = strength.of(_MOTION)
    angles = chance.uniform(-45, 45, len(pictures))
    return streaks(pictures, length * strength.scale, deviation * strength.scale, angles)


def streaks(pictures: Pictures, length: float, deviation: float, degrees: NDArray[np.float64]) -> Pictures:
    """Each picture blurred to one side along its own direction, with the weights of half a Gaussian.

    So ImageMagick's motion blur is, which both papers use: `length` is its radius.
    """
    taps = 2 * int(np.ceil(length)) + 1
    steps = np.arange(taps)
    weights = np.exp(-(steps**2) / (2 * max(deviation, 1e-3) ** 2)).astype(np.float32)
    weights /= weights.sum()
    down = np.ceil(steps * np.sin(np.radians(degrees))[:, None] - 0.5).astype(int)
    across = np.ceil(steps * np.cos(np.radians(degrees))[:, None] - 0.5).astype(int)
    _, height, width, _ = pictures.shape
    blurred = np.zeros_like(pictures)
    for result, picture, rows, columns in zip(blurred, pictures, down, across, strict=True):
        framed = np.pad(picture, ((taps, taps), (taps, taps), (0, 0)), mode="edge")
        for weight, y, x in zip(weights, rows + taps, columns + taps, strict=True):
            result += weight * framed[y : y + height, x : x + width]
    return blurred


def defocus_blur(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A lens out of focus: each point becomes a disc."""
    from scipy.signal import fftconvolve

    radius = strength.of(_DEFOCUS) * strength.scale
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(y, x), 0, 1).astype(np.float32)
    disc /= disc.sum()
    framed = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    return np.asarray(fftconvolve(framed, disc[None, :, :, None], mode="valid", axes=(1, 2)), dtype=np.float32)


def zoom_blur(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A camera that moves towards its object: the mean of enlarged pictures."""
    below, step = strength.of(_ZOOM)
    factors = np.arange(1, below - 1e-9, step)
    total = pictures.copy()
    for factor in factors:
        total += enlarged(pictures, float(factor))
    return total / np.float32(len(factors) + 1)


def enlarged(pictures: Pictures, factor: float) -> Pictures:
    """The middle of each picture, enlarged to the picture's size; in 8 bits a value."""
    _, height, width, channels = pictures.shape
    top, left = height * (1 - 1 / factor) / 2, width * (1 - 1 / factor) / 2
    levels = np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)
    result = np.empty_like(pictures)
    for place, picture in enumerate(levels):
        image = Image.fromarray(picture[:, :, 0] if channels == 1 else picture)
        box = (left, top, width - left, height - top)
        larger = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
        result[place] = np.asarray(larger, dtype=np.float32).reshape(height, width, channels) / 255
    return result
