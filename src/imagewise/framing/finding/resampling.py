"""One simple resize for single planes: area averages when reducing, straight lines between pixels when enlarging.

Pillow resizes photographs. Here large pictures are first reduced by a whole number, and then each side is one small
matrix product, which any language repeats to the last bit but rounding: framing ink is written once more in JavaScript.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]
LUMA = np.array([299, 587, 114], dtype=np.float32)  # thousandths of red, green and blue (ITU-R BT.601)


def reduce_by(levels: NDArray[np.uint8], factor: int) -> Levels:
    """(H, W, C) uint8, C 1 or 3, to grey (H // factor, W // factor): the mean of each block of factor x factor pixels.

    Pixels at the right and the bottom that fill no block are left out. A side shorter than `factor` becomes 1.
    """
    high, wide = min(factor, levels.shape[0]), min(factor, levels.shape[1])
    height, width = levels.shape[0] // high, levels.shape[1] // wide
    rows: NDArray[np.uint32] = levels[: height * high : high].astype(np.uint16 if high <= 257 else np.uint32)
    for row in range(1, high):
        rows += levels[row : height * high : high]
    # whole numbers as far as float32 holds them, so that any language finds the same
    grey = rows.astype(np.float32) @ (LUMA if levels.shape[2] == 3 else LUMA.sum(keepdims=True))
    sums = grey[:, : width * wide : wide].copy()
    for column in range(1, wide):
        sums += grey[:, column : width * wide : wide]
    return (sums / np.float32(float(LUMA.sum()) * high * wide)).astype(np.float32)


def resize_plane(levels: Levels, height: int, width: int) -> Levels:
    """(H, W) float32 to (height, width) float32. A size that stays is not touched."""
    # summed in float64, so that the float32 does not depend on the order of the sums
    if levels.shape[0] != height:
        levels = (weights(levels.shape[0], height).astype(np.float64) @ levels).astype(np.float32)
    if levels.shape[1] != width:
        levels = (levels @ weights(levels.shape[1], width).astype(np.float64).T).astype(np.float32)
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
