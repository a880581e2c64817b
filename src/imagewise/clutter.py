"""What in a picture of a character is not the character: ruled lines, frames, shadows along the edge, specks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.components import Component, Components

_SPECK = 0.04  # share of the largest component's area below which another is dirt
_MOST = 40  # components looked at, from the largest: noise has thousands
_NEAR = 0.4  # how far from the character a stroke of it may lie, share of the character's longer side
_EDGE = 0.14  # share of the side that counts as along the edge
_ALONG = 0.7  # share of a component's pixels along the edge from which on it is a shadow or a frame
_RULE = 0.85  # share of the side that a ruled line spans
_RULE_ROW = 0.7  # share of a row that a ruled line inks, where paper and light leave gaps
_AT_THE_EDGE = 0.03  # share of the other ink that may lie at the picture's edges where there are ruled lines
_FLAT = 0.15  # share of the other side that it may be high


def select_character(found: Components) -> list[Component]:
    """The components that make up the character: the largest that is no clutter, and its other strokes."""
    largest = sorted(found.components, key=lambda component: -component.area)[:_MOST]
    candidates = [c for c in largest if not is_clutter(c, found)] or largest
    main = candidates[0] if candidates else None
    if main is None:
        return []
    kept, waiting = [main], [c for c in candidates if c is not main and c.area >= _SPECK * main.area]
    while near := [c for c in waiting if any(_distance(c, k) <= _NEAR * _extent(kept) for k in kept)]:
        kept += near
        waiting = [c for c in waiting if c not in near]
    return kept


def is_clutter(component: Component, found: Components) -> bool:
    """Whether it is no part of a character by where it lies: a rule, a frame, a shadow along the picture's edge."""
    height, width = found.labels.shape
    if len(found.components) == 1 or component.area < 4:
        return False
    if component.width >= _RULE * width and component.height <= _FLAT * height:
        return True
    if component.height >= _RULE * height and component.width <= _FLAT * width:
        return True
    touches = component.top == 0 or component.left == 0 or component.bottom == height or component.right == width
    mine = found.labels[component.top : component.bottom, component.left : component.right] == component.number
    if touches and _share_along_edge(mine, component.top, component.left, height, width) >= _ALONG:
        return True
    return _is_frame(mine) and any(
        _encloses(component, other) and other.height >= 0.3 * component.height for other in found.components
    )


def _share_along_edge(mine: NDArray[np.bool_], top: int, left: int, height: int, width: int) -> float:
    rows, columns = np.nonzero(mine)
    rows, columns = rows + top, columns + left
    band = max(1.0, _EDGE * min(height, width))
    along = (rows < band) | (rows >= height - band) | (columns < band) | (columns >= width - band)
    return float(along.mean())


def _is_frame(mine: NDArray[np.bool_]) -> bool:
    """Thin, along its own box, and with corners, which no character has all of."""
    height, width = mine.shape
    y, x = max(1, round(0.15 * height)), max(1, round(0.15 * width))
    inside = mine[y : height - y, x : width - x]
    corners = (mine[:y, :x], mine[:y, -x:], mine[-y:, :x], mine[-y:, -x:])
    return bool(inside.sum() <= 0.2 * mine.sum()) and sum(bool(corner.any()) for corner in corners) >= 3


def _encloses(outer: Component, inner: Component) -> bool:
    if outer is inner:
        return False
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and outer.bottom >= inner.bottom
        and outer.right >= inner.right
    )


def _distance(a: Component, b: Component) -> int:
    """Between two boxes, in pixels; 0 where they overlap."""
    return max(a.top - b.bottom, b.top - a.bottom, a.left - b.right, b.left - a.right, 0)


def _extent(components: list[Component]) -> int:
    high = max(c.bottom for c in components) - min(c.top for c in components)
    return max(high, max(c.right for c in components) - min(c.left for c in components))


def without_rules(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Ruled lines taken out of a (H, W) mask, also where a character crosses them."""
    return _without_rows(_without_rows(solid).T).T


def _without_rows(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lines from the left edge to the right. What crosses them, being higher than they are, stays.

    A cropped character may span the picture as well (the bar of a 7): so what is left must lie in the middle, away from
    the edges.
    """
    height, width = solid.shape
    if min(height, width) < 32:
        return solid
    band = max(1, height // 64)
    reached = solid.copy()
    for step in range(1, band + 1):  # a line may slope a little
        reached[step:] |= solid[:-step]
        reached[:-step] |= solid[step:]
    lines: NDArray[np.bool_] = reached.mean(axis=1) >= _RULE_ROW
    if not lines.any() or lines.mean() > 0.5:
        return solid
    thin = _run_heights(solid) <= max(3, _FLAT / 2 * height)
    erased = solid & lines[:, None] & thin
    left: NDArray[np.bool_] = solid & ~erased
    middle = left[max(1, height // 32) : -max(1, height // 32), max(1, width // 32) : -max(1, width // 32)]
    in_the_middle = middle.sum() >= (1 - _AT_THE_EDGE) * left.sum()
    return left if in_the_middle and left.sum() >= 0.1 * solid.sum() else solid


def _run_heights(solid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each pixel of a mask, how many pixels its run from top to bottom has; 0 off the mask."""
    edges = np.diff(np.pad(solid.T, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    heights = np.zeros(solid.T.shape, dtype=np.int64)
    heights[solid.T] = np.repeat(lengths, lengths)
    return heights.T
