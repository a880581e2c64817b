"""Choosing a framing by looking at the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.errors import DataError
from imagewise.ink import ink_map
from imagewise.picture import Framing, Pixels, frame

SAMPLE = 64  # pictures looked at

_INK = Framing("ink", 28, 28, 1)
_PHOTO_SIDES = (28, 32, 64, 80)
_LOOK_SIDE = 56  # pictures are looked at this small: strokes are a few pixels wide, paper grain is gone
_MOST = 0.8  # a set is what this share of the sample is
_EVEN = 32  # levels that the ground varies by, and that ink must differ from it by
_COLOURLESS = 4  # mean difference of the channels up to which a picture counts as grey, out of 255


def evenly(count: int) -> NDArray[np.int64]:
    """At most `SAMPLE` indices, spread evenly over `count` things."""
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.int64))


def choose_framing(pictures: Sequence[Image.Image]) -> tuple[Framing, str]:
    """The framing for picture files that look like these, and a sentence for the user about the choice."""
    ink = np.mean([looks_like_ink(picture) for picture in pictures])
    if ink >= _MOST:
        framing = _INK
        why = "strokes on an even ground"
    else:
        side = float(np.median([min(picture.size) for picture in pictures]))
        height = next((s for s in _PHOTO_SIDES if s >= side), _PHOTO_SIDES[-1])
        framing = Framing("photo", height, height, 3 if any(map(_is_coloured, pictures)) else 1)
        why = f"the shorter side is {side:.0f} pixels in the median"
    looked = f"chose {describe(framing)} by looking at {len(pictures)} pictures: {why}."
    return framing, f"{looked} `train --framing photo:96` takes another."


def describe(framing: Framing) -> str:
    """'photo framing, 64x64 colour,'."""
    colour = "colour" if framing.channels == 3 else "grey"
    return f"{framing.kind} framing, {framing.height}x{framing.width} {colour},"


def framing_of_arrays(name: str, images: NDArray[np.uint8], framing: Framing | None) -> tuple[Framing, tuple[str, ...]]:
    """The framing for pictures that come as arrays, which stay as they are; and what to tell the user.

    With a framing given, the arrays must have its shape. Without one, only the kind is to be chosen, and
    `ink` is right only where it leaves the arrays as they are: a model must see a file as it sees the array
    of it.

    Raises:
        DataError: the arrays have another shape than `framing`.
    """
    shape = images.shape[1:]
    if framing is not None:
        if framing.shape != shape:
            raise DataError(
                f"{name}: its pictures are arrays of {_size(shape)}, but {_size(framing.shape)} is wanted. "
                "Arrays are used as they are: take a model made for that shape, or save them as picture "
                "files in class folders, which are brought to any shape."
            )
        return framing, ()
    height, width, channels = (int(side) for side in shape)
    sample = images[evenly(len(images))]
    ink = Framing("ink", height, width, channels)
    kept = np.mean([_is_kept(image, ink) for image in sample])
    framing = ink if kept >= _MOST else Framing("photo", height, width, channels)
    return framing, (f"chose {describe(framing)} by looking at {len(sample)} pictures.",)


def looks_like_ink(picture: Image.Image) -> bool:
    """Whether a picture is thin strokes on an even ground: writing, a line drawing, a scan of either."""
    grey = _small_grey(picture)
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]).astype(np.int16)
    ground = np.median(border)
    if np.mean(np.abs(border - ground) <= _EVEN) < _MOST or np.percentile(np.abs(grey - ground), 98) <= _EVEN:
        return False
    ink = ink_map(grey) >= 128
    share = ink.mean()
    return bool(0.01 <= share <= 0.4 and _thick(ink).sum() <= 0.1 * ink.sum())


def _thick(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is left of the ink where each pixel needs ink all around it, as far as strokes are wide."""
    window = 2 * round(min(ink.shape) / 14) + 1
    if min(ink.shape) <= window:
        return np.zeros((1, 1), dtype=np.bool_)
    tiles = np.lib.stride_tricks.sliding_window_view(ink, (window, window))
    return np.asarray(tiles.all(axis=(2, 3)))


def _small_grey(picture: Image.Image) -> Pixels:
    if picture.mode in ("LA", "RGBA"):
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    grey = picture.convert("L")
    if max(grey.size) > _LOOK_SIDE:
        grey.thumbnail((_LOOK_SIDE, _LOOK_SIDE), Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.uint8)


def _is_coloured(picture: Image.Image) -> bool:
    if picture.mode in ("L", "LA"):
        return False
    thumbnail = picture.convert("RGB")
    thumbnail.thumbnail((_LOOK_SIDE, _LOOK_SIDE))
    channels = np.asarray(thumbnail, dtype=np.int16)
    return bool(np.mean(channels.max(axis=2) - channels.min(axis=2)) > _COLOURLESS)


def _is_kept(image: Pixels, framing: Framing) -> bool:
    picture = Image.fromarray(image if image.shape[2] == 3 else image[..., 0])
    again = frame(picture, framing)
    return bool(np.abs(again.astype(np.int16) - image).mean() <= 1.0)


def _size(shape: Sequence[Any]) -> str:
    return "x".join(map(str, shape))
