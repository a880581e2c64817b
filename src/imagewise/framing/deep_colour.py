"""Colour pictures of 16 bits a channel whose values need fewer. Pillow gives the upper 8 bits, which is too little."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from imagewise.framing.levels import bits_of

Arguments = tuple[Any, ...] | str | None  # of Pillow's decoders

# Pillow's names for pixels as they are in PNG and TIFF files, and the name that takes the other byte of each number.
_OTHER_BYTE = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}


def read_narrow_colour(picture: Image.Image, reopen: Callable[[], Image.Image]) -> Image.Image | None:
    """A picture of 16 bits a channel, upright, scaled to 8 by the bits that its greatest value needs.

    Those bits are in `info["bits"]`. Transparency is scaled by its own greatest value.

    Args:
        picture: as opened, not yet decoded.
        reopen: opens the same file again: the lower bytes need another decoding.

    Returns:
        None for all other pictures, also for those that need all 16 bits.
    """
    if not _is_deep(picture) or "transparency" in picture.info:
        return None
    upper = np.asarray(ImageOps.exif_transpose(picture))
    if bits_of(_greatest(upper) << 8) == 16:
        return None
    with reopen() as again:
        assert isinstance(again, ImageFile.ImageFile)
        again.tile = [tile._replace(args=_other_byte(tile.args)) for tile in again.tile]
        values = upper.astype(np.uint16) << 8 | np.asarray(ImageOps.exif_transpose(again))
    bits = bits_of(_greatest(values))
    levels = _scaled(values, bits)
    if values.shape[2] == 4:
        levels[..., 3] = _scaled(values[..., 3], bits_of(int(values[..., 3].max(initial=0))))
    narrow = Image.fromarray(levels)
    if bits != 8:
        narrow.info["bits"] = bits
    return narrow


def _is_deep(picture: Image.Image) -> bool:
    """Whether every part of the file holds 16 bits a channel in an order known here."""
    tiles = picture.tile if isinstance(picture, ImageFile.ImageFile) else []
    return bool(tiles) and all(_pixels_of(tile.args) in _OTHER_BYTE for tile in tiles)


def _pixels_of(arguments: Arguments) -> object:
    """Pillow's name of the pixels in the arguments of a decoder: the only or the first one."""
    return arguments[0] if isinstance(arguments, tuple) and arguments else arguments


def _other_byte(arguments: Arguments) -> Arguments:
    if isinstance(arguments, tuple):
        return (_OTHER_BYTE[arguments[0]], *arguments[1:])
    return _OTHER_BYTE[str(arguments)]


def _greatest(values: NDArray[np.integer]) -> int:
    """The greatest value of the three colours of (H, W, 3 or 4)."""
    return int(values[..., :3].max(initial=0))


def _scaled(values: NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = (np.minimum(values * (255 / (2**bits - 1)), 255) + 0.5).astype(np.uint8)
    return levels
