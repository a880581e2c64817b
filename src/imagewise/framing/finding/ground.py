"""The ground of a picture, whatever its light, and how much ink is on each of its pixels."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.finding.resampling import resize_plane
from imagewise.framing.finding.windows import largest_around, sum_around, window_sizes
from imagewise.framing.levels import median

Pixels = NDArray[np.uint8]
Levels = NDArray[np.float32]

SMALL_SIDE = 64  # the ground is looked for at this size
_REACH = (
    0.5  # share of the longer side that a stroke may be wide, in a picture cropped to it, before it counts as ground
)
_AROUND = (0.4, 0.2, 0.1)  # shares of the longer side: the surroundings that a pixel is compared with
_RIM = 0.06  # share of the longer side: the picture's border, wider than a frame around it
_SKEWNESS = (2 / 3, 1 / 3, 0)  # weight of the skewness for each of these
_BORDER = 1.75  # how much the border counts, against the skewness
_MOST_BORDER = 1.2  # skewness that the border can outweigh at most: where ink is rare, skewness alone decides
_DARKEST = 0.3  # share of the best light that the rest is taken to have at least
_FLOOR = 0.1  # share of the peak below which nothing is ink
_NOISE = 3.0  # standard deviations of the ground's own noise that are no ink
_CLEAR = 5.5  # standard deviations that ink must differ by at its strongest
_RANGE = 0.2  # share of the picture's range that ink has; less is left of a gradient
_LEAST_NOISE = 2.0  # levels: rounding and JPEG make as much
_PALE = 0.2  # share of the peak from which on a half-tone counts
_BETWEEN = 0.1  # share of the peak: levels so near to the middle are between half-tones and ink
_RARE = 0.2  # share of the pixels that are between: of a gradient it is more
_PATTERN = 2.0  # times as many half-tones as ink: stripes, checks or rules of the ground, which are no ink
_PEAK = 0.85  # quantile of the ink's strengths that is full ink; the rest are the strokes' soft edges


def ink_map(levels: Levels) -> Pixels:
    """Amount of ink on each pixel of (H, W) grey levels: (H, W) uint8, 0 (ground) to 255. Without ink all is 0."""
    small = resize_plane(levels, *small_size(*levels.shape))
    light = _slope(small)
    is_light = _ground_is_light(small - light)
    if not is_light:
        levels, small, light = 255 - levels, 255 - small, -light
    behind = _ground(small - light) + light
    least = _RANGE * (float(levels.max()) - float(levels.min()))
    if is_light:  # ink takes its share of the light that there is; chalk adds its own
        lit = np.maximum(behind / np.float32(behind.max()), np.float32(_DARKEST))
        ground, lit = resize_plane(behind, *levels.shape), resize_plane(lit, *levels.shape)
        return _stretch((ground - levels) / lit, least)
    return _stretch(resize_plane(behind, *levels.shape) - levels, least)


def small_size(height: int, width: int) -> tuple[int, int]:
    """Of the copy in which the ground is looked for."""
    scale = min(1.0, SMALL_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _slope(levels: Levels) -> Levels:
    """The plane nearest to the levels, without its mean: light that falls in from one side."""
    height, width = levels.shape
    y = np.arange(height, dtype=np.float64) - (height - 1) / 2
    x = np.arange(width, dtype=np.float64) - (width - 1) / 2
    # on a full grid the two are orthogonal, so that each slope is found alone
    down = float(y @ levels.sum(axis=1, dtype=np.float64)) / max(width * float(y @ y), 1.0)
    across = float(levels.sum(axis=0, dtype=np.float64) @ x) / max(height * float(x @ x), 1.0)
    plane: Levels = (down * y[:, None] + across * x[None, :]).astype(np.float32)
    return plane


def _ground_is_light(levels: Levels) -> bool:
    """Whether the ink is darker than the ground: the ink is the rarer of the two, and the ground has the border."""
    longer = max(levels.shape)
    signs = [_signs(levels, max(3, round(share * longer) | 1), max(1, round(_RIM * longer))) for share in _AROUND]
    skewness = sum(weight * skewness for weight, (skewness, _) in zip(_SKEWNESS, signs, strict=True))
    border = sum(border for _, border in signs) / len(signs)
    return skewness < min(max(_BORDER * border, -_MOST_BORDER), _MOST_BORDER)


def _signs(levels: Levels, window: int, rim: int) -> tuple[float, float]:
    """The skewness of the levels, and how far the border is above their mean, in standard deviations.

    Of how far each pixel is from the mean around it, so that a shadow does not count.
    """
    apart = levels - sum_around(levels, window) / window_sizes(levels.shape[0], levels.shape[1], window)
    apart -= median(apart)
    spread = max(float(np.sqrt((apart * apart).mean())), 1e-6)
    inner = apart[rim:-rim, rim:-rim]
    border = (float(apart.sum()) - float(inner.sum())) / (apart.size - inner.size)
    return float((apart * apart * apart).mean()) / spread**3, (border - float(apart.mean())) / spread


def lighter_part(levels: Levels) -> NDArray[np.bool_]:
    """The pixels above the level that parts the histogram best (Otsu 1979)."""
    low, high = float(levels.min()), float(levels.max())
    scaled = ((levels - low) * np.float32(255 / max(high - low, 1e-6))).astype(np.uint8)
    lighter: NDArray[np.bool_] = scaled > otsu(np.bincount(scaled.ravel(), minlength=256))
    return lighter


def _ground(small: Levels) -> Levels:
    """The paper's own level behind dark ink: the mean around each pixel of what is no ink."""
    reach = 2 * ceil(_REACH * max(small.shape) / 2) + 1
    closed = -largest_around(-largest_around(small, reach), reach)
    difference = closed - small
    paper = ~largest_around(lighter_part(difference), 3)  # without the strokes' soft edges
    ground = closed
    for window in (reach, reach // 2 | 1):  # finer, as far as there is paper
        weights = sum_around(paper.astype(np.float32), window)
        sums = sum_around(np.where(paper, small - ground, np.float32(0)), window)
        ground = ground + (sums / np.maximum(weights, 1)).astype(np.float32)
    return ground


def _stretch(difference: Levels, least: float) -> Pixels:
    """Ink at full strength to 255, the ground's own unrest to 0; all of it 0 if no ink is as strong as `least`."""
    lighter = _histogram(-difference[difference < 0])  # no ink makes the ground lighter: its noise alone
    spread = min(1.4826 * _quantile(lighter, 0.5), _quantile(lighter, 0.99) / 2.58)  # of a stripe the second is smaller
    noise = max(spread, _LEAST_NOISE)
    counts = _histogram(difference)
    counts[: int(_NOISE * noise) + 1] = 0
    if not counts.any():
        return np.zeros(difference.shape, dtype=np.uint8)
    middle = otsu(counts)
    strong = np.where(np.arange(256) > middle, counts, 0)
    peak = _quantile(strong, _PEAK)
    if peak < max(_CLEAR * noise, least):
        return np.zeros(difference.shape, dtype=np.uint8)
    floor = max(_FLOOR * peak, _NOISE * noise)
    counts[: int(floor + _PALE * (peak - floor))] = 0
    floor = _pattern_level(counts, middle, int(_BETWEEN * peak)) or floor
    scaled = (difference - np.float32(floor)) * np.float32(255 / (peak - floor)) + np.float32(0.5)
    stretched: Pixels = np.clip(scaled, 0, 255).astype(np.uint8)
    return stretched


def _pattern_level(counts: NDArray[np.int64], middle: int, reach: int) -> int:
    """The level up to which a pattern goes, in a histogram parted at `middle`; 0 where there is no pattern.

    A pattern covers more than the ink, and few levels are within `reach` of the middle. A gradient has them all.
    """
    levels = np.arange(256)
    pale = np.where(levels <= middle, counts, 0)
    between = np.where(np.abs(levels - middle) <= reach, counts, 0)
    covers = pale.sum() > _PATTERN * (counts.sum() - pale.sum())
    return _quantile(pale, 0.95) if covers and between.sum() <= _RARE * counts.sum() else 0


def _histogram(levels: Levels) -> NDArray[np.int64]:
    return np.bincount(np.clip(levels + np.float32(0.5), 0, 255).astype(np.uint8).ravel(), minlength=256)


def _quantile(counts: NDArray[np.int64], share: float) -> int:
    """The least level of a histogram up to which lies at least this share."""
    return int(np.searchsorted(np.cumsum(counts), share * float(counts.sum())))


def otsu(counts: NDArray[np.int64]) -> int:
    """The level that parts a histogram of 256 levels best (Otsu 1979): up to it is one side, above it the other."""
    below = np.cumsum(counts, dtype=np.float64)
    mass = np.cumsum(counts * np.arange(256), dtype=np.float64)
    above = below[-1] - below
    apart = mass[-1] * below - mass * below[-1]  # of the two means, times both counts
    return int(np.argmax(apart * apart / np.maximum(below * above, 1)))
