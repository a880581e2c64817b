"""Kinds of sets that were made after the rules of the choice were fixed: these say how well the rules hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.framing_sets import writing
from benchmarks.framing_sets.canvas import (
    Dice,
    Kind,
    Plane,
    Points,
    camera,
    clouds,
    ellipse,
    grain,
    grid,
    mix,
    spline,
    strokes,
)
from PIL import Image


def kinds() -> list[Kind]:
    """All of them; none needs files."""
    ink: dict[str, Callable[[Dice], Image.Image]] = {
        "characters in boxes": boxed,
        "brown ink on old paper": old_paper,
        "a thin pen on large scans": thin_pen,
        "crayon": crayon,
        "words with noise": noisy_word,
        "circuit symbols": circuit,
    }
    photo: dict[str, Callable[[Dice], Image.Image]] = {
        "leaves on white": leaf,
        "dental X-rays": teeth,
        "lamps at night": night,
        "screws on a belt": screw,
        "cracks in concrete": crack,
        "chromosomes": chromosomes,
        "spectrograms": spectrogram,
        "faces": face,
        "fruit on wood": fruit,
    }
    return [Kind(name, "ink", make) for name, make in ink.items()] + [
        Kind(name, "photo", make) for name, make in photo.items()
    ]


def _taken(dice: Dice, levels: Plane) -> Image.Image:
    return camera(dice, levels, dice.between(0.3, 1.2), dice.between(2, 7), (35, 95))


def boxed(dice: Dice) -> Image.Image:
    """A character in the printed box of a form."""
    side = dice.side(32, 200)
    paper = np.full((side, side), dice.between(225, 255))
    box: list[Points] = [[(0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94), (0.06, 0.06)]]
    paper = mix(strokes(side, side, box, max(1.0, side / 70)), paper, dice.between(60, 170))
    return _taken(dice, mix(writing.handwritten(dice, side, side), paper, dice.between(20, 90)))


def old_paper(dice: Dice) -> Image.Image:
    side = dice.side(60, 400)
    paper = mix(grain(dice, side, side), (222, 202, 160), (196, 170, 124))
    faded = writing.handwritten(dice, side, side) * (0.65 + 0.35 * clouds(dice, side, side, 6))
    return _taken(dice, mix(faded, paper, (78, 52, 36)))


def thin_pen(dice: Dice) -> Image.Image:
    side = dice.whole(600, 1200)
    cover = writing.handwritten(dice, side, side, dice.between(2.5, 6))
    return _taken(dice, mix(cover, dice.between(225, 252), dice.between(20, 90)))


def crayon(dice: Dice) -> Image.Image:
    side = dice.side(80, 400)
    rough = np.clip(1.3 * clouds(dice, side, side, side / 2) + 0.25, 0, 1)
    cover = writing.handwritten(dice, side, side, side * dice.between(0.04, 0.08)) * rough
    return _taken(
        dice, mix(cover, (250, 249, 245), dice.pick([(200, 40, 50), (40, 70, 180), (30, 120, 60), (90, 50, 30)]))
    )


def noisy_word(dice: Dice) -> Image.Image:
    height = dice.whole(50, 90)
    text = "".join(dice.pick(writing.PRINT) for _ in range(5))
    cover = writing.printed(dice, text, height, round(2.8 * height), writing.fonts(), 0.5)
    dots = 0.6 * (dice.rng.random(cover.shape) < 0.01)
    return _taken(dice, mix(np.maximum(cover, dots), dice.between(225, 250), dice.between(20, 80)))


def circuit(dice: Dice) -> Image.Image:
    """Resistors, capacitors and lamps with their two wires."""
    side = dice.side(48, 240)
    wires: list[Points] = [[(0.08, 0.5), (0.3, 0.5)], [(0.7, 0.5), (0.92, 0.5)]]
    turns = np.linspace(0, 6.3, 30).tolist()
    ring = [(0.5 + 0.2 * np.cos(t), 0.5 + 0.2 * np.sin(t)) for t in turns]
    kinds_of: list[list[Points]] = [
        [[(0.3, 0.4), (0.7, 0.4), (0.7, 0.6), (0.3, 0.6), (0.3, 0.4)]],
        [
            [(0.3, 0.5), (0.45, 0.5)],
            [(0.45, 0.25), (0.45, 0.75)],
            [(0.55, 0.25), (0.55, 0.75)],
            [(0.55, 0.5), (0.7, 0.5)],
        ],
        [ring, [(0.36, 0.36), (0.64, 0.64)], [(0.64, 0.36), (0.36, 0.64)]],
    ]
    cover = strokes(side, side, [*wires, *dice.pick(kinds_of)], max(1.0, side * dice.between(0.015, 0.035)))
    return _taken(dice, mix(cover, 250.0, dice.between(0, 60)))


def leaf(dice: Dice) -> Image.Image:
    """A leaf with its veins and its stalk."""
    side = dice.side(80, 400)
    turn = dice.between(0, 3.1)
    blade = ellipse(side, side, (0.5, 0.5), (dice.between(0.12, 0.22), dice.between(0.28, 0.38)), turn, 1.5)
    green = mix(grain(dice, side, side), (70, 120, 50), (120, 160, 80))
    down = (-np.sin(turn), np.cos(turn))
    stalk = [(0.5 - 0.3 * down[0], 0.5 - 0.3 * down[1]), (0.5 + 0.46 * down[0], 0.5 + 0.46 * down[1])]
    levels = mix(blade, np.full((side, side, 3), dice.between(235, 254)), green)
    return _taken(dice, mix(strokes(side, side, [stalk], max(1.0, side / 70)), levels, (150, 175, 100)))


def teeth(dice: Dice) -> Image.Image:
    height, width = dice.side(80, 260), dice.side(120, 400)
    levels = 60 + 60 * clouds(dice, height, width, 3)
    for row in (0.28, 0.72):
        for n in range(5):
            place = (0.1 + 0.2 * n + dice.between(-0.02, 0.02), row)
            tooth = ellipse(height, width, place, (0.085, 0.24), 0, 4)
            root = ellipse(height, width, place, (0.02, 0.2), 0, 3)
            levels = mix(0.6 * root, mix(tooth, levels, 185 + 20 * clouds(dice, height, width, 5)), 90.0)
            if dice.chance(0.25):
                levels = mix(ellipse(height, width, place, (0.05, 0.07), 0, 2), levels, 250.0)
    return _taken(dice, levels)


def night(dice: Dice) -> Image.Image:
    """Lamps and windows in the dark, with their glow."""
    height, width = dice.side(80, 300), dice.side(100, 400)
    y, x = grid(height, width)
    levels = np.zeros((height, width, 3)) + 6 + 14 * clouds(dice, height, width, 3)[..., None]
    for _ in range(dice.whole(5, 20)):
        far = np.hypot(x - dice.between(0, 1), y - dice.between(0.2, 0.8)) / dice.between(0.01, 0.05)
        colour = np.array(dice.pick([(255, 214, 140), (255, 250, 240), (250, 80, 50)]), dtype=np.float64)
        levels = levels + colour * (1 / (1 + far**2))[..., None]
    return _taken(dice, levels)


def screw(dice: Dice) -> Image.Image:
    """One long shining thing on an even belt."""
    side = dice.side(80, 400)
    turn = dice.between(0, 3.1)
    ends = [(0.5 + s * np.cos(turn), 0.5 + s * np.sin(turn)) for s in (-0.32, 0.32)]
    body = strokes(side, side, [ends], side * dice.between(0.06, 0.1))
    shine = strokes(side, side, [ends], side * 0.02)
    head = ellipse(side, side, ends[0], (0.08, 0.08), 0, 1.5)
    levels = mix(
        np.maximum(body, head),
        dice.between(40, 80) + 10 * grain(dice, side, side),
        90 + 60 * clouds(dice, side, side, 30),
    )
    return _taken(dice, mix(0.9 * shine, levels, 235.0))


def crack(dice: Dice) -> Image.Image:
    """Grey concrete with pores, and a crack from edge to edge."""
    side = dice.side(80, 320)
    levels = dice.between(140, 190) + 50 * (grain(dice, side, side) - 0.5) + dice.rng.normal(0, 9, (side, side))
    line = [(dice.between(0.2, 0.8), n / 8 - 0.05) for n in range(10)]
    line = [(0.5 * x + 0.5 * line[0][0], y) for x, y in line]
    return _taken(dice, mix(0.8 * strokes(side, side, [line], side * dice.between(0.008, 0.025)), levels, 60.0))


def chromosomes(dice: Dice) -> Image.Image:
    """Banded rods in several greys on a light ground."""
    side = dice.side(100, 320)
    levels = np.full((side, side), dice.between(215, 245))
    for _ in range(dice.whole(10, 24)):
        x, y = dice.between(0.12, 0.88), dice.between(0.12, 0.88)
        line = spline([(x + dice.between(-0.07, 0.07), y + dice.between(-0.07, 0.07)) for _ in range(3)])
        bands = 60 + 130 * clouds(dice, side, side, side / 7)
        levels = mix(strokes(side, side, [line], side * 0.035), levels, bands)
    return _taken(dice, levels)


def spectrogram(dice: Dice) -> Image.Image:
    """Tones and their overtones as bright lines in noise."""
    height, width = dice.side(80, 260), dice.side(100, 360)
    levels = 40 + 60 * clouds(dice, height, width, height / 3, width / 3) * (1 - grid(height, width)[0] * 0.4)
    for tone in range(1, 7):
        base = dice.between(0.08, 0.12) * tone
        line = spline([(n / 6, 1 - base * (1 + 0.1 * np.sin(n))) for n in range(7)])
        levels = levels + 140 / tone * strokes(height, width, [line], max(1.0, height / 50))
    return _taken(dice, levels)


def face(dice: Dice) -> Image.Image:
    side = dice.side(40, 260)
    skin = dice.between(110, 210)
    levels = dice.between(30, 220) + 40 * (clouds(dice, side, side, 4) - 0.5)
    levels = mix(ellipse(side, side, (0.5, 0.45), (0.33, 0.43), 0, 3), levels, dice.between(20, 90))
    shade = skin * (0.7 + 0.3 * ellipse(side, side, (0.42, 0.5), (0.3, 0.4), 0, side * 0.3))
    levels = mix(ellipse(side, side, (0.5, 0.54), (0.26, 0.35), 0, 3), levels, shade)
    for x in (0.4, 0.6):
        levels = mix(0.7 * ellipse(side, side, (x, 0.47), (0.05, 0.025), 0, 2), levels, 30.0)
    levels = mix(0.5 * ellipse(side, side, (0.5, 0.72), (0.09, 0.03), 0, 2), levels, 90.0)
    return _taken(dice, levels)


def fruit(dice: Dice) -> Image.Image:
    side = dice.side(80, 360)
    y, _ = grid(side, side)
    rings = 0.5 + 0.5 * np.sin(50 * (y + 0.2 * clouds(dice, side, side, 3)))
    levels = mix(rings, (186, 140, 92), (150, 105, 64))
    for _ in range(dice.whole(1, 4)):
        place, size = (dice.between(0.25, 0.75), dice.between(0.25, 0.75)), dice.between(0.1, 0.22)
        shade = 0.5 + 0.6 * ellipse(side, side, (place[0] - 0.05, place[1] - 0.05), (size, size), 0, side * size)
        colour = np.array(dice.pick([(200, 40, 40), (230, 170, 40), (110, 170, 60)]), dtype=np.float64)
        levels = mix(ellipse(side, side, place, (size, size), 0, 2), levels, np.clip(shade[..., None] * colour, 0, 255))
    return _taken(dice, levels)
