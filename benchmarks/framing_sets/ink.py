"""Kinds of sets that `ink` is right for: strokes of one pen on one ground."""

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
    grid,
    mix,
    spline,
    strokes,
)
from PIL import Image


def kinds() -> list[Kind]:
    """All of them; none needs files."""
    makers: dict[str, Callable[[Dice], Image.Image]] = {
        "handwriting on white": lambda d: _file(d, writing.written_on(writing.white, (0.05, 0.5))(d)),
        "handwriting on grey paper": lambda d: _photograph(d, writing.written_on(writing.grey, (0.2, 0.55))(d)),
        "handwriting in a shadow": lambda d: _photograph(d, writing.written_on(writing.shadowed, (0.15, 0.45))(d)),
        "handwriting on lines": lambda d: _photograph(d, writing.written_on(writing.lined, (0.15, 0.45))(d)),
        "handwriting on squares": lambda d: _photograph(d, writing.written_on(writing.squared, (0.15, 0.45))(d)),
        "sheets on a desk": sheet_on_a_desk,
        "pencil on forms": pencil,
        "whiteboard": whiteboard,
        "chalk on a blackboard": chalk,
        "drawn on a screen": tablet,
        "printed letters": lambda d: letters(d, writing.PRINT[10:]),
        "printed digits": lambda d: letters(d, writing.PRINT[:10]),
        "bold letters cut close": cut_close,
        "mathematical symbols": symbols,
        "seven-segment displays": segments,
        "sketches": sketch,
        "technical drawings": technical,
        "music notes": notes,
        "characters of many strokes": many_strokes,
        "signatures": signature,
        "stamps": stamp,
        "line art": line_art,
    }
    return [Kind(name, "ink", make) for name, make in makers.items()]


def _file(dice: Dice, levels: Plane) -> Image.Image:
    """A scan or an export: sharp and clean."""
    return camera(dice, levels, dice.between(0, 0.6), dice.between(0, 3), dice.pick([None, (30, 95)]))


def _photograph(dice: Dice, levels: Plane) -> Image.Image:
    return camera(dice, levels, dice.between(0.3, 0.3 + min(levels.shape[:2]) / 250), dice.between(2, 8), (30, 92))


def sheet_on_a_desk(dice: Dice) -> Image.Image:
    side = dice.side(150, 600)
    y, x = grid(side, side)
    tilt = dice.between(-0.1, 0.1)
    inside = np.minimum.reduce([x - 0.12 + tilt * (y - 0.5), 0.9 - x - tilt * (y - 0.5), y - 0.1, 0.92 - y]) * side
    desk = dice.between(100, 150) + 12 * clouds(dice, side, side, 4)
    paper = mix(np.clip(inside + 0.5, 0, 1), desk, dice.between(205, 235))
    cover = np.zeros((side, side))
    inner = round(side * 0.6)
    start = (side - inner) // 2
    cover[start : start + inner, start : start + inner] = writing.handwritten(dice, inner, inner)
    return _photograph(dice, mix(cover, paper, dice.between(30, 80)))


def pencil(dice: Dice) -> Image.Image:
    side = dice.whole(28, 40)
    cover = writing.handwritten(dice, side, side, dice.between(1.2, 2.5)) * (0.7 + 0.3 * clouds(dice, side, side, 8))
    return camera(dice, mix(cover, 252.0, dice.between(90, 170)), 0.3, 1.5, (40, 85))


def whiteboard(dice: Dice) -> Image.Image:
    side = dice.side(64)
    y, x = grid(side, side)
    board = dice.between(170, 225) + dice.between(-25, 25) * x + dice.between(-25, 25) * y
    board = board + dice.between(0, 35) * ellipse(
        side, side, (dice.between(0, 1), dice.between(0, 1)), (0.5, 0.4), 0, side / 2
    )
    board = board - 6 * clouds(dice, side, side, 6)
    colours = [(30, 30, 40), (30, 50, 150), (170, 35, 40), (20, 110, 60)]
    return _photograph(dice, mix(0.92 * writing.handwritten(dice, side, side), board, dice.pick(colours)))


def chalk(dice: Dice) -> Image.Image:
    side = dice.side(64)
    board = (1 + 0.3 * (clouds(dice, side, side, 2) - 0.5)) * dice.between(35, 75) + 14 * clouds(dice, side, side, 5)
    cover = writing.handwritten(dice, side, side) * np.clip(0.75 + 0.5 * dice.rng.random((side, side)) - 0.2, 0, 1)
    green = np.stack([board * 0.85, board * 1.1, board * 0.95], axis=2)
    return _photograph(dice, mix(cover, green, (225, 225, 215)))


def tablet(dice: Dice) -> Image.Image:
    side = dice.side(28, 500)
    dark = dice.between(0, 35)
    pen = dice.pick([(255, 255, 255), (250, 220, 90), (120, 220, 255)])
    return camera(
        dice, mix(writing.handwritten(dice, side, side), (dark, dark, dark), pen), 0, 0, dice.pick([None, (60, 95)])
    )


def letters(dice: Dice, which: str) -> Image.Image:
    side = dice.side(24, 300)
    cover = writing.printed(dice, dice.pick(which), side, side, writing.fonts(), dice.between(0.55, 0.85))
    ground, ink = dice.pick([(255, 0), (240, 30), (20, 235), (200, 60)])
    return _file(dice, mix(cover, float(ground), float(ink)))


def cut_close(dice: Dice) -> Image.Image:
    """Bold letters that fill their picture, as cut from signs and book covers."""
    large = writing.printed(dice, dice.pick(writing.PRINT), 120, 120, writing.bold_fonts(), 0.75)
    rows, columns = np.flatnonzero(large.any(axis=1)), np.flatnonzero(large.any(axis=0))
    edge = dice.whole(2, 12)
    cover = np.pad(large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], edge)
    ground, ink = dice.pick([(255, 0), (230, 60), (25, 240)])
    return _photograph(dice, mix(cover, float(ground), float(ink)))


def symbols(dice: Dice) -> Image.Image:
    side = dice.side(32, 200)
    cover = writing.printed(
        dice, dice.pick(writing.SYMBOLS), side, side, writing.fonts(symbols=True), dice.between(0.5, 0.8)
    )
    return _file(dice, mix(cover, 255.0, dice.between(0, 60)))


def segments(dice: Dice) -> Image.Image:
    """A lamp's segments glow on black, a liquid crystal's are dark on grey-green; unlit ones show faintly."""
    side = dice.side(40, 300)
    a, b, c, d = 0.32, 0.68, 0.14, 0.86
    m, gap = 0.5, 0.02
    bars: list[Points] = [
        [(a + gap, c), (b - gap, c)], [(b, c + gap), (b, m - gap)], [(b, m + gap), (b, d - gap)],
        [(a + gap, d), (b - gap, d)], [(a, m + gap), (a, d - gap)], [(a, c + gap), (a, m - gap)],
        [(a + gap, m), (b - gap, m)],
    ]  # fmt: skip
    lit = dice.pick(["012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356"])
    pen = side * dice.between(0.07, 0.12)
    bright = strokes(side, side, [bars[int(n)] for n in lit], pen)
    faint = strokes(side, side, bars, pen)
    if dice.chance(0.5):
        ground: tuple[float, ...] = (22, 16, 16)
        on = dice.pick([(250, 60, 50), (90, 240, 90), (90, 180, 255), (255, 200, 160)])
        off = tuple(0.93 * g + 0.07 * o for g, o in zip(ground, on, strict=True))
    else:
        ground, on, off = (150, 165, 140), (35, 40, 35), (142, 157, 133)
    return _photograph(dice, mix(bright, mix(faint, ground, off), on))


def sketch(dice: Dice) -> Image.Image:
    """A few loops, as people draw with a mouse in twenty seconds."""
    side = dice.pick([28, 64, 128, 256])
    lines: list[Points] = []
    for _ in range(dice.whole(2, 6)):
        x, y, r = dice.between(0.25, 0.75), dice.between(0.25, 0.75), dice.between(0.08, 0.3)
        turns = np.linspace(0, dice.between(3, 6.5), dice.whole(4, 8)) + dice.between(0, 6.3)
        lines.append(spline([(x + r * np.cos(t) * dice.between(0.8, 1.2), y + r * np.sin(t)) for t in turns.tolist()]))
    cover = strokes(side, side, lines, max(1.0, side * dice.between(0.012, 0.05)))
    return _file(dice, mix(cover, 255.0, 0.0) if side != 28 else 255 * cover)


def technical(dice: Dice) -> Image.Image:
    side = dice.side(100, 600)
    lines: list[Points] = []
    for _ in range(dice.whole(2, 4)):
        x, y, w, h = dice.between(0.08, 0.5), dice.between(0.08, 0.5), dice.between(0.2, 0.4), dice.between(0.2, 0.4)
        lines.append([(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)])
        turns = np.linspace(0, 6.3, 24).tolist()
        lines.append([(x + w / 2 + 0.3 * w * np.cos(t), y + h / 2 + 0.3 * w * np.sin(t)) for t in turns])
        lines.append([(x - 0.05, y + h / 2), (x + w + 0.05, y + h / 2)])
    return _file(
        dice, mix(strokes(side, side, lines, max(1.0, side * dice.between(0.005, 0.012))), 255.0, dice.between(0, 50))
    )


def notes(dice: Dice) -> Image.Image:
    side = dice.side(64, 300)
    gap = dice.between(0.07, 0.12)
    top, pen = dice.between(0.25, 0.4), max(1.0, side * dice.between(0.008, 0.016))
    cover = strokes(side, side, [[(-0.1, top + gap * n), (1.1, top + gap * n)] for n in range(5)], pen)
    for n in range(dice.whole(1, 3)):
        x, y = 0.25 + 0.25 * n, top + gap * dice.whole(1, 8) / 2
        cover = np.maximum(cover, ellipse(side, side, (x, y), (0.65 * gap, 0.45 * gap), -0.3))
        cover = np.maximum(cover, strokes(side, side, [[(x + 0.6 * gap, y), (x + 0.6 * gap, y - 3 * gap)]], 1.3 * pen))
    return _file(dice, mix(cover, 255.0, dice.between(0, 40)))


def many_strokes(dice: Dice) -> Image.Image:
    """As Chinese characters are built: level, upright and slanting strokes in a square."""
    side = dice.side(40, 200)
    lines: list[Points] = []
    for n in range(dice.whole(2, 5)):
        y = 0.15 + 0.15 * n + dice.between(-0.03, 0.03)
        lines.append([(dice.between(0.12, 0.35), y + 0.02), (dice.between(0.65, 0.88), y)])
    lines += [
        [(x, dice.between(0.1, 0.3)), (x, dice.between(0.6, 0.9))]
        for x in (dice.between(0.25, 0.4), dice.between(0.6, 0.75))
    ]
    lines.append(spline([(0.5, 0.45), (0.35, 0.7), (0.14, 0.88)]))
    lines.append(spline([(0.5, 0.45), (0.65, 0.7), (0.88, 0.86)]))
    return _file(dice, mix(strokes(side, side, lines, side * dice.between(0.03, 0.06)), 255.0, dice.between(0, 50)))


def signature(dice: Dice) -> Image.Image:
    height = dice.side(60, 300)
    width = round(height * dice.between(1.6, 3))
    points = [(0.08 + 0.84 * n / 15 + dice.between(-0.05, 0.05), 0.5 + dice.between(-0.3, 0.3)) for n in range(16)]
    lines = [spline(points), spline([(0.1, 0.85), (0.5, dice.between(0.75, 0.9)), (0.9, 0.8)])]
    cover = strokes(height, width, lines, max(1.0, height * dice.between(0.015, 0.04)))
    pen = dice.pick([(20, 20, 30), (30, 40, 140), (60, 60, 70)])
    return _file(dice, mix(cover * dice.between(0.8, 1), (248, 247, 243), pen))


def stamp(dice: Dice) -> Image.Image:
    side = dice.side(100, 400)
    rings = [
        [(0.5 + r * np.cos(t), 0.5 + r * np.sin(t)) for t in np.linspace(0, 6.3, 48).tolist()] for r in (0.42, 0.27)
    ]
    cover = strokes(side, side, rings[: dice.whole(1, 2)], side * dice.between(0.012, 0.03))
    text = "".join(dice.pick(writing.PRINT[10:31]) for _ in range(dice.whole(3, 6)))
    word = writing.printed(dice, text, side, side, writing.fonts(), 0.14)
    inked = np.maximum(cover, word) * (0.55 + 0.45 * (clouds(dice, side, side, 9) > 0.25))
    colour = dice.pick([(170, 30, 50), (40, 50, 150), (60, 30, 110), (30, 30, 30)])
    picture = Image.fromarray((255 * inked).astype(np.uint8)).rotate(dice.between(-30, 30), Image.Resampling.BICUBIC)
    return _file(dice, mix(np.asarray(picture, dtype=np.float64) / 255, (246, 244, 238), colour))


def line_art(dice: Dice) -> Image.Image:
    side = dice.side(80, 500)
    lines: list[Points] = []
    for _ in range(dice.whole(4, 10)):
        x, y = dice.between(0.15, 0.85), dice.between(0.15, 0.85)
        points = [(x, y)]
        for _ in range(dice.whole(2, 5)):
            x, y = min(max(x + dice.between(-0.3, 0.3), 0.05), 0.95), min(max(y + dice.between(-0.3, 0.3), 0.05), 0.95)
            points.append((x, y))
        lines.append(spline(points))
    return _file(
        dice, mix(strokes(side, side, lines, max(1.0, side * dice.between(0.006, 0.02))), 255.0, dice.between(0, 50))
    )
