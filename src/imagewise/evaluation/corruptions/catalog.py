"""The corruptions that a model is scored on, and how pictures are corrupted.

Drawings: the 15 of MNIST-C (Mu and Gilmer 2019, arXiv:1906.02337), each at the severity that the paper's set has.
Photographs: the 15 of ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261) at five severities. Written again
from the papers, with their severities. Lengths are in proportion to the picture: the papers' have 28 and 224 pixels a
side. What differs is said where it is written: frost is drawn, and glass blur exchanges pixels of colour, too.
"""

from __future__ import annotations

from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from imagewise.evaluation.corruptions import blur, digital, geometry, noise, strokes, weather
from imagewise.evaluation.corruptions.corruption import Corruption, Pictures, Strength
from imagewise.framing.framing import Framing

Kind = Literal["drawings", "photographs"]

DRAWINGS = (
    Corruption("shot noise", noise.shot_noise, (5,)),
    Corruption("impulse noise", noise.impulse_noise, (4,)),
    Corruption("glass blur", blur.light_glass_blur, (1,)),
    Corruption("motion blur", blur.motion_blur, (1,)),
    Corruption("shear", geometry.shear, (2,)),
    Corruption("scale", geometry.scale, (3,)),
    Corruption("rotate", geometry.rotate, (2,)),
    Corruption("brightness", weather.brightness, (5,)),
    Corruption("translate", geometry.translate, (3,)),
    Corruption("stripe", strokes.stripe, (1,)),
    Corruption("fog", weather.fog, (5,)),
    Corruption("spatter", weather.spatter, (4,)),
    Corruption("dotted line", strokes.dotted_line, (1,)),
    Corruption("zigzag", strokes.zigzag, (1,)),
    Corruption("canny edges", strokes.canny_edges, (1,)),
)
_ALL = (1, 2, 3, 4, 5)
PHOTOGRAPHS = (
    Corruption("gaussian noise", noise.gaussian_noise, _ALL),
    Corruption("shot noise", noise.shot_noise, _ALL),
    Corruption("impulse noise", noise.impulse_noise, _ALL),
    Corruption("defocus blur", blur.defocus_blur, _ALL),
    Corruption("glass blur", blur.glass_blur, _ALL),
    Corruption("motion blur", blur.motion_blur, _ALL),
    Corruption("zoom blur", blur.zoom_blur, _ALL),
    Corruption("snow", weather.snow, _ALL),
    Corruption("frost", weather.frost, _ALL),
    Corruption("fog", weather.fog, _ALL),
    Corruption("brightness", weather.brightness, _ALL),
    Corruption("contrast", digital.contrast, _ALL),
    Corruption("elastic", geometry.elastic, _ALL),
    Corruption("pixelate", digital.pixelate, _ALL),
    Corruption("jpeg", digital.jpeg, _ALL),
)
_SIDES: dict[Kind, int] = {"drawings": 28, "photographs": 224}
_SMALL = 32  # pixels: grey pictures up to this side are corrupted as MNIST's, as others do with Fashion-MNIST
_AT_A_TIME, _MOST_AT_A_TIME = 2**24, 2_000  # values and pictures: bounds the memory


def kind_of(framing: Framing) -> Kind:
    """How pictures of this framing are corrupted."""
    small = framing.channels == 1 and max(framing.height, framing.width) <= _SMALL
    return "drawings" if framing.kind == "ink" or small else "photographs"


def corruptions_of(kind: Kind) -> tuple[Corruption, ...]:
    """The 15 of this kind."""
    return DRAWINGS if kind == "drawings" else PHOTOGRAPHS


def corrupt(
    images: NDArray[np.uint8], corruption: Corruption, severity: int, kind: Kind, seed: int = 0
) -> NDArray[np.uint8]:
    """The pictures with a corruption; the same for the same pictures and seed.

    Args:
        images: (N, H, W, C) uint8. Drawings may be light on dark or dark on light: the second kind is inverted before
            and after.
        corruption, severity: one of `corruptions_of(kind)`, and 1 to 5.
        kind: of the pictures; it says how many pixels the papers' pictures have.
    """
    scale = min(images.shape[1:3]) / _SIDES[kind]
    size = max(1, min(_MOST_AT_A_TIME, _AT_A_TIME // max(1, images[:1].size)))
    result = np.empty(images.shape, dtype=np.uint8)
    for number, start in enumerate(range(0, len(images), size)):
        part = slice(start, start + size)
        chance = np.random.default_rng([seed, crc32(corruption.name.encode()), severity, number])
        pictures = images[part].astype(np.float32) / np.float32(255)
        light = _has_light_ground(pictures) if kind == "drawings" else np.zeros(len(pictures), dtype=np.bool_)
        pictures[light] = 1 - pictures[light]
        corrupted = np.clip(corruption.apply(pictures, Strength(severity, scale), chance), 0, 1)
        corrupted[light] = 1 - corrupted[light]
        result[part] = np.rint(corrupted * 255).astype(np.uint8)
    return result


def _has_light_ground(pictures: Pictures) -> NDArray[np.bool_]:
    """(N,): the edge of the picture is light rather than dark."""
    sides = (pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1])
    edge = np.concatenate([side.reshape(len(pictures), -1) for side in sides], axis=1)
    return np.asarray(np.median(edge, axis=1) > 0.5)
