"""The components of a picture that make up its character: no specks, no frames, nothing that is cut off at the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.framing.finding.components import Component, Components
from imagewise.framing.finding.windows import largest_around

_SPECK = 0.04  # share of the largest component's area below which another is dirt
_LEAST = 0.1  # share of the largest component's area that a character has
_SHARP = 0.1  # share of a character's ink that is near a sharp edge
_EDGE_WIDTH = 1 / 36  # share of the longer side within which ink ends at a sharp edge
_MOST = 40  # components looked at, from the largest: noise has thousands
_TEXTURE = 12  # components of about the same size: noise and patterns, no character
_NEAR = 0.4  # how far from the character a stroke of it may be, share of the character's longer side
_EDGE = 0.14  # share of the side that counts as along the edge
_ALONG = 0.7  # share of a component's pixels along the edge from which on it is a shadow or a neighbour


def written_components(ink: NDArray[np.uint8], found: Components) -> list[Component]:
    """The components of an ink map (H, W) that have sharp edges. Shadows and gradients have none."""
    reach = 2 * max(2, round(max(ink.shape) * _EDGE_WIDTH)) + 1
    ends_near = ink >= 128 + (255 - largest_around(255 - ink, reach)).astype(np.int16)  # half of the full strength
    sharp = np.bincount(found.labels[ends_near], minlength=len(found.components) + 1)
    return [component for component in found.components if sharp[component.number] >= _SHARP * component.area]


def select_character(found: Components, written: list[Component]) -> list[Component]:
    """The components that make up the character: of those written the largest that is no clutter, and its other
    strokes."""
    largest = sorted(written, key=lambda component: -component.area)[:_MOST]
    candidates = [c for c in largest if not is_clutter(c, found) and c.area >= _LEAST * largest[0].area] or largest
    if not candidates:
        return []
    main = candidates[0]
    kept, waiting = [main], [c for c in candidates[1:] if c.area >= _SPECK * main.area]
    while near := [
        c for c in waiting if any(_distance(c, k) <= min(_NEAR * _extent(kept), _extent([c])) for k in kept)
    ]:
        kept += near
        waiting = [c for c in waiting if c not in near]
    alike = [c for c in largest if c.area >= main.area / 3]
    return kept if len(alike) <= _TEXTURE else []


def is_clutter(component: Component, found: Components) -> bool:
    """Whether it is not part of a character, by its place: a frame, or what is along the picture's edge."""
    height, width = found.labels.shape
    if len(found.components) == 1 or component.area < 4:
        return False
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
