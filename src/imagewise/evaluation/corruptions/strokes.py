"""What confuses readers of strokes: lines across, stripes, and edges in place of strokes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imagewise.evaluation.corruptions.corruption import Pictures, Strength

_SIDE = 28  # that places are counted in; larger pictures have thicker lines
_REACH = 2.3  # half the width of a line
_TOOTH = 2.0  # height of a zigzag, and half its length
_CANNY_BLUR, _LOW, _HIGH = 1.0, 0.1, 0.2


def dotted_line(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A dotted line from the left edge to the right one."""
    ends = chance.integers(0, 27, (len(pictures), 2))
    columns = _places(pictures.shape[2])
    shown = (columns // 2 % 2 == 1) & (columns < 27)
    lines = [_segments(pictures.shape[1:3], np.array([[0, left], [27, right]], float)) * shown for left, right in ends]
    return pictures + np.stack(lines)[..., None].astype(np.float32)


def zigzag(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """A zigzag line across the picture."""
    starts = chance.integers(0, 27, len(pictures))
    slopes = chance.integers(-5, 5, len(pictures))
    lines = [_segments(pictures.shape[1:3], _zigzag(y, y + rise)) for y, rise in zip(starts, slopes, strict=True)]
    return pictures + np.stack(lines)[..., None].astype(np.float32)


def stripe(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """The left and the right quarter are inverted."""
    striped, width = pictures.copy(), pictures.shape[2]
    for part in (slice(0, width // 4), slice(width - width // 4, width)):
        striped[:, :, part] = 1 - striped[:, :, part]
    return striped


def canny_edges(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Edges instead of strokes, by the algorithm of Canny (1986) with the thresholds of scikit-image."""
    from scipy.ndimage import correlate1d, gaussian_filter, label

    grey = pictures.mean(axis=3).astype(np.float64)
    spread = (0, _CANNY_BLUR * strength.scale, _CANNY_BLUR * strength.scale)
    weight = gaussian_filter(np.ones((1, *grey.shape[1:])), spread, mode="constant")
    smoothed = gaussian_filter(grey, spread, mode="constant") / (weight + np.finfo(float).eps)
    down, across = (  # Sobel's operator; SciPy's would smooth from picture to picture, too
        correlate1d(correlate1d(smoothed, [-1, 0, 1], axis=axis), [1, 2, 1], axis=3 - axis) for axis in (1, 2)
    )
    steep = np.hypot(down, across)
    ridge = _is_ridge(steep, down, across)
    weak, strong = ridge & (steep >= _LOW), ridge & (steep >= _HIGH)
    within = np.zeros((3, 3, 3), dtype=np.int8)  # pixels of one picture touch, pictures do not
    within[1] = 1
    pieces, count = label(weak, within)
    kept = np.zeros(count + 1, dtype=np.bool_)
    kept[pieces[strong]] = True
    kept[0] = False
    return np.repeat(kept[pieces][..., None].astype(np.float32), pictures.shape[3], axis=3)


def _places(length: int) -> NDArray[np.float64]:
    """Of each pixel of a side, in pixels of a 28x28 picture."""
    return np.linspace(0, _SIDE - 1, length)


def _segments(size: tuple[int, ...], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines from each point (x, y) to the next, x ascending: (H, W), 1 in their middle."""
    rows, columns = _places(size[0])[:, None], _places(size[1])
    start, end = points[:-1, :, None, None], points[1:, :, None, None]
    wide = np.where(end[:, 0] > start[:, 0], end[:, 0] - start[:, 0], 1)
    heights = (end[:, 1] - start[:, 1]) / wide * (columns - start[:, 0]) + start[:, 1]
    apart = np.minimum(np.abs(rows - heights), _REACH * (1 - 1e-9))
    level = np.clip(np.log(1 - apart / _REACH) + 1, 0, 1)
    inside = (columns >= np.floor(start[:, 0])) & (columns < np.ceil(end[:, 0]))
    return np.asarray((level * inside).sum(axis=0))


def _zigzag(left: float, right: float) -> NDArray[np.float64]:
    """Corners (x, y) of a zigzag about the line from (2, left) to (25, right)."""
    angle = np.arctan((right - left) / 23)
    length = 23 / np.cos(angle)
    along = np.concatenate([[0], np.arange(_TOOTH, length, 2 * _TOOTH), [length]])
    aside = np.interp(along, np.arange(20) * _TOOTH, np.tile([0, _TOOTH, 0, -_TOOTH], 5))
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.stack([along, aside])
    return np.asarray(turned.T + np.array([2, left]))


def _is_ridge(steep: NDArray[np.float64], down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N, H, W): steeper than both neighbours along the slope, which are interpolated between two pixels each."""
    inner = np.s_[:, 1:-1, 1:-1]
    y, x, middle = down[inner], across[inner], steep[inner]
    height, width = steep.shape[1:]

    def neighbour(dy: int, dx: int) -> NDArray[np.float64]:
        return steep[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]

    ridge = np.zeros(steep.shape, dtype=np.bool_)
    vertical = np.abs(y) >= np.abs(x)
    larger, smaller = np.maximum(np.abs(y), np.abs(x)), np.minimum(np.abs(y), np.abs(x))
    part = np.divide(smaller, larger, out=np.zeros_like(larger), where=larger > 0)
    for falls in (False, True):  # the slope goes along one diagonal, or along the other
        sign = -1 if falls else 1
        straight = np.where(vertical, neighbour(1, 0), neighbour(0, sign))
        opposite = np.where(vertical, neighbour(-1, 0), neighbour(0, -sign))
        one = part * neighbour(1, sign) + (1 - part) * straight
        other = part * neighbour(-1, -sign) + (1 - part) * opposite
        same = (y * x < 0) == falls
        ridge[inner] |= same & (one <= middle) & (other <= middle)
    ridge[inner] &= larger > 0
    return ridge
