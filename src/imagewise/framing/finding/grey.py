"""Grey levels of a picture, reduced to a working size: plain arithmetic, the same in JavaScript."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.framing.finding.resampling import reduce_by, resize_plane

Levels = NDArray[np.float32]


def grey_levels(picture: Image.Image, side: int) -> Levels:
    """Grey levels (H, W) float32, 0 to 255, the longer side at most `side`.

    A see-through drawing comes on the ground it stands out from: black strokes on white, white ones on black.
    """
    pixels = np.asarray(picture)
    pixels = pixels.reshape(picture.height, picture.width, -1)
    if picture.mode in ("LA", "RGBA"):
        pixels = _laid_on(pixels[..., :-1], (pixels[..., -1:] / np.float32(255)).astype(np.float32))
    levels = reduce_by(pixels, max(1, max(picture.size) // side))
    scale = side / max(levels.shape)
    if scale >= 1:
        return levels
    return resize_plane(levels, *(max(1, round(length * scale)) for length in levels.shape))


def _laid_on(colours: NDArray[np.uint8], alpha: Levels) -> NDArray[np.uint8]:
    """See-through colours (H, W, C) on black or white."""
    seen = colours * alpha
    ground = 255 if float(seen.mean(dtype=np.float64)) < 128 * float(alpha.mean(dtype=np.float64)) else 0
    laid: NDArray[np.uint8] = np.clip(seen + ground * (1 - alpha) + 0.5, 0, 255).astype(np.uint8)
    return laid
