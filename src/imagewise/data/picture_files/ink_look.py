"""Whether a picture shows strokes of ink on a ground, or half-tones: what the choice of a framing depends on.

Ink has two levels, the ground's and the pen's. Half-tones, as in photographs and scans of the body, have all levels
between. Nearly all constants follow from pens, paper and light. docs/decisions.md says which do not, and how often the
choice is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from imagewise.framing.finding.ground import otsu
from imagewise.framing.finding.rules import stroke_width

Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE = 160  # pictures are examined at most this large: a pen's line is still about a pixel wide, paper grain is gone
_GROUND_SIDE = 40  # the ground is found on a copy this small: it has no detail
_LEAST_SIDE = 8  # a smaller picture shows no strokes
_STROKE = 1 / 4  # of the side: the widest stroke, a bold letter's in a close crop
_SHADE = 0.4  # share of the light that a shadow leaves, at the least; a bright thing on a black ground is no shadow
_BLACK = 16  # level of black in cameras and scans: shares of light are counted from -16
_CONTRAST = 32  # levels between ground and ink, at the least
_UNREST = 0.2  # of the ink's depth: how far nine tenths of the ground may vary, and the ground around a stroke
_LEAST, _MOST = 0.002, 0.5  # share of the picture that is ink
_SOFT, _FULL = 0.3, 0.7  # of the ink's depth: up to the first is ground, from the second on full ink
_HALF_TONES = 0.15  # of what is not ground and not its edge: the share between the levels
_CROWDED = 5 / 12  # of a window four strokes wide: lines a width apart fill 1/2, lines two widths apart 1/3
_LONG = 5.0  # area by width squared of each stroke: a disc has 3.1, a square 4, a bar three times as long as wide 5.3
_DRAWN = 10.0  # length of all strokes by the drawing's size: in the 20 pixels of `ink`, a line every second pixel
_BEYOND = 0.45  # of the ink's share: its share on the picture's rim. A line from edge to edge has 0.5 there
_ONE_COLOUR = 16  # levels of Cb and Cr that nine tenths of the ground may differ by: light changes brightness only


def looks_like_ink(picture: Image.Image) -> bool:
    """Whether a picture is strokes of full ink on a ground: writing, a line drawing, a photograph or scan of either.

    Args:
        picture: decoded, of any size and mode; transparency counts as white.
    """
    small = _small(picture)
    if min(small.size) < _LEAST_SIDE:
        return False
    grey, *colours = small.split()
    return any(_is_ink(depth, steps, colours) for depth, steps in _depths(grey))


def _is_ink(depth: Levels, steps: Levels, colours: Sequence[Image.Image]) -> bool:
    full = _full_ink(depth)
    if full < _CONTRAST or not _has_two_levels(depth / full):
        return False
    ink = depth >= full / 2
    if np.median(steps[ink]) > _UNREST * full:  # an outline of something that has another level than what is around it
        return False
    ground, pen = depth <= _SOFT * full, depth >= _FULL * full
    has_two_colours = all(_vary(c, ground) <= _ONE_COLOUR and _vary(c, pen) <= 2 * _ONE_COLOUR for c in colours)
    return has_two_colours and _is_strokes(ink)


def _small(picture: Image.Image) -> Image.Image:
    """L or, where there is colour, YCbCr."""
    if picture.mode in ("LA", "RGBA"):
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    small = picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
    if max(small.size) > _SIDE:
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return small.convert("YCbCr") if small.mode == "RGB" else small


def _depths(grey: Image.Image) -> Iterator[tuple[Levels, Levels]]:
    """How far each pixel is from the ground, and how far the ground itself varies around it: in levels of even light.

    First from a light ground, then from a dark one. The ground is what a closing leaves, whose window is as wide as the
    widest stroke. One that is not even is left out.
    """
    scale = min(1.0, _GROUND_SIDE / max(grey.size))
    small = grey.resize([max(_LEAST_SIDE, round(side * scale)) for side in grey.size], Image.Resampling.BOX)
    reach = max(3, round((small.width * small.height) ** 0.5 * _STROKE) // 2 * 2 + 1)
    near = max(3, reach // 4 * 2 + 1)
    for is_dark in (False, True):
        ground = _closed(ImageOps.invert(small) if is_dark else small, reach)
        low, high = np.percentile(_array(ImageOps.invert(ground) if is_dark else ground), (5, 95))
        if low + _BLACK < _SHADE * (high + _BLACK):
            continue
        smooth = _array(ground.filter(ImageFilter.BoxBlur(1)), grey.size)
        above = _array(ground.filter(ImageFilter.MaxFilter(near)), grey.size)
        below = _array(ground.filter(ImageFilter.MinFilter(near)), grey.size)
        depth = np.maximum(smooth - _array(ImageOps.invert(grey) if is_dark else grey), 0)
        light = np.float32(1) if is_dark else np.float32(high) / np.maximum(smooth, _BLACK)
        yield depth * light, (above - below) * light


def _closed(levels: Image.Image, reach: int) -> Image.Image:
    """A closing by squares of `reach` pixels; beyond its edge the picture continues as at its edge."""
    wide = Image.fromarray(np.pad(np.asarray(levels), reach, mode="edge"))
    wide = wide.filter(ImageFilter.MaxFilter(reach)).filter(ImageFilter.MinFilter(reach))
    return wide.crop((reach, reach, reach + levels.width, reach + levels.height))


def _array(picture: Image.Image, size: tuple[int, int] | None = None) -> Levels:
    """The levels of a grey picture, brought to a size (width, height) if there is one."""
    larger = picture if size is None else picture.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(larger, dtype=np.float32)


def _full_ink(depth: Levels) -> float:
    """The depth of full ink: reached by a quarter of what is on the ink's side of Otsu's threshold (1979)."""
    levels = np.minimum(depth, 255).astype(np.uint8)
    ink = depth[levels > otsu(np.bincount(levels.ravel(), minlength=256))]
    return float(np.percentile(ink, 75)) if len(ink) else 0.0


def _vary(plane: Image.Image, where: Mask) -> float:
    """By how many levels nine tenths of these pixels differ from their median, at the most."""
    levels = _array(plane)[where]
    return float(np.percentile(np.abs(levels - np.median(levels)), 90)) if len(levels) else 0.0


def _has_two_levels(depth: Levels) -> bool:
    """Whether all is ground, full ink (1) or an edge between them, and the ground is quiet and the larger part.

    Half-tones are two pixels or more from the ground and from full ink: a soft edge is narrower.
    """
    other = depth > _SOFT
    if not _LEAST <= np.mean(other) <= _MOST or np.percentile(depth[~other], 90) > _UNREST:
        return False
    within = _filtered(other, ImageFilter.MinFilter(3)) > 0
    near = _filtered(depth >= _FULL, ImageFilter.MaxFilter(3)) > 0
    return bool(np.sum(within & ~near) <= _HALF_TONES * np.sum(other))


def _is_strokes(ink: Mask) -> bool:
    """Whether ink is a drawing of lines: narrow, long, apart from each other, not too many, and within the picture."""
    rim = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    if np.mean(rim) > _BEYOND * np.mean(ink):
        return False
    width = stroke_width(ink)
    if width > _STROKE * ink.size**0.5:
        return False
    crowd = _filtered(ink, ImageFilter.BoxBlur(max(1.0, 2 * width - 0.5))) / 255
    if np.mean(crowd[ink]) > _CROWDED:
        return False
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    size = max(np.ptp(rows), np.ptp(columns)) + 1
    if np.sum(ink) / width > _DRAWN * size:
        return False
    lines = ink & (_filtered(ink, ImageFilter.BoxBlur(1)) > 2.5 / 9 * 255)  # without specks of a pixel or two
    return bool(np.sum(lines) >= _LONG * max(width, 1.0) ** 2 * max(1.0, _pieces(lines)))


def _filtered(mask: Mask, way: ImageFilter.Filter) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).filter(way))


def _pieces(ink: Mask) -> float:
    """The number of pieces less the number of holes, by the corners of all outlines (Gray 1971)."""
    p = np.pad(ink, 1).astype(np.int8)
    a, b, c, d = p[:-1, :-1], p[:-1, 1:], p[1:, :-1], p[1:, 1:]
    count = a + b + c + d
    crossed = (count == 2) & (a == d)
    return float(int(np.sum(count == 1)) - int(np.sum(count == 3)) - 2 * int(np.sum(crossed))) / 4
