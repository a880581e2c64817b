"""What cameras and files do: low contrast, coarse pixels, JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image

from imagewise.evaluation.corruptions.corruption import Pictures, Strength


def contrast(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Nearer to the mean of each channel."""
    left = np.float32(strength.of((0.4, 0.3, 0.2, 0.1, 0.05)))
    means = pictures.mean(axis=(1, 2), keepdims=True)
    return np.asarray((pictures - means) * left + means, dtype=np.float32)


def pixelate(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Reduced and enlarged again."""
    share = strength.of((0.6, 0.5, 0.4, 0.3, 0.25))
    _, height, width, _ = pictures.shape
    small = max(1, int(width * share)), max(1, int(height * share))
    box = Image.Resampling.BOX
    return _each(pictures, lambda image: image.resize(small, box).resize((width, height), box))


def jpeg(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A JPEG file of low quality."""
    quality = strength.of((25, 18, 15, 10, 7))

    def compressed(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _each(pictures, compressed)


def _each(pictures: Pictures, change: Callable[[Image.Image], Image.Image]) -> Pictures:
    levels = np.rint(pictures * 255).astype(np.uint8)
    changed = np.empty_like(pictures)
    for place, picture in enumerate(levels):
        image = change(Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture))
        changed[place] = np.asarray(image, dtype=np.float32).reshape(picture.shape) / 255
    return changed
