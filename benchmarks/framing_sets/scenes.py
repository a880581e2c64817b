"""Kinds of sets from cameras and screens that `photo` is right for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.framing_sets import writing
from benchmarks.framing_sets.canvas import Dice, Kind, Plane, camera, clouds, ellipse, grain, grid, mix, shares, strokes
from PIL import Image, ImageDraw

COLOURS = [(214, 40, 40), (30, 90, 190), (40, 150, 70), (250, 190, 40), (120, 60, 160), (240, 120, 40), (60, 60, 70)]


def kinds() -> list[Kind]:
    """All of them; none needs files."""
    makers: dict[str, Callable[[Dice], Image.Image]] = {
        "wood": wood,
        "fabric": fabric,
        "rolled steel": steel,
        "scratched steel": scratched,
        "landscapes": landscape,
        "products on white": product,
        "clothes as grey shapes": clothes,
        "silhouettes": silhouette,
        "screenshots": screenshot,
        "icons": icon,
        "traffic signs": sign,
        "maps": street_map,
        "QR and bar codes": code,
        "pages of print": page,
        "fields from above": fields,
        "fingerprints": fingerprint,
    }
    return [Kind(name, "photo", make) for name, make in makers.items()]


def _taken(dice: Dice, levels: Plane, blur: float = 0.8) -> Image.Image:
    return camera(dice, levels, dice.between(0.2, 0.2 + blur), dice.between(2, 9), (35, 95))


def _exported(dice: Dice, levels: Plane) -> Image.Image:
    return camera(dice, levels, 0, 0, dice.pick([None, (50, 95)]))


def wood(dice: Dice) -> Image.Image:
    side = dice.side(64, 360)
    y, x = grid(side, side)
    bend = y + 0.25 * clouds(dice, side, side, 3) + 0.05 * x
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * dice.between(6, 16) * bend)
    fibre = clouds(dice, side, side, side / 2, 6)
    levels = mix(0.6 * rings**3 + 0.4 * fibre, (196, 154, 102), (120, 78, 42))
    return _taken(dice, levels * dice.between(0.7, 1.1))


def fabric(dice: Dice) -> Image.Image:
    side = dice.side(64, 360)
    y, x = grid(side, side)
    threads = dice.between(14, 50)
    weave = np.sin(np.pi * threads * x) * np.sin(np.pi * threads * y)
    folds = clouds(dice, side, side, 3)
    levels = dice.between(70, 150) + 35 * weave + 70 * (folds - 0.5) + 10 * dice.rng.normal(size=(side, side))
    if dice.chance(0.3):
        levels = mix(
            ellipse(side, side, (dice.between(0.2, 0.8), dice.between(0.2, 0.8)), (0.08, 0.02), 1, 3), levels, 40.0
        )
    return _taken(dice, levels)


def steel(dice: Dice) -> Image.Image:
    """Rolled-in scale: dark flecks of all sizes and depths in a grey surface."""
    side = dice.side(64, 360)
    flecks = grain(dice, side, side) ** 2 * clouds(dice, side, side, 14, 7)
    levels = dice.between(110, 180) - 150 * flecks + 25 * (clouds(dice, side, side, 2) - 0.5)
    return _taken(dice, levels + dice.noise(levels, 8))


def scratched(dice: Dice) -> Image.Image:
    """Bright scratches of all depths in brushed steel."""
    side = dice.side(64, 360)
    levels = (
        dice.between(60, 140)
        + 30 * (clouds(dice, side, side, 2) - 0.5)
        + 25 * (clouds(dice, side, side, side / 2, 4) - 0.5)
    )
    for _ in range(dice.whole(2, 9)):
        x, lean = dice.between(0, 1), dice.between(-0.06, 0.06)
        top, bottom = dice.between(-0.1, 0.5), dice.between(0.5, 1.1)
        line = strokes(side, side, [[(x, top), (x + lean, bottom)]], max(1.0, side * dice.between(0.004, 0.03)))
        levels = levels + dice.between(20, 110) * line * clouds(dice, side, side, 12, 6)
    return _taken(dice, levels + dice.noise(levels, 6))


def landscape(dice: Dice) -> Image.Image:
    height, width = dice.side(80, 300), dice.side(80, 400)
    y, _ = grid(height, width)
    sky = mix(y, (110, 160, 230), (215, 225, 240)) + 60 * (grain(dice, height, width) > 0.6)[..., None]
    ridge = 0.35 + 0.3 * clouds(dice, height, width, 2, 6)[:1]
    land = mix(grain(dice, height, width), (60, 90, 40), (150, 130, 80))
    return _taken(dice, mix((y > ridge).astype(np.float64)[..., None], sky, land))


def product(dice: Dice) -> Image.Image:
    """A shaded thing on white with a soft shadow below it."""
    side = dice.side(64, 400)
    levels = np.full((side, side, 3), dice.between(244, 255))
    wide, tall = dice.between(0.12, 0.38), dice.between(0.12, 0.38)
    levels = mix(0.4 * ellipse(side, side, (0.5, 0.52 + tall), (wide, 0.05), 0, side / 20), levels, (120, 120, 120))
    thing = ellipse(side, side, (0.5, 0.5), (wide, tall), dice.between(-0.4, 0.4), 1.5)
    shade = 0.55 + 0.6 * ellipse(side, side, (0.45, 0.4), (wide, tall), 0, side * min(wide, tall))
    return _taken(dice, mix(thing, levels, np.clip(shade[..., None] * np.array(dice.pick(COLOURS)), 0, 255)))


def clothes(dice: Dice) -> Image.Image:
    """Shirts, trousers and shoes in greys on black or white, small."""
    side = dice.pick([28, 56, 64, 120])
    shirt = [(0.3, 0.1), (0.7, 0.1), (0.95, 0.35), (0.8, 0.45), (0.72, 0.35)]
    shirt += [(0.72, 0.92), (0.28, 0.92), (0.28, 0.35), (0.2, 0.45), (0.05, 0.35)]
    trousers = [(0.3, 0.05), (0.7, 0.05), (0.75, 0.95), (0.55, 0.95), (0.5, 0.4), (0.45, 0.95), (0.25, 0.95)]
    shoe = [(0.05, 0.6), (0.3, 0.4), (0.5, 0.6), (0.95, 0.7), (0.95, 0.85), (0.05, 0.85)]
    dress = [(0.38, 0.05), (0.62, 0.05), (0.6, 0.4), (0.8, 0.95), (0.2, 0.95), (0.4, 0.4)]
    shapes = [shirt, trousers, shoe, dress]
    fine = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(fine).polygon([(x * side * 4, y * side * 4) for x, y in dice.pick(shapes)], fill=255)
    shape = shares(fine.resize((side, side), Image.Resampling.BOX))
    cloth = dice.between(80, 230) + 110 * (grain(dice, side, side) - 0.5) + 40 * (clouds(dice, side, side, 2, 9) - 0.5)
    levels = mix(shape, 0.0, np.clip(cloth, 15, 255))
    return _exported(dice, levels if dice.chance(0.6) else 255 - levels)


def silhouette(dice: Dice) -> Image.Image:
    """One filled shape: two levels, but no strokes. Its outline is all that there is, and needs the pixels."""
    side = dice.side(64, 400)
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    far = 0.28 + np.sum(
        [dice.between(-0.05, 0.05) * np.sin(n * turns + dice.between(0, 6.3)) for n in range(1, 6)], axis=0
    )
    fine = Image.new("L", (side * 2, side * 2))
    points = [
        ((0.5 + r * np.cos(t)) * side * 2, (0.5 + r * np.sin(t)) * side * 2) for t, r in zip(turns, far, strict=True)
    ]
    ImageDraw.Draw(fine).polygon(points, fill=255)
    shape = shares(fine.resize((side, side), Image.Resampling.BOX))
    return _exported(dice, mix(shape, 255.0, dice.between(0, 40)) if dice.chance(0.7) else 255 * shape)


def screenshot(dice: Dice) -> Image.Image:
    """Windows with bars, panels, lines of text, buttons and pictures."""
    height, width = dice.side(160, 420), dice.side(200, 600)
    dark = dice.chance(0.3)
    picture = Image.new("RGB", (width, height), (34, 36, 42) if dark else (246, 247, 249))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, height * dice.between(0.06, 0.14)), fill=dice.pick(COLOURS))
    draw.rectangle(
        (0, height * 0.1, width * dice.between(0.15, 0.3), height), fill=(48, 50, 58) if dark else (226, 229, 235)
    )
    for _ in range(dice.whole(2, 5)):
        x, y = dice.between(0.3, 0.7) * width, dice.between(0.15, 0.7) * height
        box = (x, y, x + dice.between(0.1, 0.3) * width, y + dice.between(0.06, 0.3) * height)
        draw.rounded_rectangle(
            box, 4, fill=dice.pick([*COLOURS, (255, 255, 255), (205, 210, 220)]), outline=(150, 155, 165)
        )
    for _ in range(dice.whole(6, 25)):
        x, y = dice.between(0.02, 0.6) * width, dice.between(0.14, 0.96) * height
        for word in range(dice.whole(1, 7)):
            draw.rectangle(
                (x + 24 * word, y, x + 24 * word + dice.between(8, 20), y + 3),
                fill=(170, 175, 185) if dark else (70, 75, 85),
            )
    if dice.chance(0.5):
        inset = mix(grain(dice, height // 4, width // 4), (60, 100, 60), (190, 210, 240)).astype(np.uint8)
        picture.paste(Image.fromarray(inset), (width // 2, height // 2))
    return _exported(dice, np.asarray(picture, dtype=np.float64))


def icon(dice: Dice) -> Image.Image:
    """A few filled shapes in flat colours on white."""
    side = dice.pick([32, 48, 64, 128, 256])
    picture = Image.new("RGB", (side * 3, side * 3), dice.pick([(255, 255, 255), (245, 245, 245)]))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(
        (side * 0.3, side * 0.3, side * 2.7, side * 2.7), side * dice.between(0.1, 1), fill=dice.pick(COLOURS)
    )
    for _ in range(dice.whole(1, 3)):
        x, y, r = dice.between(0.9, 2.1) * side, dice.between(0.9, 2.1) * side, dice.between(0.2, 0.7) * side
        colour = dice.pick([*COLOURS, (255, 255, 255)])
        if dice.chance(0.5):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        else:
            draw.regular_polygon((x, y, r), dice.whole(3, 6), rotation=dice.whole(0, 90), fill=colour)
    return _exported(dice, np.asarray(picture.resize((side, side), Image.Resampling.BOX), dtype=np.float64))


def sign(dice: Dice) -> Image.Image:
    """A traffic sign before a street, at any hour."""
    side = dice.side(32, 160)
    levels = mix(grain(dice, side, side), (90, 100, 80), (170, 185, 205))
    radius = dice.between(0.3, 0.44)
    red, blue = (190, 30, 35), (25, 70, 160)
    outer = ellipse(side, side, (0.5, 0.5), (radius, radius))
    levels = mix(outer, levels, red if dice.chance(0.7) else blue)
    levels = mix(
        ellipse(side, side, (0.5, 0.5), (0.78 * radius, 0.78 * radius)), levels, dice.pick([(240, 240, 240), blue])
    )
    text = dice.pick(["30", "50", "80", "!", "T", "A"])
    levels = mix(writing.printed(dice, text, side, side, writing.fonts(), radius * 0.9), levels, (25, 25, 25))
    return _taken(dice, levels * dice.between(0.35, 1.05))


def street_map(dice: Dice) -> Image.Image:
    side = dice.side(100, 400)
    levels = np.full((side, side, 3), 0.0) + np.array(dice.pick([(242, 239, 233), (235, 235, 228)]))
    for colour in ((200, 228, 190), (168, 208, 230), (222, 214, 205)):
        levels = mix((clouds(dice, side, side, 5) > 0.68).astype(np.float64), levels, colour)
    for pen, colour in ((0.012, (255, 255, 255)), (0.03, (250, 212, 120)), (0.018, (235, 150, 120))):
        roads = [
            [
                (dice.between(-0.1, 1.1), -0.1),
                (dice.between(0, 1), dice.between(0.3, 0.7)),
                (dice.between(-0.1, 1.1), 1.1),
            ]
            for _ in range(5)
        ]
        levels = mix(strokes(side, side, roads, max(1.0, side * pen)), levels, colour)
    for _ in range(dice.whole(4, 9)):
        name = Image.fromarray(
            (255 * writing.printed(dice, "Elm Road", side, side, writing.fonts(), 0.04)).astype(np.uint8)
        )
        moved = name.transform(
            name.size,
            Image.Transform.AFFINE,
            (1, 0, dice.between(-0.4, 0.4) * side, 0, 1, dice.between(-0.4, 0.4) * side),
        )
        levels = mix(shares(moved), levels, (80, 80, 80))
    return _exported(dice, levels)


def code(dice: Dice) -> Image.Image:
    """Half of a code's own box is dark: what is not dark is no ground, and 20 pixels cannot show the modules."""
    side = dice.side(80, 320)
    count = dice.pick([21, 25, 29, 33])
    if dice.chance(0.5):
        modules = dice.rng.random((count, count)) < 0.5
        for row, column in ((0, 0), (0, count - 7), (count - 7, 0)):
            y, x = np.mgrid[-3:4, -3:4]
            modules[row : row + 7, column : column + 7] = np.maximum(abs(y), abs(x)) != 2
    else:
        modules = np.repeat(dice.rng.random((1, 95)) < 0.5, 60, axis=0)
    small = Image.fromarray(np.pad(modules, 4).astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
    large = Image.fromarray(np.pad(modules, 4).astype(np.uint8) * 255).resize((side, side), Image.Resampling.NEAREST)
    cover = shares(large if side > 2 * count else small)
    return _taken(dice, mix(cover, dice.between(190, 250), dice.between(10, 60)))


def page(dice: Dice) -> Image.Image:
    """Whole pages of small print: two levels, but `ink` keeps one character of a picture."""
    height = dice.side(300, 700)
    width = round(height * 0.71)
    words = ["loss", "and", "layers", "of", "the", "network", "is", "a", "picture", "rate", "train", "which"]
    lines = [" ".join(dice.pick(words) for _ in range(dice.whole(7, 11))) for _ in range(dice.whole(24, 40))]
    cover = writing.printed(dice, "\n".join(lines), height, width, writing.fonts(symbols=True), 0.016)
    return _taken(dice, mix(cover, dice.between(225, 255), dice.between(10, 60)), 0.4)


def fields(dice: Dice) -> Image.Image:
    side = dice.pick([64, 128, 256])
    levels = mix(grain(dice, side, side), (110, 120, 60), (70, 90, 50))
    for _ in range(dice.whole(3, 8)):
        x, y = dice.between(-0.2, 0.9), dice.between(-0.2, 0.9)
        block = Image.new("L", (side, side))
        ImageDraw.Draw(block).polygon(
            [(side * (x + a), side * (y + b)) for a, b in ((0, 0), (0.4, 0.05), (0.45, 0.4), (0.05, 0.35))], fill=255
        )
        tint = np.array([dice.between(80, 200), dice.between(90, 180), dice.between(50, 110)])
        levels = mix(0.85 * shares(block), levels, tint)
    roads = [[(dice.between(0, 1), -0.1), (dice.between(0, 1), 1.1)]]
    return _taken(dice, mix(strokes(side, side, roads, side / 50), levels, (190, 185, 175)))


def fingerprint(dice: Dice) -> Image.Image:
    """Ridges as wide as the gaps between them: nothing of it is ground."""
    side = dice.side(96, 360)
    y, x = grid(side, side)
    bend = clouds(dice, side, side, 3)
    far = np.hypot(x - 0.5, (y - 0.6) * dice.between(0.6, 1)) + 0.12 * bend
    ridges = np.clip(0.5 + 2 * np.sin(far * 2 * np.pi * dice.between(14, 22)), 0, 1)
    finger = ellipse(side, side, (0.5, 0.5), (0.38, 0.46), 0, side / 12)
    inked = ridges * finger * (0.5 + 0.5 * grain(dice, side, side))
    return _taken(dice, mix(inked, 240.0, dice.between(20, 90)))
