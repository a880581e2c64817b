"""Grey levels of a picture, reduced to a working size: plain arithmetic, the same in JavaScript."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.framing.finding.resampling import reduce_by, resize_plane

Levels = NDArray[np.float32]

_PIXELS_AT_ONCE = 2**18


def grey_levels(picture: Image.Image, side: int) -> Levels:
    """Grey levels (H, W) float32, 0 to 255, the longer side at most `side`.

    A see-through drawing comes on the ground it stands out from: black strokes on white, white ones on black.
    """
    pixels = np.asarray(picture)
    pixels = pixels.reshape(picture.height, picture.width, -1)
    if picture.mode in ("LA", "RGBA"):
        pixels = _laid_on(pixels[..., :-1], pixels[..., -1:])
    levels = reduce_by(pixels, max(1, max(picture.size) // side))
    scale = side / max(levels.shape)
    if scale >= 1:
        return levels
    return resize_plane(levels, *(max(1, round(length * scale)) for length in levels.shape))


def _laid_on(colours: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """See-through colours (H, W, C) on black or white, some rows at a time: all at once takes 50 bytes a pixel."""
    rows = max(1, _PIXELS_AT_ONCE // colours.shape[1])
    parts = [slice(start, start + rows) for start in range(0, len(colours), rows)]
    shares = ((alpha[part] / np.float32(255)).astype(np.float32) for part in parts)
    seen, covered = 0.0, 0.0
    for part, share in zip(parts, shares, strict=True):
        seen += float((colours[part] * share).sum(dtype=np.float64))
        covered += float(share.sum(dtype=np.float64))
    ground = 255 if seen < 128 * covered * colours.shape[2] else 0
    laid = np.empty(colours.shape, dtype=np.uint8)
    for part in parts:
        share = (alpha[part] / np.float32(255)).astype(np.float32)
        laid[part] = np.clip(colours[part] * share + ground * (1 - share) + 0.5, 0, 255).astype(np.uint8)
    return laid
