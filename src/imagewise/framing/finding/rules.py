"""Ruled lines, squares and frames in a picture of characters, and the proof that they are no strokes.

A straight stroke of a character, such as the stem of a 4, looks like a rule. So a rule needs two proofs: it has no free
end (it goes on to the picture's edge, or to another rule, on both sides), and it is not of the pen: thinner or fainter,
repeated, or clear of everything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.finding.components import Component, find_components
from imagewise.framing.finding.windows import framed_by, largest_above, largest_around
from imagewise.framing.levels import median, quantile

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_TRACE = 16  # of 255: ink that may be a part of a faint rule
_LONG = 0.08  # share of the side from which on a straight run may be a part of a rule
_SHORTEST = 9  # pixels that such a run has in small pictures
_BOW = 0.01  # of its length that a rule may be bent
_THICKEST = 1 / 16  # share of the side across that a rule is thick
_CROSSING = 0.4  # share of the side along a rule that a stroke across it may be wide
_SLENDER = 8  # times its thickness that a rule is long
_THINNER = 0.67  # of the pen's width
_FAINTER = 0.75  # of the pen's strength
_ALIKE = 1.5  # times as thick or as strong, or as thin or faint
_WHOLE = 0.3  # share of its length on which nothing crosses a rule
_REPEATED = 3  # lines from edge to edge
_CLEAR = 0.1  # share of the character's longer side by which a rule is clear of it
_LEAST = 0.1  # share of the ink that is left where there are rules
_END = 0.02  # share of the side that a rule may end before the edge
_LEAST_END, _MOST_END = 2, 5  # pixels of it


@dataclass(frozen=True, eq=False)
class _Line:
    """A straight run of ink along the rows (or, if `upright`, along the columns).

    Attributes:
        top, bottom: its box across; bottom is one past the last.
        width: in pixels, across, of a line of full strength.
        strength: of its ink, 0 to 255.
        pixels: indices of its pixels in the flattened picture, without what crosses it.
        ends: indices of the pixels at its start, and of those at its end.
    """

    upright: bool
    top: int
    bottom: int
    width: float
    strength: float
    pixels: NDArray[np.int64]
    ends: tuple[NDArray[np.int64], NDArray[np.int64]]


def without_rules(ink: Pixels, solid: Mask, outside: Mask) -> tuple[Mask, Mask]:
    """The solid pixels of an ink map without those of rules and frames, and the pixels of these.

    Strokes that cross them stay whole.

    Args:
        ink: (H, W).
        solid: (H, W), the pixels that count as ink.
        outside: (H, W), what is beyond the sheet of paper.
    """
    lines = _lines(ink, False) + _lines(ink.T, True)
    none = np.zeros_like(solid)
    if not lines:
        return solid, none
    slack = 2 * _near_end(max(solid.shape)) + 1
    edge = largest_around(framed_by(outside, 1), slack)[1:-1, 1:-1]
    lines = _unending(lines, edge, slack)
    through = [line for line in lines if _is_bounded(line, edge)]
    rest = _without(solid, [line for line in lines if not through or any(_is_alike(line, other) for other in through)])
    left = find_components(rest).components
    repeated = sum(not _is_along_edge(line, *solid.shape) for line in through) >= _REPEATED
    if not lines or not (repeated or (left and rest.sum() >= _LEAST * solid.sum())):
        return solid, none
    if not left:
        return rest, none
    main = max(left, key=lambda component: component.area)
    pen, strength = stroke_width(rest), quantile(ink[rest], 0.75)
    proved = [
        line
        for line in lines
        if (repeated and line in through)
        or line.width <= _THINNER * pen
        or line.strength <= _FAINTER * strength
        or _is_clear(line, main)
    ]
    proved += [o for o in lines if o not in proved and any(o.upright == p.upright and _is_alike(o, p) for p in proved)]
    if not proved:
        return solid, none
    left_over = _without(solid, proved)
    strong = [line.width for line in proved if line.strength > _FAINTER * strength]
    if strong:  # as strong as the pen, so that its strokes have gone with them where they cross
        reach = 2 * round(median(np.array(strong))) + 3
        left_over |= ~largest_around(~largest_around(left_over, reach), reach) & solid
    return left_over, ~(_without(~none, proved) | left_over)


def _near_end(side: int) -> int:
    """Pixels that a rule may end before the edge."""
    return min(max(_LEAST_END, round(_END * side)), _MOST_END)


def _without(solid: Mask, lines: list[_Line]) -> Mask:
    left = solid.copy()
    for line in lines:
        left.flat[line.pixels] = False
    return left


def _is_alike(a: _Line, b: _Line) -> bool:
    pairs = ((a.width, b.width), (a.strength, b.strength))
    return all(one <= _ALIKE * other and other <= _ALIKE * one for one, other in pairs)


def stroke_width(solid: Mask) -> float:
    """The mean width of strokes in pixels: their area over half the length of their outline."""
    padded = framed_by(solid, 0)
    outline = int((padded[1:] != padded[:-1]).sum()) + int((padded[:, 1:] != padded[:, :-1]).sum())
    return 2 * float(solid.sum()) / max(outline * np.pi / 4, 1.0)  # a slanting edge counts its steps, 4 / pi too many


def _lines(ink: Pixels, upright: bool) -> list[_Line]:
    """Long straight runs along the rows, which may slope a little. Rules are often fainter than the pen."""
    traces = ink >= _TRACE
    width = traces.shape[1]
    length = max(_SHORTEST, round(_LONG * width)) | 1
    near = largest_above(traces, 3)
    straight = largest_above(~largest_above(~near.T, length), length).T & traces
    heights = run_heights(traces)
    thin = straight & (heights <= max(3, round(_THICKEST * len(ink))))
    if not thin.any():
        return []
    gap = round(_CROSSING * width) | 1
    joined = ~largest_above(~largest_above(largest_above(thin, 3).T, gap), gap).T & near  # under what crosses it
    found = find_components(joined)
    lines = []
    for component in found.components:
        if component.width < 2 * length:
            continue
        rows, columns = slice(component.top, component.bottom), slice(component.left, component.right)
        mine = (found.labels[rows, columns] == component.number) & thin[rows, columns]
        line = _line(mine, heights[rows, columns], ink[rows, columns])
        if line is None:
            continue
        y, x, strength, most = line
        y, x = y + component.top, x + component.left
        levels = ink[y, x]
        places = x * len(ink) + y if upright else y * width + x
        end = _near_end(width)
        ends = places[x <= x.min() + end], places[x >= x.max() - end]
        own = levels <= most
        mean_width = float(levels[own].sum()) / strength / max(len(np.unique(x[own])), 1)
        lines.append(_Line(upright, int(y.min()), int(y.max()) + 1, mean_width, strength, places[own], ends))
    return lines


def _line(
    mine: Mask, heights: NDArray[np.int64], ink: Pixels
) -> tuple[NDArray[np.int64], NDArray[np.int64], float, float] | None:
    """Rows and columns of the straight line in a component's box, without what crosses it or leaves it.

    And its strength, and how strong it is at most: the pen's own strokes are stronger than a faint rule.
    """
    length = mine.shape[1]
    thickness = median(np.where(mine, heights, len(mine)).min(axis=0))  # where nothing else is on it
    y, x = np.nonzero(mine & (heights <= 1.5 * thickness + 1))
    third = length // 3
    first, last = y[x < third], y[x >= length - third]
    if length < _SLENDER * thickness or not len(first) or not len(last):
        return None
    level = y - x * ((median(last) - median(first)) / (length - third))
    near = np.abs(level - median(level)) <= thickness / 2 + 1 + _BOW * length
    y, x = y[near], x[near]
    peaks = np.zeros(length, dtype=np.uint8)
    np.maximum.at(peaks, x, ink[y, x])
    peaks = peaks[peaks > 0]
    if len(peaks) < _WHOLE * length:
        return None
    strength = median(peaks)
    return y, x, strength, 1.1 * strength + 3 * 1.4826 * median(np.abs(peaks - strength))


def _unending(lines: list[_Line], edge: Mask, slack: int) -> list[_Line]:
    """The lines without a free end: each end is at the picture's edge, or at another such line across it."""
    while True:
        near = [
            edge | largest_around(~_without(np.ones_like(edge), [o for o in lines if o.upright == u]), slack)
            for u in (True, False)
        ]
        kept = [line for line in lines if _is_bounded(line, near[line.upright])]
        if len(kept) == len(lines):
            return kept
        lines = kept


def _is_bounded(line: _Line, near: Mask) -> bool:
    return all(bool(near.flat[end].any()) for end in line.ends)


def _is_along_edge(line: _Line, height: int, width: int) -> bool:
    """Whether it is at the picture's edge: so are the strokes of a digit that was cropped to its ink."""
    across = width if line.upright else height
    near = _near_end(across)
    return line.top <= near or line.bottom >= across - near


def _is_clear(line: _Line, main: Component) -> bool:
    """Whether the character is all on one side of the line, and not near it."""
    room = _CLEAR * max(main.height, main.width)
    first, last = (main.left, main.right) if line.upright else (main.top, main.bottom)
    return line.bottom + room <= first or line.top >= last + room


def run_heights(solid: Mask) -> NDArray[np.int64]:
    """For each pixel of a mask, how many pixels its run from top to bottom has; 0 off the mask."""
    across = np.zeros((solid.shape[1], solid.shape[0] + 2), dtype=np.int8)
    across[:, 1:-1] = solid.T
    edges = across[:, 1:] - across[:, :-1]
    lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    heights = np.zeros(solid.T.shape, dtype=np.int64)
    heights[solid.T] = np.repeat(lengths, lengths)
    return heights.T
