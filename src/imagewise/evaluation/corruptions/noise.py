"""Noise of each pixel by itself."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from imagewise.evaluation.corruptions.corruption import Pictures, Strength


def gaussian_noise(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Noise of a sensor in the dark."""
    deviation = strength.of((0.08, 0.12, 0.18, 0.26, 0.38))
    noise = chance.standard_normal(pictures.shape, dtype=np.float32)
    return np.asarray(pictures + np.float32(deviation) * noise, dtype=np.float32)


def shot_noise(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Noise of light that comes in few photons (Poisson)."""
    photons = strength.of((60, 25, 12, 5, 3))
    return (chance.poisson(pictures * photons) / photons).astype(np.float32)


def impulse_noise(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Salt and pepper: some values become 0 or 1."""
    share = strength.of((0.03, 0.06, 0.09, 0.17, 0.27))
    draws = chance.random(pictures.shape, dtype=np.float32)
    salted = np.where(draws < share / 2, np.float32(0), pictures)
    return np.where((draws >= share / 2) & (draws < share), np.float32(1), salted)
