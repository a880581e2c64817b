"""Kinds of sets from medicine and science that `photo` is right for: half-tones, often on a black or white ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.framing_sets.canvas import Dice, Kind, Plane, camera, clouds, ellipse, grain, grid, mix, spline, strokes
from PIL import Image


def kinds() -> list[Kind]:
    """All of them; none needs files."""
    makers: dict[str, Callable[[Dice], Image.Image]] = {
        "MRI scans of heads": mri,
        "outlined heads": outlined_head,
        "CT scans": ct,
        "X-rays of hands": hand,
        "X-rays of chests": chest,
        "X-rays of luggage": luggage,
        "candled eggs": egg,
        "ultrasound": ultrasound,
        "cells in a dark field": dark_field,
        "stained cells": stained,
        "blood smears": smear,
        "neurons in fluorescence": neurons,
        "retinas": retina,
        "galaxies": galaxy,
        "thermal pictures": thermal,
        "depth maps": depth,
    }
    return [Kind(name, "photo", make) for name, make in makers.items()]


def _taken(dice: Dice, levels: Plane, blur: float = 1.0) -> Image.Image:
    return camera(dice, levels, dice.between(0.2, 0.2 + blur), dice.between(1, 7), dice.pick([None, (35, 95)]))


def mri(dice: Dice) -> Image.Image:
    """A ring of fat and bone around tissue in several greys, with dark ventricles, some with a bright lesion."""
    side = dice.side(80, 400)
    turn, rx, ry = dice.between(-0.2, 0.2), dice.between(0.28, 0.4), dice.between(0.34, 0.44)
    centre = (dice.between(0.46, 0.54), dice.between(0.46, 0.54))
    head = ellipse(side, side, centre, (rx, ry), turn)
    bone = ellipse(side, side, centre, (0.93 * rx, 0.93 * ry), turn)
    brain = ellipse(side, side, centre, (0.86 * rx, 0.86 * ry), turn)
    tissue = dice.between(45, 130) + dice.between(20, 70) * (grain(dice, side, side) - 0.3)
    levels = mix(head, dice.between(0, 8), dice.between(110, 220))
    levels = mix(brain, mix(bone, levels, dice.between(10, 40)), tissue)
    for offset in (-0.06, 0.06):
        hole = ellipse(side, side, (centre[0] + offset, centre[1]), (0.035, 0.1), offset * 4, 2)
        levels = mix(hole, levels, dice.between(8, 40))
    if dice.chance(0.6):
        place = (centre[0] + dice.between(-0.15, 0.15), centre[1] + dice.between(-0.2, 0.2))
        lesion = ellipse(side, side, place, (dice.between(0.03, 0.1), dice.between(0.03, 0.1)), 0, side / 40)
        levels = mix(0.8 * lesion, levels, dice.between(150, 240))
    return _taken(dice, levels)


def outlined_head(dice: Dice) -> Image.Image:
    """A bright rim around an even, dimmer, noisy inside on black."""
    side = dice.side(80, 300)
    centre, radii = (0.5, 0.5), (dice.between(0.25, 0.4), dice.between(0.3, 0.42))
    rim = ellipse(side, side, centre, radii)
    inside = ellipse(side, side, centre, (radii[0] - 0.03, radii[1] - 0.03))
    levels = mix(inside, mix(rim, 0.0, dice.between(150, 230)), dice.between(40, 110))
    return camera(dice, levels + inside * dice.noise(levels, dice.between(8, 25)), 1, 1, dice.pick([None, (35, 95)]))


def ct(dice: Dice) -> Image.Image:
    """A trunk with organs, a spine, ribs and the table below."""
    side = dice.side(100, 400)
    body = ellipse(side, side, (0.5, 0.5), (dice.between(0.38, 0.47), dice.between(0.28, 0.38)))
    levels = mix(body, 0.0, dice.between(80, 120) + 20 * grain(dice, side, side))
    for _ in range(dice.whole(3, 7)):
        place = (dice.between(0.25, 0.75), dice.between(0.35, 0.62))
        organ = ellipse(side, side, place, (dice.between(0.04, 0.14), dice.between(0.04, 0.12)), dice.between(0, 3), 2)
        levels = mix(organ * body, levels, dice.between(10, 190))
    for angle in [*np.linspace(0.4, 2.7, 6).tolist(), 1.57]:
        place = (0.5 + 0.34 * np.cos(angle), 0.5 + 0.22 * np.sin(angle))
        levels = mix(ellipse(side, side, place, (0.03, 0.018), angle), levels, 235.0)
    table = [[(0.15, 0.9), (0.5, 0.93), (0.85, 0.9)]]
    return _taken(dice, mix(strokes(side, side, table, side / 90), levels, 110.0))


def hand(dice: Dice) -> Image.Image:
    """Bones within flesh: two levels, and all between them, on black."""
    side = dice.side(100, 400)
    fingers = [
        [(0.5 + 0.09 * n, 0.62), (0.5 + 0.14 * n + dice.between(-0.02, 0.02), 0.15 + 0.04 * abs(n))]
        for n in range(-2, 3)
    ]
    palm = ellipse(side, side, (0.5, 0.7), (0.24, 0.2), 0, 2)
    flesh = np.maximum(strokes(side, side, fingers, side * 0.085), palm)
    bones = np.maximum(strokes(side, side, fingers, side * 0.035), 0.7 * palm * grain(dice, side, side))
    ground = dice.between(2, 25)
    levels = mix(0.8 * bones, mix(flesh, ground, dice.between(55, 110)), dice.between(180, 245))
    return _taken(dice, levels + 15 * (grain(dice, side, side) - 0.5) * flesh, side / 120)


def chest(dice: Dice) -> Image.Image:
    side = dice.side(100, 400)
    y, x = grid(side, side)
    levels = 60 + 120 * np.exp(-(((x - 0.5) / 0.35) ** 2)) + 50 * y
    for middle in (0.3, 0.7):
        lung = ellipse(side, side, (middle, 0.48), (0.15, 0.32), 0, side / 14)
        levels = mix(0.8 * lung, levels, 45.0)
    ribs = [
        spline(
            [
                (0.08, 0.2 + 0.09 * n),
                (0.3, 0.14 + 0.09 * n),
                (0.5, 0.2 + 0.09 * n),
                (0.7, 0.14 + 0.09 * n),
                (0.92, 0.2 + 0.09 * n),
            ]
        )
        for n in range(7)
    ]
    levels = levels + 28 * strokes(side, side, ribs, side / 35)
    levels = mix(ellipse(side, side, (0.57, 0.62), (0.14, 0.16), 0.4, side / 20), levels, 190.0)
    return _taken(dice, levels + 14 * (grain(dice, side, side) - 0.5), side / 150)


def luggage(dice: Dice) -> Image.Image:
    """Things that let a part of the light through, over each other, on white."""
    side = dice.side(100, 400)
    levels = np.full((side, side, 3), 252.0)
    case = ellipse(side, side, (0.5, 0.5), (0.48, 0.42), 0, 2)
    levels = levels * (1 - case[..., None] * np.array([0.05, 0.12, 0.25]))
    for _ in range(dice.whole(6, 16)):
        place, radii = (
            (dice.between(0.2, 0.8), dice.between(0.2, 0.8)),
            (dice.between(0.03, 0.2), dice.between(0.02, 0.15)),
        )
        thing = ellipse(side, side, place, radii, dice.between(0, 3), 2) * dice.between(0.3, 1)
        metal = dice.pick([(0.7, 0.5, 0.1), (0.1, 0.35, 0.75), (0.4, 0.2, 0.6)])
        levels = levels * (1 - thing[..., None] * np.array(metal))
    return _taken(dice, levels)


def egg(dice: Dice) -> Image.Image:
    """An egg before a lamp: bright within, veins or a dark embryo, black around it."""
    side = dice.side(60, 400)
    centre, turn = (dice.between(0.4, 0.6), dice.between(0.4, 0.6)), dice.between(0, 3)
    radii = (dice.between(0.16, 0.32), dice.between(0.2, 0.4))
    shell = ellipse(side, side, centre, radii, turn, side / 40)
    glow = ellipse(side, side, centre, radii, turn, 0.5 * side * min(radii)) * dice.between(0.5, 1)
    inner = np.clip(0.45 * shell + 0.55 * glow, 0, 1)
    if dice.chance(0.7):
        veins = [
            spline([(centre[0] + dice.between(-0.1, 0.1), centre[1] + dice.between(-0.15, 0.15)) for _ in range(4)])
            for _ in range(5)
        ]
        inner = inner * (1 - 0.5 * strokes(side, side, veins, max(1.0, side / 120)))
    if dice.chance(0.5):
        inner = inner * (1 - 0.6 * ellipse(side, side, centre, (0.09, 0.07), 0, side / 20))
    lamp = np.array(dice.pick([(255, 150, 70), (255, 205, 130), (240, 90, 40)]), dtype=np.float64)
    return _taken(dice, dice.between(0, 25) + inner[..., None] * lamp, side / 120)


def ultrasound(dice: Dice) -> Image.Image:
    """Speckle in a sector, dark cysts, a bright reflection."""
    side = dice.side(100, 400)
    y, x = grid(side, side)
    far, angle = np.hypot(x - 0.5, y + 0.05), np.arctan2(x - 0.5, y + 0.05)
    sector = (np.abs(angle) < dice.between(0.5, 0.8)) & (far > 0.15) & (far < 0.98)
    tissue = 30 + 130 * grain(dice, side, side) * np.exp(-0.8 * far)
    for _ in range(dice.whole(1, 3)):
        place = (dice.between(0.35, 0.65), dice.between(0.35, 0.75))
        tissue = mix(
            ellipse(side, side, place, (dice.between(0.05, 0.14), dice.between(0.04, 0.1)), 0, 3), tissue, 10.0
        )
    speckle = dice.rng.rayleigh(0.8, (side, side))
    return camera(dice, sector * tissue * speckle, dice.between(0.6, 1.2), 1, dice.pick([None, (35, 95)]))


def dark_field(dice: Dice) -> Image.Image:
    side = dice.side(64, 400)
    levels = np.full((side, side), dice.between(4, 30))
    for _ in range(dice.whole(3, 25)):
        place, size = (dice.between(0, 1), dice.between(0, 1)), dice.between(0.02, 0.08)
        cell = ellipse(side, side, place, (size, size * dice.between(0.6, 1.4)), dice.between(0, 3), side * size)
        levels = levels + cell * dice.between(50, 220) * (0.6 + 0.4 * clouds(dice, side, side, 20))
    return _taken(dice, levels)


def stained(dice: Dice) -> Image.Image:
    """Tissue in pink and violet: nuclei in cells, no ground."""
    side = dice.side(64, 400)
    levels = mix(grain(dice, side, side), (238, 205, 222), (205, 130, 175))
    for _ in range(dice.whole(20, 60)):
        place, size = (dice.between(0, 1), dice.between(0, 1)), dice.between(0.02, 0.05)
        nucleus = ellipse(side, side, place, (size, size * dice.between(0.6, 1)), dice.between(0, 3), 2)
        levels = mix(nucleus * dice.between(0.5, 0.9), levels, (95, 60, 140))
    return _taken(dice, levels)


def smear(dice: Dice) -> Image.Image:
    """One stained cell with its nucleus between pale ones on a light ground."""
    side = dice.side(64, 360)
    levels = mix(clouds(dice, side, side, 4), (236, 228, 232), (226, 214, 222))
    for _ in range(dice.whole(6, 14)):
        place, size = (dice.between(0, 1), dice.between(0, 1)), dice.between(0.07, 0.12)
        cell = ellipse(side, side, place, (size, size), 0, 2)
        pale = ellipse(side, side, place, (size / 2, size / 2), 0, side * size / 2)
        levels = mix(0.8 * cell * (1 - 0.4 * pale), levels, (214, 150, 160))
    levels = mix(ellipse(side, side, (0.5, 0.5), (0.18, 0.17), 0, 3), levels, (190, 170, 215))
    levels = mix(ellipse(side, side, (0.47, 0.5), (0.11, 0.1), 0.5, 3), levels, (90, 50, 140))
    return _taken(dice, levels)


def neurons(dice: Dice) -> Image.Image:
    """Bodies with branches that grow fainter and thinner, on a dark ground."""
    side = dice.side(100, 400)
    levels = np.full((side, side), dice.between(5, 25)) + 12 * clouds(dice, side, side, 5)
    for _ in range(dice.whole(1, 4)):
        x, y = dice.between(0.2, 0.8), dice.between(0.2, 0.8)
        levels = levels + dice.between(120, 230) * ellipse(
            side, side, (x, y), (0.06, 0.05), dice.between(0, 3), side * 0.05
        )
        for _ in range(dice.whole(3, 7)):
            points, light = [(x, y)], dice.between(30, 150)
            for n in range(1, 5):
                last = points[-1]
                points.append((last[0] + dice.between(-0.12, 0.12), last[1] + dice.between(-0.12, 0.12)))
                levels = levels + light / n * strokes(side, side, [points[-2:]], max(1.0, side / 60 / n))
    return _taken(dice, levels, side / 120)


def retina(dice: Dice) -> Image.Image:
    side = dice.side(100, 400)
    disc = ellipse(side, side, (0.5, 0.5), (0.48, 0.48), 0, 3)
    share = (
        0.6 + 0.4 * ellipse(side, side, (0.5, 0.5), (0.6, 0.6), 0, side * 0.5) + 0.15 * (grain(dice, side, side) - 0.5)
    )
    light = share[..., None] * np.array((200, 95, 45))
    start = (dice.pick([0.25, 0.75]), 0.5)
    vessels = [
        spline([start, (0.5, 0.5 + s), (dice.between(0.2, 0.8), 0.5 + 1.6 * s)]) for s in (-0.25, -0.15, 0.12, 0.25)
    ]
    light = light * (1 - 0.45 * strokes(side, side, vessels, side / 60)[..., None])
    light = mix(ellipse(side, side, start, (0.07, 0.08), 0, 4), light, (250, 215, 150))
    return _taken(dice, light * disc[..., None])


def galaxy(dice: Dice) -> Image.Image:
    side = dice.side(48, 300)
    y, x = grid(side, side)
    levels = np.full((side, side), dice.between(3, 22))
    for n in range(dice.whole(2, 9)):
        centre = (0.5, 0.5) if n == 0 else (dice.between(0, 1), dice.between(0, 1))
        size, flat, turn = (
            (dice.between(0.06, 0.16) if n == 0 else dice.between(0.004, 0.015)),
            dice.between(0.3, 1),
            dice.between(0, 3),
        )
        across = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
        down = ((y - centre[1]) * np.cos(turn) - (x - centre[0]) * np.sin(turn)) / flat
        far = np.hypot(across, down) / size
        arms = 1 + 0.5 * np.cos(2 * np.arctan2(down, across) - 3 * far) * (n == 0)
        levels = levels + dice.between(90, 260) * arms * np.exp(-far)
    return _taken(dice, levels)


def thermal(dice: Dice) -> Image.Image:
    side = dice.side(60, 320)
    heat = 0.3 * clouds(dice, side, side, 3) + 0.1 * grain(dice, side, side)
    for _ in range(dice.whole(1, 3)):
        place = (dice.between(0.25, 0.75), dice.between(0.3, 0.8))
        heat = heat + 0.5 * ellipse(
            side, side, place, (dice.between(0.08, 0.22), dice.between(0.15, 0.35)), 0, side / 8
        )
    heat = np.clip(heat, 0, 1)
    colours = np.stack(
        [255 * np.clip(1.6 * heat, 0, 1), 255 * heat**2, 255 * np.clip(0.55 - 2 * (heat - 0.35) ** 2, 0, 1)], 2
    )
    return _taken(dice, colours if dice.chance(0.6) else 255 * heat)


def depth(dice: Dice) -> Image.Image:
    """Near is bright: the floor comes nearer, things stand on it, no texture."""
    side = dice.side(60, 320)
    y, _ = grid(side, side)
    levels = 30 + 170 * np.clip(y - 0.3, 0, 1)
    for _ in range(dice.whole(2, 6)):
        base, wide, tall = dice.between(0.45, 0.95), dice.between(0.05, 0.18), dice.between(0.15, 0.5)
        thing = ellipse(side, side, (dice.between(0.1, 0.9), base - tall / 2), (wide, tall / 2), 0, 1)
        levels = mix(thing, levels, 30 + 170 * max(0.0, base - 0.3) + 20)
    return camera(dice, levels, 0.5, 0.5, dice.pick([None, (50, 95)]))
