"""Framing: the one way from any picture to network input, used by training, predict, evaluate and serve.

`photo`  aspect kept, antialiased resize of the shorter side, centre crop.
`ink`    what MNIST's makers did; see ink.py. A picture that is framed already comes out as it went in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from imagewise.errors import LargePictureError, ModelError, PictureError
from imagewise.ink import frame_ink, is_framed

FramingKind = Literal["ink", "photo"]
PictureSource = str | Path | bytes | BinaryIO | Image.Image
Pixels = NDArray[np.uint8]

PICTURE_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"]
)
# The decoders behind these suffixes and no others: Pillow has dozens, little used, one of which runs Ghostscript.
_DECODERS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 80_000_000  # under Pillow's own alarm (89 million), so that ours is the message people see
_WRITTEN = re.compile(
    r"(?P<kind>ink|photo)(:(?P<height>[1-9]\d{0,3})(x(?P<width>[1-9]\d{0,3}))?)?(:(?P<colour>grey|colour))?"
)
FRAMING_VERSION = 2  # goes up whenever a picture comes out otherwise than before; caches of framed pictures go by it


@dataclass(frozen=True)
class Framing:
    """How a picture becomes (height, width, channels) uint8. Kept in the model file.

    Raises:
        ModelError: an unknown kind, or a shape that no picture can have.
    """

    kind: FramingKind
    height: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        if self.kind not in get_args(FramingKind):
            raise ModelError(f"unknown framing {self.kind!r}; this version knows {get_args(FramingKind)}.")
        if self.height < 1 or self.width < 1 or self.channels not in (1, 3):
            raise ModelError(f"framing {self.shape}: needs height and width of at least 1, and 1 or 3 channels.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    @classmethod
    def parse(cls, text: str) -> Framing:
        """`photo:96` (square, colour), `photo:128x96:grey` (height x width), `ink` (28x28, grey), `ink:32`.

        Raises:
            PictureError: written otherwise.
        """
        found = _WRITTEN.fullmatch(text.strip().lower())
        if found is None or (found["kind"] == "photo" and found["height"] is None):
            raise PictureError(
                f"framing {text!r}: write KIND:SIZE, as in photo:96, photo:96:grey, photo:128x96 or ink."
            )
        height = int(found["height"] or 28)
        colour = found["colour"] or ("colour" if found["kind"] == "photo" else "grey")
        kind: FramingKind = "photo" if found["kind"] == "photo" else "ink"
        return cls(kind, height, int(found["width"] or height), 1 if colour == "grey" else 3)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `Framing(**framing.as_dict()) == framing`."""
        return asdict(self)


def read_picture(source: PictureSource, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode one picture, upright (EXIF), as mode L, RGB, LA or RGBA with 8 bits a channel.

    16-bit and float pictures keep their true range (Pillow's own conversion would clip them to white).

    Raises:
        PictureError: missing, not a picture, damaged.
        LargePictureError: more than `most_pixels`, which is seen before anything is decoded.
    """
    if isinstance(source, Image.Image):
        return _eight_bits(ImageOps.exif_transpose(source))
    name = str(source) if isinstance(source, str | Path) else "the picture"
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    try:
        with Image.open(source, formats=_DECODERS) as picture:
            if picture.width * picture.height > most_pixels:
                raise LargePictureError(_too_large(name, most_pixels, picture.size))
            return _eight_bits(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LargePictureError(_too_large(name, most_pixels, None)) from error
    except FileNotFoundError as error:
        raise PictureError(f"{name}: no such file. Check the path.") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{name}: {_what_else(source)}") from error
    # Pillow's decoders raise many kinds on damaged bytes: SyntaxError for PNG chunks, ValueError, struct.error ...
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(f"{name}: cannot be read ({reason}). Replace the file or leave it out.") from error


def _what_else(source: str | Path | BinaryIO) -> str:
    """What a file is that is no picture, and what to do."""
    try:
        if isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                start = file.read(512)
        else:
            source.seek(0)
            start = source.read(512)
    except (OSError, ValueError):  # a stream that cannot go back
        start = b"?"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "the file is empty. Copy or download it again."
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture; a download that was answered with one? Download it again."
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "a drawing in SVG, not a picture of pixels. Save it as PNG."
    return "not a picture in a format that Pillow reads. Save it as PNG or JPEG."


def _too_large(name: str, most: int, size: tuple[int, int] | None) -> str:
    size_text = f"{size[0]}x{size[1]}" if size else "far more than that"
    return f"{name}: over {most // 10**6} million pixels ({size_text}). Reduce the picture first."


def _eight_bits(picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture).astype(np.uint32) / 257 + 0.5).astype(np.uint8))
    if mode in ("I", "F"):
        return Image.fromarray(_stretch(np.asarray(picture, dtype=np.float64)))
    if mode in ("P", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA")
    if mode in ("L", "RGB", "LA", "RGBA"):
        picture.load()
        return picture.copy()
    return picture.convert("L" if mode == "1" else "RGB")


def _stretch(values: NDArray[np.float64]) -> Pixels:
    """Float and 32-bit pictures name no range: 0..1, 0..255 and 0..65535 are taken for what they look like."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    top = next((t for t in (1.0, 255.0, 65535.0) if low >= 0 and high <= t), None)
    if top is None:
        values, top = values - low, max(high - low, 1e-12)
    levels: Pixels = (values * (255 / top) + 0.5).astype(np.uint8)
    return levels


def frame(picture: Image.Image, framing: Framing) -> Pixels:
    """Bring a decoded picture (from `read_picture`) to the framing's shape: (H, W, C) uint8."""
    if framing.kind == "photo":
        return _frame_photo(picture, framing)
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
    picture = _flatten_alpha(picture, white=True).convert("RGB" if framing.channels == 3 else "L")
    if picture.size != (framing.width, framing.height):
        scale = max(framing.width / picture.width, framing.height / picture.height)
        box_width, box_height = framing.width / scale, framing.height / scale
        left, top = (picture.width - box_width) / 2, (picture.height - box_height) / 2
        picture = picture.resize(
            (framing.width, framing.height),
            Image.Resampling.BICUBIC,
            box=(left, top, left + box_width, top + box_height),
        )
    return np.asarray(picture, dtype=np.uint8).reshape(framing.shape)


def _flatten_alpha(picture: Image.Image, white: bool) -> Image.Image:
    if picture.mode not in ("LA", "RGBA"):
        return picture
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255) if white else (0, 0, 0, 255))
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
