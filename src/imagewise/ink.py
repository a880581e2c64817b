"""Ink: from any picture of a character to what MNIST's makers made of theirs.

Grey levels, the ground taken away whatever its light, polarity found, specks, ruled lines and frames dropped, cropped,
fitted into the inner 20/28 of the square keeping aspect, the centre of mass in the middle (LeCun et al. 1998, section
III.A; http://yann.lecun.com/exdb/mnist). Plain array arithmetic throughout, so that a web page can do the same in
JavaScript, pixel for pixel; components.py says why its labelling is our own.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.clutter import select_character, without_rules
from imagewise.components import find_components
from imagewise.resampling import resize_plane

Pixels = NDArray[np.uint8]
Levels = NDArray[np.float32]
Kind = TypeVar("Kind", np.uint8, np.float32, np.bool_)

WORKING_SIDE = 256  # larger pictures are reduced to this first: strokes stay several pixels wide
MARGIN = 4 / 28  # MNIST: a 20-pixel box in a 28-pixel square
_GROUND_SIDE = 64  # the ground is looked for at this size
_GROUND_REACH = 0.4  # share of the longer side that a stroke may be wide without being taken for ground
_CLEAN = 0.6  # share of the border that has exactly one level where a picture was drawn, or cleaned after a scan
INK = 80  # of 255: what counts as ink where pixels are either ink or ground
_TINY = 40  # pixels: pictures this small were cut out and reduced by somebody; each pixel of them counts
_SOFT = 5  # pixels: how far around solid ink its soft edges reach, both sides together
_STROKE = 1.8  # pixels of the framed picture that a stroke should be wide; MNIST's are 2 to 3
_TOP_PERCENTILE = 85  # of the ink's strengths: full ink; the rest are the strokes' soft edges


def frame_ink(picture: Image.Image, height: int, width: int) -> Pixels:
    """(height, width) uint8: ink 255 on ground 0, as MNIST has it. A picture that is framed already stays as it is."""
    grey = grey_levels(picture, WORKING_SIDE)
    if grey.shape == (height, width):
        for candidate in (grey, 255 - grey):
            if is_framed(candidate[None])[0] or not candidate.any():
                return candidate
    if max(grey.shape) <= _TINY:
        return place(ink_map(grey), height, width)
    return place(thicken(keep_characters(ink_map(grey)), height, width), height, width)


def is_framed(inks: Pixels) -> NDArray[np.bool_]:
    """Which of several ink maps (N, H, W) `place` would leave as they are: (N,). Without ink: none.

    Whole numbers throughout, so that it is exact: the longer side fills the inner box, the centre of mass is in the
    middle. Many at once cost little more than one.
    """
    height, width = inks.shape[1:]
    by_row, by_column = inks.sum(axis=2, dtype=np.int64), inks.sum(axis=1, dtype=np.int64)
    total = by_row.sum(axis=1)
    (top, tall), (left, wide) = _extents(by_row), _extents(by_column)
    box_height, box_width = inner_box(height, width)
    fills = np.minimum(box_height / tall, box_width / wide) == 1
    fits = _centred(by_row, total, top, tall) & _centred(by_column, total, left, wide)
    framed: NDArray[np.bool_] = (total > 0) & fills & fits
    return framed


def _extents(sums: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the ink begins, and over how many rows (or columns) it goes; of (N, H)."""
    inked = sums > 0
    first = inked.argmax(axis=1)
    return first, inked.shape[1] - inked[:, ::-1].argmax(axis=1) - first


def _centred(
    sums: NDArray[np.int64], total: NDArray[np.int64], first: NDArray[np.int64], extent: NDArray[np.int64]
) -> NDArray[np.bool_]:
    side = sums.shape[1]
    moment = sums @ np.arange(side) - first * total
    wanted = np.rint(side / 2 - moment / np.maximum(total, 1))
    centred: NDArray[np.bool_] = first == np.clip(wanted, 0, np.maximum(side - extent, 0))
    return centred


def grey_levels(picture: Image.Image, side: int) -> Pixels:
    """Grey levels (H, W), the longer side at most `side`; a see-through drawing on the ground it stands out from."""
    if picture.mode in ("LA", "RGBA"):
        drawing = np.asarray(picture.convert("LA"), dtype=np.float32)
        level, alpha = drawing[..., 0], drawing[..., 1]
        mean = float((level * alpha).sum() / max(float(alpha.sum()), 1.0))
        ground = Image.new("LA", picture.size, (255 if mean < 128 else 0, 255))
        picture = Image.alpha_composite(ground.convert("RGBA"), picture.convert("RGBA")).convert("RGB")
    if max(picture.size) > side:
        factor = max(picture.size) // side
        if factor > 1:
            picture = picture.reduce(factor)  # whole pixels first: it takes a fifth of the time
        picture = picture.convert("L")
        picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(picture.convert("L"), dtype=np.uint8)


def ink_map(grey: Pixels) -> Pixels:
    """How much ink lies on each pixel, 0 (ground) to 255: (H, W) uint8, the same size."""
    level = clean_ground(grey)
    if level is not None:
        difference = grey.astype(np.float32) - level
        if -float(difference.min()) > float(difference.max()):
            difference = -difference
        peak = float(difference.max())
        # faint edges are ink too; a pale drawing is brought to full strength
        return _stretch(difference, 0.0, peak if peak < 128 else 255.0)
    levels = grey.astype(np.float32)
    small = resize_plane(levels, *_small_size(grey.shape[0], grey.shape[1]))
    if not _ground_is_light(small):
        levels, small = 255 - levels, 255 - small
    if max(grey.shape) <= _TINY:
        ground, darkest = np.percentile(levels, (90, 2))
        return _stretch(ground - levels, 0.0, float(ground - darkest))
    difference = np.maximum(_ground(small, *grey.shape) - levels, 0)
    floor, top = _thresholds(difference)
    return _stretch(difference, floor, top)


def _stretch(difference: Levels, floor: float, top: float) -> Pixels:
    if top <= floor:
        return np.zeros(difference.shape, dtype=np.uint8)
    stretched: Pixels = np.clip((difference - floor) * (255.0 / (top - floor)) + 0.5, 0, 255).astype(np.uint8)
    return stretched


def clean_ground(grey: Pixels) -> int | None:
    """The level of a ground without any unrest (drawn, or cleaned after a scan); None where there is no such."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    histogram = np.bincount(border, minlength=256)
    level = int(histogram.argmax())
    if histogram[level] < _CLEAN * len(border):
        return None
    return level if np.mean(grey == level) >= 0.25 or grey.min() == grey.max() else None


def _small_size(height: int, width: int) -> tuple[int, int]:
    """Of the copy in which the ground is looked for."""
    scale = min(1.0, _GROUND_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _ground_is_light(levels: Levels) -> bool:
    """Whether the ink is darker than the ground: the ground has more of the picture, and more of its border.

    Judged against the middle between the two (Otsu 1979), with a light that changes across the picture evened out.
    """
    height, width = levels.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones(levels.size), y.ravel(), x.ravel()], axis=1)
    slope = np.linalg.lstsq(terms, levels.ravel(), rcond=None)[0]
    even = levels - (slope[1] * y + slope[2] * x)
    low, high = float(even.min()), float(even.max())
    scaled = ((even - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    light = scaled > otsu(scaled)
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    return bool(float(light.mean()) + 0.5 * float(border.mean()) > 0.75)


def _ground(small: Levels, height: int, width: int) -> Levels:
    """The paper's own level behind dark ink, (height, width): what closing fills in, smoothed, from a small copy."""
    reach = max(3, round(_GROUND_REACH * max(small.shape)) | 1)
    closed = -_largest_around(-_largest_around(small, reach), reach)
    return resize_plane(_mean_around(closed, max(3, reach // 2 | 1)), height, width)


def _largest_around(levels: NDArray[Kind], reach: int) -> NDArray[Kind]:
    """The largest value of each square window of `reach` (odd) pixels; windows end at the picture's edge."""
    for _ in range(2):
        levels = _largest_above(levels, reach).T
    return levels


def _largest_above(levels: NDArray[Kind], reach: int) -> NDArray[Kind]:
    """Over windows of `reach` rows: of two, then of four ..., so that a wide window costs little more than a narrow."""
    found, rows = np.pad(levels, ((reach // 2, reach // 2), (0, 0)), mode="edge"), 1
    while rows < reach:
        step = min(rows, reach - rows)
        found = np.maximum(found[:-step], found[step:])
        rows += step
    return found


def _mean_around(levels: Levels, reach: int) -> Levels:
    """The mean of each square window of `reach` (odd) pixels; beyond the edge its last pixels are repeated."""
    for _ in range(2):
        sums = np.cumsum(np.pad(levels, ((reach // 2 + 1, reach // 2), (0, 0)), mode="edge"), axis=0, dtype=np.float64)
        levels = ((sums[reach:] - sums[:-reach]) / reach).astype(np.float32).T
    return levels


def _thresholds(difference: Levels) -> tuple[float, float]:
    """Below the first is the ground's own unrest, from the second on full ink."""
    levels = np.clip(difference, 0, 255).astype(np.uint8)
    middle = otsu(levels)
    ink = difference[levels > middle]
    if not len(ink):
        return 0.0, 0.0
    ground = difference[levels <= middle]
    top = float(np.percentile(ink, _TOP_PERCENTILE))
    unrest = float(np.percentile(ground, 90)) if len(ground) else 0.0
    return min(max(unrest, 0.25 * top), 0.6 * top), top


def otsu(levels: Pixels) -> int:
    """The level that parts the histogram best (Otsu 1979): up to it is one side, above it the other."""
    histogram = np.bincount(levels.ravel(), minlength=256)[:256].astype(np.float64)
    below = np.cumsum(histogram)
    mass = np.cumsum(histogram * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return int(np.nanargmax(np.where(np.isfinite(between), between, -1)))


def keep_characters(ink: Pixels) -> Pixels:
    """The ink of the character in the middle, without specks, ruled lines, frames and what lies along the edge."""
    solid = ink >= INK
    if not solid.any():
        return ink
    found = find_components(without_rules(solid))
    kept = [component.number for component in select_character(found)]
    return own_ink(ink, solid, np.isin(found.labels, kept))


def own_ink(ink: Pixels, solid: NDArray[np.bool_], mine: NDArray[np.bool_]) -> Pixels:
    """The ink of some of the solid pixels, with the soft edges around them, and of no others."""
    return np.where(mine | (_largest_around(mine, _SOFT) & ~solid), ink, 0).astype(np.uint8)


def thicken(ink: Pixels, height: int, width: int) -> Pixels:
    """Widen a pen's thin strokes before they are reduced, so that they do not fade into grey."""
    solid = ink >= INK
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        return ink
    box_height, box_width = inner_box(height, width)
    scale = min(box_height / (rows[-1] - rows[0] + 1), box_width / (columns[-1] - columns[0] + 1))
    missing = _STROKE / scale - stroke_width(solid)
    reach = 2 * round(missing / 2) + 1
    return _largest_around(ink, reach) if scale < 0.5 and reach > 1 else ink


def stroke_width(solid: NDArray[np.bool_]) -> float:
    """The mean width of strokes in pixels: their area over half the length of their outline."""
    padded = np.pad(solid, 1)
    outline = int((padded[1:] != padded[:-1]).sum()) + int((padded[:, 1:] != padded[:, :-1]).sum())
    return 2 * float(solid.sum()) / max(outline * np.pi / 4, 1.0)  # a slanting edge counts its steps, 4 / pi too many


def place(ink: Pixels, height: int, width: int) -> Pixels:
    """Crop to the ink, fit it into the inner box keeping aspect, centre of mass in the middle of the square."""
    framed = np.zeros((height, width), dtype=np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return framed
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box_height, box_width = inner_box(height, width)
    scale = min(box_height / crop.shape[0], box_width / crop.shape[1])
    size = (max(1, round(crop.shape[0] * scale)), max(1, round(crop.shape[1] * scale)))
    mass = resize_plane(crop.astype(np.float32), *size)
    total = float(mass.sum()) or 1.0
    centre_row = float((mass.sum(axis=1) * np.arange(size[0])).sum() / total)
    centre_column = float((mass.sum(axis=0) * np.arange(size[1])).sum() / total)
    top = min(max(round(height / 2 - centre_row), 0), height - size[0])
    left = min(max(round(width / 2 - centre_column), 0), width - size[1])
    framed[top : top + size[0], left : left + size[1]] = np.clip(mass + 0.5, 0, 255)
    return framed


def inner_box(height: int, width: int) -> tuple[int, int]:
    """The box that ink is fitted into."""
    return height - 2 * round(height * MARGIN), width - 2 * round(width * MARGIN)
