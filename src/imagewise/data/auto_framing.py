"""Choosing a framing by looking at the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.picture_files.ink_look import looks_like_ink as looks_like_ink
from imagewise.display.notices import Note
from imagewise.errors import DataError
from imagewise.framing.decoding import Pixels
from imagewise.framing.framing import Framing, describe_size, frame

# Goes up whenever another framing may be chosen for the same pictures: choices are kept in the cache.
CHOICE_VERSION = 2
SAMPLE = 64  # pictures looked at; four and sixteen times as many where these disagree

_INK = Framing("ink", 28, 28, 1)
_LOOK_SIDE = 56  # colour is looked for at this size: noise and a JPEG's colour fringes are gone
_INK_SHARE = 0.6  # of the looks; below it `photo`, which is the smaller mistake
_KEPT = 0.8  # arrays are ink where `ink` leaves this share of the sample as it is
_COLOURLESS = 4  # mean difference of the channels up to which a picture counts as grey, out of 255


def evenly(count: int, most: int = SAMPLE) -> NDArray[np.int64]:
    """At most `most` indices, spread evenly over `count` things."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


class SideLimit(Protocol):
    """Bounds the side of photographs, by the time that there is for instance.

    A fake for tests:

        class AtMost64:
            key = "at most 64"
            def __call__(self, pictures: int, side: int) -> tuple[int, str]:
                return min(side, 64), "64 pixels are enough" if side > 64 else ""
    """

    @property
    def key(self) -> str:
        """What the bound depends on but the pictures: a choice is kept under it."""
        ...

    def __call__(self, pictures: int, side: int) -> tuple[int, str]:
        """The side to take for that many pictures, at most `side`; and if it is smaller, a clause that says why."""
        ...


@dataclass(frozen=True)
class PhotoSizes:
    """What photographs are framed to where nobody names a size.

    Attributes:
        sides: rising, in pixels; the first is taken that the median of the shorter sides fits into, else the last.
        enlarged: by how much the median is multiplied before, where there are `many` pictures.
        many: from so many pictures on.
        always_colour: three channels for grey pictures too.
        limit: takes a smaller side; asked only where there are photographs and no choice is kept.
    """

    sides: tuple[int, ...]
    enlarged: float = 1.0
    many: int = 0
    always_colour: bool = False
    limit: SideLimit | None = None


FROM_SCRATCH = PhotoSizes((28, 32, 64, 80))  # photo.toml is tuned to the largest
# 256 and not 224, on which they were trained: from crops, in which things look larger than in whole pictures (Touvron
# et al. 2019, arXiv:1906.06423). A hundred pictures gain nothing by it, two thousand do (docs/decisions.md)
PRETRAINED = PhotoSizes((96, 128, 160, 192, 224, 256), enlarged=8 / 7, many=500, always_colour=True)


@dataclass(frozen=True)
class Look:
    """The properties of one picture that a framing is chosen by.

    Attributes:
        is_ink: strokes of ink on a ground, not half-tones.
        is_coloured: more than shades of grey.
        shorter_side: in pixels.
        bits: of a picture of 10, 12 or another number of bits in a file of 16 or more; None for an ordinary one.
    """

    is_ink: bool
    is_coloured: bool
    shorter_side: int
    bits: int | None = None


def look(picture: Image.Image) -> Look:
    """Look at one decoded picture, which need not stay in memory then."""
    return Look(looks_like_ink(picture), _is_coloured(picture), min(picture.size), picture.info.get("bits"))


def look_at_some(count: int, look_at: Callable[[int], Look | None]) -> list[Look]:
    """Looks at pictures spread evenly over `count`, as many as the choice between `ink` and `photo` needs.

    Another sample of the same pictures should give the same choice. So more are looked at while the share of ink is
    within three standard errors of the limit.

    Args:
        look_at: a look at the picture of this index; None if it cannot be read.
    """
    found: dict[int, Look | None] = {}
    looks: list[Look] = []
    for most in (SAMPLE, 4 * SAMPLE, 16 * SAMPLE):
        found |= {index: look_at(index) for index in evenly(count, most).tolist() if index not in found}
        looks = [each for _, each in sorted(found.items()) if each is not None]
        error = (_INK_SHARE * (1 - _INK_SHARE) / max(len(looks), 1)) ** 0.5
        if len(found) == count or abs(_ink_share(looks) - _INK_SHARE) > 3 * error:
            break
    return looks


def _ink_share(looks: Sequence[Look]) -> float:
    return sum(each.is_ink for each in looks) / max(len(looks), 1)


def choose_framing(
    looks: Sequence[Look], sizes: PhotoSizes = FROM_SCRATCH, pictures: int | None = None
) -> tuple[Framing, str]:
    """The framing for picture files like those that were looked at, and a sentence for the user about the choice.

    Args:
        looks: at least one.
        sizes: for photographs.
        pictures: how many there are; None for as many as were looked at.
    """
    if _ink_share(looks) >= _INK_SHARE:
        framing = _INK
        why = "strokes on an even ground"
    else:
        side = float(np.median([look.shorter_side for look in looks]))
        count = len(looks) if pictures is None else pictures
        wanted = round(side * (sizes.enlarged if count >= sizes.many else 1))
        height = next((s for s in sizes.sides if s >= wanted), sizes.sides[-1])
        why = f"their median shorter side is {side:.0f} pixels"
        if sizes.limit is not None:
            height, reason = sizes.limit(count, height)
            why += f", but {reason}" if reason else ""
        coloured = sizes.always_colour or any(look.is_coloured for look in looks)
        framing = Framing("photo", height, height, 3 if coloured else 1)
    looked = f"using {describe(framing)} based on {len(looks)} of your pictures: {why}."
    return framing, Note(f"{looked}{_about_bits(looks)} To use another size: --framing photo:96")


def _about_bits(looks: Sequence[Look]) -> str:
    bits = [look.bits for look in looks if look.bits is not None]
    if not bits:
        return ""
    used = f"{min(bits)}" if min(bits) == max(bits) else f"{min(bits)} to {max(bits)}"
    return f" {len(bits)} of them use {used} bits of 16 or more: each picture is scaled from its own number of bits."


def describe(framing: Framing) -> str:
    """'photo framing, 64x64 colour,'."""
    return f"{framing.kind} framing, {describe_size(framing.shape)},"


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
                f"{name}: its pictures are arrays of {describe_size(shape)}, but {describe_size(framing.shape)} is "
                "wanted. Arrays are used as they are: take a model made for that shape, or save them as picture "
                "files in class folders, which are brought to any shape."
            )
        return framing, ()
    height, width, channels = (int(side) for side in shape)
    sample = images[evenly(len(images))]
    ink = Framing("ink", height, width, channels)
    kept = np.mean([_is_kept(image, ink) for image in sample])
    framing = ink if kept >= _KEPT else Framing("photo", height, width, channels)
    return framing, (Note(f"using {describe(framing)} based on {len(sample)} of the pictures."),)


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
