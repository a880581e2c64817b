"""One simple resize for single planes: area averages when reducing, straight lines between pixels when enlarging.

Pillow resizes photographs. Here each side is one small matrix product, which any language repeats to the last bit but
rounding: framing ink is written once more in JavaScript.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]


def resize_plane(levels: Levels, height: int, width: int) -> Levels:
    """(H, W) float32 to (height, width) float32. A size that stays is not touched."""
    if levels.shape[0] != height:
        levels = weights(levels.shape[0], height) @ levels
    if levels.shape[1] != width:
        levels = levels @ weights(levels.shape[1], width).T
    return levels


def weights(before: int, after: int) -> Levels:
    """(after, before) float32, rows adding up to 1: how much of each old pixel goes into each new one."""
    step = before / after
    new, old = np.arange(after)[:, None], np.arange(before)[None, :]
    if step >= 1:  # the share of the new pixel that each old one covers
        share = np.minimum((new + 1) * step, old + 1) - np.maximum(new * step, old)
    else:  # the new pixel's centre between the two nearest old ones
        share = 1 - np.abs(np.clip((new + 0.5) * step - 0.5, 0, before - 1) - old)
    share = np.maximum(share, 0)
    scaled: Levels = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled
