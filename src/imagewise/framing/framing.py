"""Framing: the one way from any picture to network input, used by training, predict, evaluate and serve.

`photo`      aspect kept, antialiased resize of the shorter side, centre crop.
`letterbox`  the whole picture: aspect kept, antialiased resize of the longer side, grey bars along it.
`squash`     the whole picture: antialiased resize of both sides, aspect not kept.
`ink`        what MNIST's makers did; see ink.py. A picture that is framed already comes out as it went in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from PIL import Image

from imagewise.errors import ModelError, RecipeError
from imagewise.framing.decoding import PictureSource as PictureSource
from imagewise.framing.decoding import Pixels as Pixels
from imagewise.framing.decoding import read_picture
from imagewise.framing.ink import frame_ink, is_framed

FramingKind = Literal["ink", "photo", "letterbox", "squash"]
_WRITTEN = re.compile(
    r"(?P<kind>ink|photo|letterbox|squash|whole)"
    r"(:(?P<height>[1-9]\d{0,3})(x(?P<width>[1-9]\d{0,3}))?)?(:(?P<colour>grey|colour))?"
)
# Each goes up whenever a picture comes out differently than before. Grey pictures of more than 8 bits with a narrow
# range did so without it: models trained on such pictures had lost their levels and need another training (CHANGELOG).
FRAMING_VERSIONS: dict[FramingKind, int] = {"ink": 3, "photo": 2, "letterbox": 1, "squash": 1}
_UNWRITTEN = 2  # the version of `ink` and `photo` before it was written into files
_EARLIER_NAMES = {"whole": "letterbox"}  # that files and recipes may still have
_BARS = 128  # level of the bars
_LARGEST_SIDE = 9_999  # pixels: what the command's text can say


@dataclass(frozen=True)
class Framing:
    """How a picture becomes (height, width, channels) uint8. Kept in the model file.

    Attributes:
        kind: `photo`, `letterbox`, `squash` or `ink`.
        height, width: in pixels.
        channels: 1 (grey) or 3 (RGB).
        version: of the code that framed the training pictures; 0, the default, becomes the kind's present one. Read
            files with `written_framing`: those from before it was written mean 2.

    Raises:
        ModelError: an unknown kind, a shape that no picture can have, or a version that this code does not have: it
            would frame the pictures differently than the model was trained on.
    """

    kind: FramingKind
    height: int
    width: int
    channels: int
    version: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FramingKind):
            raise ModelError(
                f"unknown framing {self.kind!r}; this version knows {', '.join(get_args(FramingKind))}. "
                "Upgrade imagewise, or train again."
            )
        if not all(type(value) is int for value in (*self.shape, self.version)):
            raise ModelError(f"framing {self.as_dict()}: all but the kind are integers. Train again.")
        if not (1 <= self.height <= _LARGEST_SIDE and 1 <= self.width <= _LARGEST_SIDE and self.channels in (1, 3)):
            raise ModelError(
                f"framing {self.shape}: needs a height and width of 1 to {_LARGEST_SIDE:,}, and 1 or 3 channels. "
                "Train again."
            )
        present = FRAMING_VERSIONS[self.kind]
        if self.version == 0:
            object.__setattr__(self, "version", present)
        if self.version != present:
            older = self.version < present
            raise ModelError(
                f"its pictures were framed by version {self.version} of {self.kind} framing, and this imagewise has "
                f"version {present}. "
                + ("Train again: `imagewise train DATA`." if older else "Upgrade imagewise, or train again.")
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    @classmethod
    def parse(cls, text: str) -> Framing:
        """`photo:96` (square, colour), `photo:128x96:grey` (height x width), `ink` (28x28, grey), `ink:32`;
        `letterbox` and `squash` as `photo`.

        Raises:
            RecipeError: written otherwise.
        """
        found = _WRITTEN.fullmatch(text.strip().lower())
        if found is None or (found["kind"] != "ink" and found["height"] is None):
            raise RecipeError(
                f"framing {text!r}: write KIND:SIZE, as in photo:96, photo:96:grey, photo:128x96, letterbox:96, "
                "squash:96 or ink."
            )
        height = int(found["height"] or 28)
        kind = cast(FramingKind, _EARLIER_NAMES.get(found["kind"], found["kind"]))
        colour = found["colour"] or ("grey" if kind == "ink" else "colour")
        return cls(kind, height, int(found["width"] or height), 1 if colour == "grey" else 3)

    @classmethod
    def of(cls, value: Framing | str | None) -> Framing | None:
        """`value` itself, or what its text says; see `parse`. Raises RecipeError, or TypeError for anything else."""
        if isinstance(value, str):
            return cls.parse(value)
        if value is None or isinstance(value, Framing):
            return value
        raise TypeError(f"framing is a Framing or a text such as 'photo:96', not {type(value).__name__}.")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `Framing(**framing.as_dict()) == framing`."""
        return asdict(self)


def written_framing(value: Any) -> Any:
    """A framing's values as a file holds them, with the version and the kind that earlier files mean."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    renamed = {"kind": _EARLIER_NAMES[kind]} if isinstance(kind, str) and kind in _EARLIER_NAMES else {}
    return {"version": _UNWRITTEN} | value | renamed


def describe_size(shape: Sequence[int]) -> str:
    """A picture's size for people, who say width x height: "96x128 grey" for (128, 96, 1), "96x128" for (128, 96)."""
    height, width, *channels = shape
    return f"{width}x{height}" + (f" {'grey' if channels[0] == 1 else 'colour'}" if channels else "")


def frame(picture: Image.Image, framing: Framing) -> Pixels:
    """Bring a decoded picture (from `read_picture`) to the framing's shape: (H, W, C) uint8."""
    if framing.kind == "photo":
        return _frame_photo(picture, framing)
    if framing.kind == "letterbox":
        return _frame_letterbox(picture, framing)
    if framing.kind == "squash":
        return _frame_squash(picture, framing)
    return np.repeat(frame_ink(picture, framing.height, framing.width)[:, :, None], framing.channels, axis=2)


def frame_many(pictures: Sequence[Image.Image], framing: Framing) -> list[Pixels]:
    """`frame` for several at once. Digits that are framed already, as MNIST's, are seen to be so all together."""
    framed: list[Pixels | None] = [None] * len(pictures)
    if framing.kind == "ink":
        size = (framing.width, framing.height)
        places = [i for i, picture in enumerate(pictures) if picture.mode == "L" and picture.size == size]
        if len(places) > 1:
            levels = np.stack([np.asarray(pictures[i]) for i in places])
            for i, done, level in zip(places, is_framed(levels), levels, strict=True):
                if done:
                    framed[i] = np.repeat(level[:, :, None], framing.channels, axis=2)
    return [frame(p, framing) if f is None else f for p, f in zip(pictures, framed, strict=True)]


def frame_file(source: PictureSource, framing: Framing) -> Pixels:
    """`read_picture`, then `frame`."""
    return frame(read_picture(source), framing)


def _frame_photo(picture: Image.Image, framing: Framing) -> Pixels:
    picture = _with_channels(picture, framing.channels)
    if picture.size != (framing.width, framing.height):
        picture = picture.resize(
            (framing.width, framing.height),
            Image.Resampling.BICUBIC,
            box=crop_box(picture.width, picture.height, framing),
        )
    return np.asarray(picture, dtype=np.uint8).reshape(framing.shape)


def crop_box(width: int, height: int, framing: Framing) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the largest box in the middle that has the framing's aspect, in pixels.

    Rounding can put a side 1e-13 pixels outside the picture, which Pillow refuses: the box is cut to the picture.
    """
    scale = max(framing.width / width, framing.height / height)
    box_width, box_height = framing.width / scale, framing.height / scale
    left, top = max(0.0, (width - box_width) / 2), max(0.0, (height - box_height) / 2)
    return left, top, min(left + box_width, float(width)), min(top + box_height, float(height))


def _frame_letterbox(picture: Image.Image, framing: Framing) -> Pixels:
    picture = _with_channels(picture, framing.channels)
    scale = min(framing.width / picture.width, framing.height / picture.height)
    width = min(max(1, round(picture.width * scale)), framing.width)
    height = min(max(1, round(picture.height * scale)), framing.height)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    top, left = (framing.height - height) // 2, (framing.width - width) // 2
    framed = np.full(framing.shape, _BARS, dtype=np.uint8)
    framed[top : top + height, left : left + width] = np.asarray(picture).reshape(height, width, framing.channels)
    return framed


def _frame_squash(picture: Image.Image, framing: Framing) -> Pixels:
    picture = _with_channels(picture, framing.channels)
    if picture.size != (framing.width, framing.height):
        picture = picture.resize((framing.width, framing.height), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.uint8).reshape(framing.shape)


def _with_channels(picture: Image.Image, channels: int) -> Image.Image:
    """Grey (1) or RGB (3); what is see-through is on white."""
    return _flatten_alpha(picture, white=True).convert("RGB" if channels == 3 else "L")


def _flatten_alpha(picture: Image.Image, white: bool) -> Image.Image:
    if picture.mode not in ("LA", "RGBA"):
        return picture
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255) if white else (0, 0, 0, 255))
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
