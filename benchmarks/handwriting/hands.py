"""Writers: how one person's hand changes the ways of the table, and changes from picture to picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .splines import Points, evenly, line_through, parse, rounded
from .ways import JITTER

STEP = 0.012  # between points of a line, in heights of the digit
STEEPEST = np.deg2rad(38.0)  # slant and rotation together: beyond it a bare 1 would not be upright any more


@dataclass(frozen=True)
class Writer:
    """Habits of one person, which all of their digits share."""

    slant: float
    """To the right, in degrees, -25..35."""
    rotation: float
    """Of the line of writing, in degrees."""
    aspect: float
    """Width of the digits relative to the table's."""
    care: float
    """How far points move, relative to the table's ranges: 0.3 careful, 1.3 careless."""
    tremor: float
    """Amplitude of the hand's trembling, in heights of the digit."""
    roundness: float
    """How far corners are rounded, in heights of the digit."""
    overshoot: float
    """How far strokes begin and end too late (or early, negative), in heights of the digit."""


def writer(rng: np.random.Generator) -> Writer:
    """A person drawn by chance."""
    return Writer(
        slant=float(np.clip(rng.normal(6, 11), -22, 32)),
        rotation=float(np.clip(rng.normal(0, 3), -8, 8)),
        aspect=float(np.exp(rng.normal(0, 0.16))),
        care=float(rng.uniform(0.3, 1.3)),
        tremor=float(rng.choice([0, rng.uniform(0, 0.004), rng.uniform(0.003, 0.009)], p=[0.3, 0.5, 0.2])),
        roundness=float(rng.choice([0, rng.uniform(0.004, 0.035)], p=[0.4, 0.6])),
        overshoot=float(rng.normal(0.004, 0.012)),
    )


def write(strokes: tuple[str, ...], by: Writer, rng: np.random.Generator) -> list[Points]:
    """Lines of the pen for the strokes of the table, as this person writes them this time, in heights of the digit."""
    matrix = affine(by, rng)
    lines = []
    for text in strokes:
        stroke = parse(text, JITTER)
        moved = stroke.points + by.care * stroke.jitter * rng.uniform(-1, 1, stroke.points.shape)
        line = rounded(evenly(line_through(moved, stroke.corners), STEP), by.roundness / STEP)
        line = with_ends(line, by.overshoot + rng.normal(0, 0.008, 2) * by.care)
        lines.append((line + tremble(line, by.tremor, rng)) @ matrix.T)
    return lines


def affine(by: Writer, rng: np.random.Generator) -> Points:
    """Aspect, slant and rotation of this time, as a matrix (2, 2)."""
    slant = np.deg2rad(np.clip(by.slant + rng.normal(0, 4), -25, 35))
    turn = np.deg2rad(np.clip(by.rotation + rng.normal(0, 3), -12, 12))
    turn = np.clip(turn, -STEEPEST - slant, STEEPEST - slant)
    aspect = np.clip(by.aspect * np.exp(rng.normal(0, 0.07)), 0.62, 1.5)
    sheared = np.array([[aspect, -np.tan(slant)], [0, 1]])
    return np.asarray(np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ sheared, np.float64)


def with_ends(line: Points, longer: Points) -> Points:
    """The line with its first and last point moved along the line, outwards by `longer` (2,), inwards if negative."""
    length = STEP * (len(line) - 1)
    if length < 0.15:
        return line
    out = line.copy()
    for end, inner, by in ((0, 3, longer[0]), (-1, -4, longer[1])):
        along = line[end] - line[inner]
        out[end] = line[end] + np.clip(by, -2 * STEP, 0.04) * along / max(float(np.hypot(*along)), 1e-9)
    return out


def tremble(line: Points, amplitude: float, rng: np.random.Generator) -> Points:
    """Displacements of the line's points by a trembling hand: slow waves of 0.15 to 0.7 heights."""
    if amplitude == 0:
        return np.zeros_like(line)
    along = STEP * np.arange(len(line))
    waves = rng.uniform(1.4, 6.5, (3, 2))
    phases = rng.uniform(0, 2 * np.pi, (3, 2))
    shares = amplitude / np.sqrt(np.arange(1, 4))[:, None]
    moved = shares[:, None] * np.sin(2 * np.pi * waves[:, None] * along[None, :, None] + phases[:, None])
    return np.asarray(moved.sum(axis=0))
