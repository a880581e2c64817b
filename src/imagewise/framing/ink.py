"""Ink: from any picture of a character to what MNIST's makers made of theirs.

Grey levels, the ground taken away whatever its light, polarity found, specks, ruled lines and frames dropped, cropped,
fitted into the inner 20/28 of the square keeping aspect, the centre of mass in the middle (LeCun et al. 1998, section
III.A; http://yann.lecun.com/exdb/mnist). Plain array arithmetic throughout, so that a web page can do the same in
JavaScript, pixel for pixel; components.py says why its labelling is our own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.framing.finding.clutter import select_character, written_components
from imagewise.framing.finding.components import find_components
from imagewise.framing.finding.grey import grey_levels
from imagewise.framing.finding.ground import ink_map, small_size
from imagewise.framing.finding.resampling import resize_plane
from imagewise.framing.finding.rules import stroke_width, without_rules
from imagewise.framing.finding.sheet import find_sheet
from imagewise.framing.finding.windows import largest_around
from imagewise.framing.levels import median

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]  # left, top, right, bottom, in the picture's pixels

WORKING_SIDE = 256  # larger pictures are reduced to this first: strokes stay several pixels wide
MARGIN = 4 / 28  # MNIST: a 20-pixel box in a 28-pixel square
INK = 50  # of 255: what counts as ink where pixels are either ink or ground
_SPECK = 1 / 20  # share of the picture's longer side below which a mark is no character
_BLOT = 0.42  # share of its length that the stroke of a mark may be wide; a disc has a half
_SOFT = 3  # pixels: how far around solid ink its soft edges reach, both sides together
_STROKE = 1.8  # pixels of the framed picture that a stroke should be wide; MNIST's are 2 to 3


def frame_ink(picture: Image.Image, height: int, width: int) -> Pixels:
    """(height, width) uint8: ink 255 on ground 0, as MNIST has it. A picture that is framed already stays as it is.

    All is 0 where there is no ink: blank paper, a gradient, a speck.
    """
    if picture.size == (width, height):
        # the levels of a grey picture are its own: MNIST's, thousands of which are looked at
        levels = picture if picture.mode == "L" else np.rint(grey_levels(picture, max(picture.size)))
        grey = np.asarray(levels, dtype=np.uint8)
        for candidate in (grey, 255 - grey):
            if is_framed(candidate[None])[0] or not candidate.any():
                return candidate
    return place(thicken(character_ink(picture)[0], height, width), height, width)


def character_ink(picture: Image.Image) -> tuple[Pixels, Box]:
    """The ink of the character in a picture, at the working size, and the part of the picture that this shows."""
    ink, outside, box = page_ink(picture, WORKING_SIDE)
    return keep_characters(ink, outside), box


def page_ink(picture: Image.Image, side: int) -> tuple[Pixels, Mask, Box]:
    """The ink of a picture, or of the sheet of paper in it, the longer side at most `side`.

    Returns: the ink map; what in it is outside of the sheet; and the box in the picture that it shows.
    """
    levels, box = grey_levels(picture, side), (0, 0, picture.width, picture.height)
    small = resize_plane(levels, *small_size(*levels.shape))
    sheet = find_sheet(small)
    if sheet is None:
        return ink_map(levels), np.zeros(levels.shape, dtype=np.bool_), box
    x, y = picture.width / small.shape[1], picture.height / small.shape[0]
    box = (round(sheet.left * x), round(sheet.top * y), round(sheet.right * x), round(sheet.bottom * y))
    levels = grey_levels(picture.crop(box), side)
    inside = sheet.inside[sheet.top : sheet.bottom, sheet.left : sheet.right]
    inside = resize_plane(inside.astype(np.float32), *levels.shape) > 0.5
    levels = np.where(inside, levels, np.float32(median(levels[inside])))
    return np.where(inside, ink_map(levels), 0).astype(np.uint8), ~inside, box


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
    centred: NDArray[np.bool_] = first == np.minimum(np.maximum(wanted, 0), np.maximum(side - extent, 0))
    return centred


def keep_characters(ink: Pixels, outside: Mask) -> Pixels:
    """The ink of the character in the middle, without specks, ruled lines, frames and marks along the edge."""
    solid = ink >= INK
    if not solid.any():
        return ink
    left, rules = without_rules(ink, solid, outside)
    found = find_components(left)
    kept = select_character(found, written_components(ink, found))
    mine = np.isin(found.labels, [component.number for component in kept])
    return own_ink(ink, solid | rules, mine) if _is_written(mine) else np.zeros_like(ink)


def _is_written(mine: Mask) -> bool:
    """Whether it has strokes: longer than they are wide, and no speck on a large sheet."""
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    if not len(rows):
        return False
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return bool(longer >= _SPECK * max(mine.shape) and stroke_width(mine) <= _BLOT * longer)


def own_ink(ink: Pixels, taken: Mask, mine: Mask) -> Pixels:
    """The ink of some pixels, with the soft edges around them, but not where others have taken the place."""
    return np.where(mine | (largest_around(mine, _SOFT) & ~taken), ink, 0).astype(np.uint8)


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
    return largest_around(ink, reach) if scale < 0.5 and reach > 1 else ink


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
    fitted = np.clip(resize_plane(crop.astype(np.float32), *size) + 0.5, 0, 255).astype(np.uint8)
    # in whole numbers, as `is_framed`: a centre that is half a pixel off rounds to the same side everywhere
    total = max(int(fitted.sum()), 1)
    centre_row = int(fitted.sum(axis=1) @ np.arange(size[0])) / total
    centre_column = int(fitted.sum(axis=0) @ np.arange(size[1])) / total
    top = min(max(round(height / 2 - centre_row), 0), height - size[0])
    left = min(max(round(width / 2 - centre_column), 0), width - size[1])
    framed[top : top + size[0], left : left + size[1]] = fitted
    return framed


def inner_box(height: int, width: int) -> tuple[int, int]:
    """The box that ink is fitted into."""
    return height - 2 * round(height * MARGIN), width - 2 * round(width * MARGIN)
