"""Where a model looked: how much its answer loses when a place is hidden (Zeiler and Fergus 2014, section 4.2)."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.decoding import Pixels
from imagewise.model.model import Model
from imagewise.model.session import Probabilities

FINE_UP_TO = 112  # pixels; 196 runs of a pretrained network at 224 pixels take 2 s on a server, 15 s in a browser
_GROUND = {"ink": 0, "photo": 128, "letterbox": 128, "squash": 128}  # what a hidden place is filled with


def patch_size(height: int, width: int) -> int:
    """Side of a patch in pixels: 14 along the longer side, but 7 of large pictures, each of which takes longer."""
    side = max(height, width)
    return max(4, ceil(side / (14 if side <= FINE_UP_TO else 7)))


def occlusion(model: Model, framed: Pixels, probabilities: Probabilities) -> NDArray[np.float32]:
    """How much of the best class's probability goes when each patch is hidden: (rows, columns) float32, 0..1.

    Args:
        framed: (H, W, C) uint8.
        probabilities: the model's answer to it, (classes,).
    """
    height, width, _ = framed.shape
    patch = patch_size(height, width)
    corners = [(top, left) for top in range(0, height, patch) for left in range(0, width, patch)]
    hidden = np.repeat(framed[None], len(corners), axis=0)
    for picture, (top, left) in zip(hidden, corners, strict=True):
        picture[top : top + patch, left : left + patch] = _GROUND[model.framing.kind]
    best = int(probabilities.argmax())
    drops = np.maximum(probabilities[best] - model.predict_batch(hidden)[:, best], 0)
    grid: NDArray[np.float32] = drops.reshape(ceil(height / patch), ceil(width / patch))
    return grid
