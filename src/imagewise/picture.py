"""Framing: the one way from any picture to network input, used by training, predict, evaluate and serve.

`photo`  aspect kept, antialiased resize of the shorter side, centre crop.
`ink`    what MNIST's makers did: find the ink whatever its polarity, crop it, fit it into the inner 20/28 of the
         square keeping aspect, and put its centre of mass in the middle (LeCun et al. 1998, section III.A;
         http://yann.lecun.com/exdb/mnist). A picture that is framed already comes out as it went in.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from imagewise.errors import ModelError, PictureError

FramingKind = Literal["ink", "photo"]
PictureSource = str | Path | bytes | BinaryIO | Image.Image
Pixels = NDArray[np.uint8]

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
# The decoders behind these suffixes and no others: Pillow has dozens, little used, one of which runs Ghostscript.
_DECODERS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 80_000_000  # under Pillow's own alarm (89 million), so that ours is the message people see
INK_MARGIN = 4 / 28  # MNIST: a 20-pixel box in a 28-pixel square
INK_WORKING_SIDE = 256  # larger pictures are reduced to this first: strokes stay several pixels wide


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

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `Framing(**framing.as_dict()) == framing`."""
        return asdict(self)


def read_picture(source: PictureSource) -> Image.Image:
    """Decode one picture, upright (EXIF), as mode L, RGB, LA or RGBA with 8 bits a channel.

    16-bit and float pictures keep their true range (Pillow's own conversion would clip them to white).

    Raises:
        PictureError: missing, not a picture, damaged, or more than `MAX_PIXELS`.
    """
    if isinstance(source, Image.Image):
        return _eight_bits(ImageOps.exif_transpose(source))
    name = str(source) if isinstance(source, str | Path) else "the picture"
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    try:
        with Image.open(source, formats=_DECODERS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(_too_large(name, picture.size))
            return _eight_bits(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(_too_large(name, None)) from error
    except FileNotFoundError as error:
        raise PictureError(f"{name}: no such file. Check the path.") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{name}: not a picture in a format that Pillow reads. Save it as PNG or JPEG.") from error
    # Pillow's decoders raise many kinds on damaged bytes: SyntaxError for PNG chunks, ValueError, struct.error ...
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureError(f"{name}: cannot be read ({reason}). Replace the file or leave it out.") from error


def _too_large(name: str, size: tuple[int, int] | None) -> str:
    size_text = f"{size[0]}x{size[1]}" if size else "more than twice that many"
    return f"{name}: over {MAX_PIXELS // 10**6} million pixels ({size_text}). Reduce the picture first."


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
    return _frame_ink(picture, framing) if framing.kind == "ink" else _frame_photo(picture, framing)


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


def _frame_ink(picture: Image.Image, framing: Framing) -> Pixels:
    ink = find_ink(_grey(picture))
    framed = _place(ink, framing.height, framing.width)
    return np.repeat(framed[:, :, None], framing.channels, axis=2)


def _grey(picture: Image.Image) -> Pixels:
    """Grey levels; see-through pictures on the ground that their drawing stands out from."""
    if picture.mode in ("LA", "RGBA"):
        drawing = np.asarray(picture.convert("LA"), dtype=np.float32)
        level, alpha = drawing[..., 0], drawing[..., 1]
        mean = float((level * alpha).sum() / max(float(alpha.sum()), 1.0))
        picture = _flatten_alpha(picture, white=mean < 128)
    if max(picture.size) > INK_WORKING_SIDE:
        picture = picture.convert("L")
        picture.thumbnail((INK_WORKING_SIDE, INK_WORKING_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(picture.convert("L"), dtype=np.uint8)


def find_ink(grey: Pixels) -> Pixels:
    """How much ink lies on each pixel, 0 (ground) to 255: (H, W) uint8, same size.

    The ground is the median of the border. Ink is whatever differs from it in the direction that differs more,
    stretched to full strength, with what is no stronger than the ground's own unrest removed.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).astype(np.int16)
    ground = int(np.median(border))
    difference = grey.astype(np.int16) - ground
    if -int(difference.min()) > int(difference.max()):
        difference = -difference
    strength = np.clip(difference, 0, 255)
    peak = int(strength.max())
    unrest = int(np.percentile(np.abs(border - ground), 90))
    if peak == 0:
        return np.zeros_like(grey)
    if unrest == 0:  # a clean ground (drawn or scanned and cleaned, MNIST itself): faint edges are ink too
        floor, top = 0, peak if peak < 128 else 255
    else:
        floor = max(unrest, _otsu(strength) // 2)
        top = max(
            int(np.percentile(strength[strength > floor], 90)) if (strength > floor).any() else peak,
            floor + 1,
        )
    stretched = (strength - floor) * (255.0 / (top - floor))
    ink: Pixels = np.clip(stretched + 0.5, 0, 255).astype(np.uint8)
    return ink


def _otsu(levels: NDArray[np.int16]) -> int:
    """The level that parts the histogram best (Otsu 1979)."""
    histogram = np.bincount(levels.ravel(), minlength=256)[:256].astype(np.float64)
    below = np.cumsum(histogram)
    mass = np.cumsum(histogram * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return int(np.nanargmax(np.where(np.isfinite(between), between, -1)))


def _place(ink: Pixels, height: int, width: int) -> Pixels:
    """Crop to the ink, fit it into the inner box keeping aspect, centre of mass in the middle of the square."""
    framed = np.zeros((height, width), dtype=np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return framed
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box_height, box_width = height - 2 * round(height * INK_MARGIN), width - 2 * round(width * INK_MARGIN)
    scale = min(box_height / crop.shape[0], box_width / crop.shape[1])
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    if size != (crop.shape[1], crop.shape[0]):
        crop = np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC), dtype=np.uint8)
    mass = crop.astype(np.float64)
    total = mass.sum() or 1.0
    centre_row = float((mass.sum(axis=1) * np.arange(crop.shape[0])).sum() / total)
    centre_column = float((mass.sum(axis=0) * np.arange(crop.shape[1])).sum() / total)
    top = min(max(round(height / 2 - centre_row), 0), height - crop.shape[0])
    left = min(max(round(width / 2 - centre_column), 0), width - crop.shape[1])
    framed[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    return framed
