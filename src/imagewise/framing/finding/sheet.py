"""A sheet of paper on a desk: the largest light patch with straight sides, and the part of the picture that it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.finding.components import find_components
from imagewise.framing.finding.ground import lighter_part
from imagewise.framing.finding.windows import largest_around

Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LEAST = 0.1  # share of the picture that a sheet has
_LIGHT = 0.75  # share of the sheet that is light; the rest is ink
_WITHIN = 0.97  # share of the light patch that is inside its quadrilateral
_BORDER = 0.3  # share of the picture's border that the sheet has: more is half of a page, the other half in shadow
_DARK = 0.8  # share of what is around the sheet that is dark
_STEP = 0.5  # of the difference between light and dark: within two pixels of its edge, so that no shadow is a sheet


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet in a small copy of a picture.

    Attributes:
        inside: (h, w), its pixels, those under the ink too, a pixel less all around.
        top, left, bottom, right: its box; bottom and right are one past the last.
    """

    inside: Mask
    top: int
    left: int
    bottom: int
    right: int


def find_sheet(small: Levels) -> Sheet | None:
    """The sheet in (h, w) grey levels; None if there is no sheet on something darker."""
    light = lighter_part(small)
    if _border(light).mean() > _BORDER + 1 - _DARK:
        return None
    light = ~largest_around(~largest_around(light, 3), 3)  # across rules
    found = find_components(light)
    largest = max(found.components, key=lambda component: component.area, default=None)
    if largest is None or largest.area < _LEAST * light.size:
        return None
    mine = found.labels == largest.number
    if _border(mine).mean() > _BORDER:
        return None
    whole = largest_around(_quadrilateral(mine), 3)  # corners are pixels' middles, and the light part is ragged
    if (mine & whole).sum() < max(_WITHIN * largest.area, _LIGHT * whole.sum()):
        return None
    inside, outside = ~largest_around(~whole, 5), ~largest_around(whole, 3)
    if not inside.any() or not outside.any() or (light & outside).sum() > (1 - _DARK) * outside.sum():
        return None
    rim, around = inside & largest_around(~inside, 3) & light, outside & largest_around(whole, 5)
    if not rim.any() or not around.any():
        return None
    contrast = _level(small, mine) - _level(small, outside)
    if _level(small, rim) - _level(small, around) < _STEP * contrast:
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return Sheet(inside, int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _level(small: Levels, part: Mask) -> float:
    return float(small[part].mean(dtype=np.float64))


def _border(mask: Mask) -> Mask:
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


def _quadrilateral(mine: Mask) -> Mask:
    """The larger of two quadrilaterals: of the mask's outermost pixels along the diagonals, and along the sides."""
    y, x = np.nonzero(mine)
    best = np.zeros_like(mine)
    for ways in ((x + y, x - y), (y, x)):
        places = [int(np.argmin(ways[0])), int(np.argmax(ways[1])), int(np.argmax(ways[0])), int(np.argmin(ways[1]))]
        made = _polygon([(int(y[i]), int(x[i])) for i in places], mine.shape)
        best = made if made.sum() > best.sum() else best
    return best


def _polygon(corners: list[tuple[int, int]], shape: tuple[int, ...]) -> Mask:
    """The pixels inside a convex polygon whose corners go around clockwise."""
    y, x = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    inside = np.ones(shape, dtype=np.bool_)
    for (top, left), (bottom, right) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside &= (right - left) * (y - top) - (bottom - top) * (x - left) >= 0
    return inside
