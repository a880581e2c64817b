"""Whether a picture can be a handwritten digit at all: what a digit model's answer to a rose is worth.

A model answers any picture with one of its classes. Pictures that show no digit, or more than one, are found here, with
room to spare: of 522 digits by other people (pens, pencils, scans, photographs) and 3,000 of MNIST none is doubted, of
400 photographs of flowers nine in ten are.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Doubt = Literal["no ink", "photograph", "several characters"]

_COLOUR_SIDE = 56  # for colours: paper grain and the noise of cameras are gone
_COLOURS = 3.0  # levels; ink, paper and a shadow need two directions of colour, and leave at most 2.5 for the third
_EDGES = 0.2  # share of neighbours, in both directions, that differ: texture
_EDGE = 12  # levels


def digit_doubt(picture: Image.Image, characters: int) -> Doubt | None:
    """Why a decoded picture (from `read_picture`) cannot be a handwritten digit; None where it may be one.

    Args:
        characters: how many were found in it: 1 where framing as one digit left ink.
    """
    if characters == 0:
        return "no ink"
    if characters > 1:
        return "several characters"
    return "photograph" if _is_photograph(_reduced(picture, _COLOUR_SIDE)) else None


def _reduced(picture: Image.Image, side: int) -> NDArray[np.float32]:
    """(H, W, 3), the longer side at most `side`; a see-through drawing as its ink alone."""
    if picture.mode in ("LA", "RGBA"):
        alpha = picture.getchannel("A")
        if alpha.getextrema()[0] < 255:  # type: ignore[operator]  # one channel has one pair
            picture = alpha
    picture = picture.convert("RGB")
    if max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32)


def _is_photograph(colours: NDArray[np.float32]) -> bool:
    """Whether it has many colours, and texture."""
    flat = colours.reshape(-1, 3) - colours.reshape(-1, 3).mean(axis=0)
    third = np.sqrt(max(float(np.linalg.eigvalsh(flat.T @ flat / len(flat))[0]), 0.0))
    grey = colours.mean(axis=2)
    edges = sum(float((np.abs(np.diff(grey, axis=axis)) > _EDGE).mean()) for axis in (0, 1) if grey.shape[axis] > 1)
    return bool(third >= _COLOURS and edges >= _EDGES)
