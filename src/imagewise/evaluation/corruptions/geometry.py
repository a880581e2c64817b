"""Other places for the pixels: shear, scale, rotation, shift and elastic distortion."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imagewise.evaluation.corruptions.corruption import Pictures, Strength, signs

_ELASTIC = ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))
_ELASTIC_SIDE = 244 / 224  # of a picture's side; the fields are strength, smoothness and how far corners move


def shear(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Slanted to the left or to the right."""
    angles = strength.of((0.2, 0.4, 0.6, 0.8, 1.0)) * signs(chance, len(pictures))
    return _moved(pictures, [np.array([[np.cos(a), 0], [-np.sin(a), 1]]) for a in angles])


def rotate(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Turned about the middle, by radians."""
    angles = strength.of((0.2, 0.4, 0.6, 0.8, 1.0)) * signs(chance, len(pictures))
    return _moved(pictures, [np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) for a in angles])


def scale(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Smaller, about the middle."""
    factor = strength.of((0.9, 0.8, 0.7, 0.6, 0.5))
    return _moved(pictures, [np.eye(2) / factor] * len(pictures))


def translate(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Shifted along both axes."""
    shifts = strength.of((1, 2, 3, 4, 5)) * strength.scale * signs(chance, len(pictures), 2)
    return _moved(pictures, [np.eye(2)] * len(pictures), shifts)


def elastic(pictures: Pictures, strength: Strength, chance: Generator) -> Pictures:
    """Stretched differently from place to place, as Simard 2003 distorts digits, after a small affine change."""
    from scipy.ndimage import map_coordinates

    _, height, width, channels = pictures.shape
    side = min(height, width)
    force, smoothness, corners = (value * side * _ELASTIC_SIDE for value in strength.of(_ELASTIC))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    result = np.empty_like(pictures)
    for place, picture in enumerate(pictures):
        matrix, offset = _small_affine(height, width, corners, chance)
        down, across = (force * _smooth_field(height, width, smoothness, chance) for _ in range(2))
        rows = matrix[0, 0] * (y + down) + matrix[0, 1] * (x + across) + offset[0]
        columns = matrix[1, 0] * (y + down) + matrix[1, 1] * (x + across) + offset[1]
        for channel in range(channels):
            result[place, :, :, channel] = map_coordinates(
                picture[:, :, channel], (rows, columns), order=1, mode="mirror"
            )
    return result


def _moved(
    pictures: Pictures, matrices: list[NDArray[np.float64]], shifts: NDArray[np.float64] | None = None
) -> Pictures:
    """Each picture's output at (y, x) is its input at the matrix times (y, x) about the middle, plus the shift.

    Outside is black.
    """
    from scipy.ndimage import affine_transform

    middle = (np.array(pictures.shape[1:3]) - 1) / 2
    moved = np.empty_like(pictures)
    for place, (picture, matrix) in enumerate(zip(pictures, matrices, strict=True)):
        offset = middle - matrix @ middle + (0 if shifts is None else shifts[place])
        for channel in range(pictures.shape[3]):
            moved[place, :, :, channel] = affine_transform(
                picture[:, :, channel], matrix, offset, order=1, mode="grid-constant"
            )
    return moved


def _small_affine(
    height: int, width: int, reach: float, chance: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix (2, 2) and offset (2,) from (y, x) of the output to the input: three points move by up to `reach`."""
    middle, third = np.array([height // 2, width // 2], dtype=float), min(height, width) // 3
    points = middle + third * np.array([[1, 1], [-1, 1], [-1, -1]])
    moved = points + chance.uniform(-reach, reach, points.shape)
    solution = np.linalg.solve(np.column_stack([moved, np.ones(3)]), points)
    return solution[:2].T, solution[2]


def _smooth_field(height: int, width: int, deviation: float, chance: Generator) -> NDArray[np.float32]:
    """Noise of -1 to 1 after a Gaussian blur: by cosine transform, since the blur is wider than the picture."""
    from scipy.fft import dctn, idctn

    waves = [np.pi * np.arange(length) / length for length in (height, width)]
    damping = np.exp(-(deviation**2) / 2 * np.add.outer(waves[0] ** 2, waves[1] ** 2))
    noise = chance.uniform(-1, 1, (height, width))
    return np.asarray(idctn(dctn(noise, norm="ortho") * damping, norm="ortho"), dtype=np.float32)
