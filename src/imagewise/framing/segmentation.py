"""Several characters in one picture: where each is, in reading order, and its ink framed as a single one would be."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image

from imagewise.framing.finding.clutter import is_clutter, written_components
from imagewise.framing.finding.components import Component, find_components
from imagewise.framing.finding.rules import without_rules
from imagewise.framing.ink import INK, Pixels, own_ink, page_ink, place, thicken

PAGE_SIDE = 1024  # pages are reduced to this first: a line of thirty characters leaves each some thirty pixels
_MOST = 600  # marks looked at, from the largest: noise has thousands
_SPECK = 0.3  # share of the characters' height below which a mark is dirt, a dot or a dash
_OVERLAP = 0.5  # share of the narrower mark's width that lies over the other's where both are strokes of one character
_GAP = 0.3  # how far above each other they may lie, share of the characters' height
_TALLEST = 1.5  # times the characters' height: more would be two lines
_SPACE = 0.9  # share of the characters' height from which on a gap parts two numbers


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture's own pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Character:
    """One character of a page.

    Attributes:
        box: where it is, in the pixels of the picture that was segmented.
        framed: (height, width) uint8, what a model of framing `ink` sees of it.
        line: counted from 0, from the top.
        starts_word: a gap, or the line's beginning, is before it.
    """

    box: Box
    framed: Pixels
    line: int
    starts_word: bool


def segment(picture: Image.Image, height: int = 28, width: int = 28) -> list[Character]:
    """Find the characters of a decoded picture (from `read_picture`), line by line, each from left to right.

    Args:
        picture: dark ink on a lighter ground, or the other way round.
        height, width: of what each is framed to.
    """
    ink, outside, shown = page_ink(picture, PAGE_SIDE)
    left, rules = without_rules(ink, ink >= INK, outside)
    taken = left | rules
    found = find_components(left)
    groups = _characters([c for c in written_components(ink, found) if c.area >= 4 and not is_clutter(c, found)])
    made = []
    for number, line in enumerate(_lines(groups)):
        end = None
        for group in line:
            cut = _surroundings(group)
            mine = own_ink(ink[cut], taken[cut], np.isin(found.labels[cut], group.numbers))
            framed = place(thicken(mine, height, width), height, width)
            far = end is None or group.left - end > _SPACE * _height(line)
            made.append(Character(_box(group, shown, ink.shape[1]), framed, number, far))
            end = group.right
    return made


@dataclass(frozen=True)
class _Group:
    """Components that are strokes of one character, by number, and the box around them all."""

    numbers: tuple[int, ...]
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, component: Component) -> _Group:
        return cls((component.number,), component.left, component.top, component.right, component.bottom)

    def __add__(self, other: _Group) -> _Group:
        return _Group(
            self.numbers + other.numbers,
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def _characters(components: list[Component]) -> list[_Group]:
    """Strokes of one character put together, dirt and dashes left out."""
    largest_first = sorted(components, key=lambda component: -component.area)[:_MOST]
    if not largest_first:
        return []
    usual = median(c.height for c in largest_first if c.area >= 0.15 * largest_first[0].area)
    groups: list[_Group] = []
    for component in largest_first:
        group = _Group.of(component)
        # a stroke may join what stood apart till now: an 8 of two halves and the piece between them
        while (number := next((n for n, other in enumerate(groups) if _belong(group, other, usual)), None)) is not None:
            group += groups.pop(number)
        groups.append(group)
    return [group for group in groups if group.height >= _SPECK * usual]


def _belong(a: _Group, b: _Group, usual: float) -> bool:
    overlap = min(a.right, b.right) - max(a.left, b.left)
    gap = max(a.top, b.top) - min(a.bottom, b.bottom)
    tall = max(a.bottom, b.bottom) - min(a.top, b.top)
    narrower = min(a.right - a.left, b.right - b.left)
    return overlap >= _OVERLAP * narrower and gap <= _GAP * usual and tall <= max(_TALLEST * usual, a.height, b.height)


def _lines(groups: list[_Group]) -> list[list[_Group]]:
    """Lines from the top, each from left to right. A character is in the line whose span contains its middle."""
    lines: list[list[_Group]] = []
    for group in sorted(groups, key=lambda g: g.left):
        # the last of each line is its neighbour, so that a line may slope
        near = [line for line in lines if line[-1].top <= group.middle <= line[-1].bottom]
        if near:
            min(near, key=lambda line: abs(line[-1].middle - group.middle)).append(group)
        else:
            lines.append([group])
    return sorted(lines, key=lambda line: median(group.middle for group in line))


def _height(line: list[_Group]) -> float:
    return median(group.height for group in line)


def _surroundings(group: _Group) -> tuple[slice, slice]:
    """Rows and columns of the group, with room for strokes to be widened."""
    room = max(4, group.height // 8)
    rows = slice(max(0, group.top - room), group.bottom + room)
    return rows, slice(max(0, group.left - room), group.right + room)


def _box(group: _Group, shown: tuple[int, int, int, int], width: int) -> Box:
    """In the picture's pixels, of which a part is shown in an ink map of this width."""
    scale = (shown[2] - shown[0]) / width
    left, top = shown[0] + round(group.left * scale), shown[1] + round(group.top * scale)
    right, bottom = shown[0] + round(group.right * scale), shown[1] + round(group.bottom * scale)
    return Box(left, top, max(1, min(shown[2], right) - left), max(1, min(shown[3], bottom) - top))
