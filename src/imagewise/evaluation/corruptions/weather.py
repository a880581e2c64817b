"""Weather and light: fog, frost, snow, spatter and brightness."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from imagewise.evaluation.corruptions.blur import enlarged, smooth, streaks
from imagewise.evaluation.corruptions.corruption import Pictures, Strength

_FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))  # thickness, how smooth
_FROST = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))  # share of the picture, of the frost
_SNOW = (  # mean, deviation, size, threshold, length and deviation of the streaks, share of the picture
    (0.1, 0.3, 3.0, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2.0, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4.0, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
_MUD = (0.65, 0.3, 1.0, 0.65, 1.5)  # mean, deviation, size of the drops, threshold, blur of their edges; severity 4
_MUD_LEVEL, _MUD_LEAST = 63 / 255, 0.8
_LEAST_MAP, _MAPS = 256, 64  # side of a map of clouds; how many are made at a time
_ICE = (0.80, 0.90, 1.0)  # red, green, blue
_NEEDLES = 90  # of ice in a picture
_GREY = (0.299, 0.587, 0.114)


def fog(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Clouds of a random fractal in front of the picture."""
    thickness, smoothness = strength.of(_FOG)
    brightest = pictures.max(axis=(1, 2, 3), keepdims=True)
    clouds = plasma(len(pictures), pictures.shape[1:3], smoothness, chance)[..., None]
    return np.asarray((pictures + thickness * clouds) * brightest / (brightest + thickness), dtype=np.float32)


def frost(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Ice crystals on a pane. The paper lays photographs of frost over the picture; these crystals are drawn."""
    share, icy = strength.of(_FROST)
    count, height, width, channels = pictures.shape
    crystals = np.stack([_crystals(height, width, strength.scale, chance) for _ in range(count)])
    veil = plasma(count, (height, width), 1.8, chance)
    ice = np.clip(0.45 * veil + crystals * (0.3 + 0.7 * veil), 0, 1)[..., None]
    tint = np.array(_ICE if channels == 3 else (1.0,), dtype=np.float32)
    return np.asarray(share * pictures + icy * ice * tint, dtype=np.float32)


def _crystals(height: int, width: int, scale: float, chance: Generator) -> NDArray[np.float32]:
    """Needles of ice with branches at 60 degrees: (H, W), 0 to 1."""
    pane = Image.new("L", (width, height))
    draw = ImageDraw.Draw(pane)
    for _ in range(_NEEDLES):
        start = chance.uniform((0, 0), (width, height))
        angle, length = chance.uniform(0, 2 * np.pi), chance.uniform(20, 110) * scale
        level = int(chance.integers(90, 255))
        towards = np.array([np.cos(angle), np.sin(angle)])
        draw.line([*start, *(start + length * towards)], fill=level, width=max(1, round(2 * scale)))
        for along in np.arange(0.1, 1, 0.07):
            for side in (-np.pi / 3, np.pi / 3):
                branch = (1 - along) * length / 3 * np.array([np.cos(angle + side), np.sin(angle + side)])
                root = start + along * length * towards
                draw.line([*root, *(root + branch)], fill=int(0.8 * level), width=max(1, round(scale)))
    return np.asarray(pane.filter(ImageFilter.GaussianBlur(0.7 * scale)), dtype=np.float32) / np.float32(255)


def snow(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Falling flakes, and a picture that is whiter."""
    mean, deviation, size, threshold, length, spread, share = strength.of(_SNOW)
    flakes = chance.normal(mean, deviation, (*pictures.shape[:3], 1)).astype(np.float32)
    flakes = enlarged(flakes, max(1.0, size * strength.scale))
    flakes[flakes < threshold] = 0
    angles = chance.uniform(-135, -45, len(pictures))
    flakes = streaks(flakes, length * strength.scale, spread * strength.scale, angles)
    weights = np.array(_GREY if pictures.shape[3] == 3 else (1.0,), dtype=np.float32)
    grey = (pictures @ weights)[..., None]
    whiter = share * pictures + (1 - share) * np.maximum(pictures, grey * 1.5 + 0.5)
    return np.asarray(whiter + flakes + flakes[:, ::-1, ::-1], dtype=np.float32)


def spatter(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Drops of mud on the lens (severity 4 of the paper, the one that MNIST-C has)."""
    mean, deviation, size, threshold, edge = _MUD
    liquid = chance.normal(mean, deviation, (*pictures.shape[:3], 1)).astype(np.float32)
    drops = (smooth(liquid, size * strength.scale) > threshold).astype(np.float32)
    cover = smooth(drops, edge * strength.scale)
    cover[cover < _MUD_LEAST] = 0
    return np.asarray(pictures * (1 - cover) + _MUD_LEVEL * cover, dtype=np.float32)


def brightness(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """More light: a higher value of hue, saturation and value."""
    more = strength.of((0.1, 0.2, 0.3, 0.4, 0.5))
    value = pictures.max(axis=3, keepdims=True)
    higher = np.minimum(value + np.float32(more), 1)
    scaled = pictures * higher / np.maximum(value, np.float32(1e-6))
    return np.asarray(np.where(value > 0, scaled, higher), dtype=np.float32)


def plasma(count: int, size: tuple[int, int], smoothness: float, chance: Generator) -> NDArray[np.float32]:
    """Random fractals by the diamond-square algorithm (Fournier, Fussell, Carpenter 1982): (count, H, W), parts of
    maps of 0 to 1."""
    side = max(_LEAST_MAP, 1 << (max(size) - 1).bit_length())
    parts = [np.zeros((0, *size), dtype=np.float32)]
    for start in range(0, count, _MAPS):
        maps = _maps(min(_MAPS, count - start), side, smoothness, chance)
        maps -= maps.min(axis=(1, 2), keepdims=True)
        parts.append(maps[:, : size[0], : size[1]] / maps.max(axis=(1, 2), keepdims=True))
    return np.concatenate(parts)


def _maps(count: int, side: int, smoothness: float, chance: Generator) -> NDArray[np.float32]:
    """Heights on a torus: (count, side, side). Each step halves the distance of the points that are known."""
    heights = np.zeros((count, side, side), dtype=np.float32)
    step, wobble = side, 1.0

    def between(sums: NDArray[np.float32]) -> NDArray[np.float32]:
        noise = chance.random(sums.shape, dtype=np.float32) * np.float32(2) - np.float32(1)
        return np.asarray(sums / 4 + np.float32(wobble) * noise, dtype=np.float32)

    while step >= 2:
        half = step // 2
        corners = heights[:, ::step, ::step]
        rows = corners + np.roll(corners, -1, axis=1)
        centres = between(rows + np.roll(rows, -1, axis=2))
        heights[:, half::step, half::step] = centres
        beside = corners + np.roll(corners, -1, axis=2)
        heights[:, ::step, half::step] = between(centres + np.roll(centres, 1, axis=1) + beside)
        below = corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, ::step] = between(centres + np.roll(centres, 1, axis=2) + below)
        step, wobble = half, wobble / smoothness**2  # the papers' code squares it
    return heights
