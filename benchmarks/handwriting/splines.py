"""Smooth lines through points: texts of strokes to points that are close together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
"""Points of a line, float64 (n, 2): x to the right, y down."""

SAMPLES = 10  # of a smooth piece between two points


@dataclass(frozen=True)
class Stroke:
    """A stroke as written in the table of ways, in heights of the digit."""

    points: Points
    jitter: Points
    """How far each point may move, either way: float64 (n, 2)."""
    corners: tuple[bool, ...]


def parse(text: str, jitter: float) -> Stroke:
    """The stroke of a text such as "0~6,22! 24,0! 24,100!", in hundredths of the height."""
    points, ranges, corners = [], [], []
    for word in text.split():
        corners.append(word.endswith("!"))
        axes = [axis.split("~") for axis in word.rstrip("!").split(",")]
        points.append([float(axis[0]) for axis in axes])
        ranges.append([float(axis[1]) if len(axis) > 1 else jitter for axis in axes])
    return Stroke(np.array(points) / 100, np.array(ranges) / 100, tuple(corners))


def line_through(points: Points, corners: tuple[bool, ...]) -> Points:
    """The line through the points: smooth, with a corner where `corners` says so."""
    ends = [0, *(i for i in range(1, len(points) - 1) if corners[i]), len(points) - 1]
    pieces = [smooth(points[a : b + 1]) for a, b in pairwise(ends)]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def smooth(points: Points) -> Points:
    """A centripetal Catmull-Rom spline through the points (Barry and Goldman, 1988), which has no cusps of its own."""
    if len(points) == 2:
        return points
    around = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    knots = np.sqrt(np.maximum(np.hypot(*np.diff(around, axis=0).T), 1e-6)).cumsum()
    knots = np.concatenate([[0], knots])
    p0, p1, p2, p3 = (around[i : len(around) - 3 + i, None] for i in range(4))
    t0, t1, t2, t3 = (knots[i : len(knots) - 3 + i, None, None] for i in range(4))
    t = t1 + (t2 - t1) * np.linspace(0, 1, SAMPLES, endpoint=False)[None, :, None]
    a1 = ((t1 - t) * p0 + (t - t0) * p1) / (t1 - t0)
    a2 = ((t2 - t) * p1 + (t - t1) * p2) / (t2 - t1)
    a3 = ((t3 - t) * p2 + (t - t2) * p3) / (t3 - t2)
    b1 = ((t2 - t) * a1 + (t - t0) * a2) / (t2 - t0)
    b2 = ((t3 - t) * a2 + (t - t1) * a3) / (t3 - t1)
    curve = ((t2 - t) * b1 + (t - t1) * b2) / (t2 - t1)
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


def evenly(points: Points, step: float) -> Points:
    """The same line with points `step` apart, or a little less; both ends stay."""
    lengths = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    places = np.linspace(0, lengths[-1], max(2, int(np.ceil(lengths[-1] / step)) + 1))
    return np.stack([np.interp(places, lengths, points[:, axis]) for axis in (0, 1)], axis=1)


def rounded(points: Points, spread: float) -> Points:
    """The evenly spaced line with its corners rounded, over `spread` points to each side; both ends stay."""
    reach = int(2 * spread)
    if reach < 1 or len(points) < 3:
        return points
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    weights /= weights.sum()
    inside = np.pad(points, ((reach, reach), (0, 0)), "reflect", reflect_type="odd") if len(points) > reach else None
    if inside is None:
        return points
    return np.stack([np.convolve(inside[:, axis], weights, "valid") for axis in (0, 1)], axis=1)
