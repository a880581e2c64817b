"""Decoding of picture files with Pillow: which kinds are read, up to which size, and how an error is told."""

from __future__ import annotations

import io
import struct
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features
from PIL.JpegImagePlugin import JpegImageFile

from imagewise.errors import LargePictureError, PictureError
from imagewise.framing.deep_colour import read_narrow_colour
from imagewise.framing.file_kinds import AVIF_REMEDY, heif_remedy
from imagewise.framing.heif import can_read_heif, is_avif, is_heif, open_heif
from imagewise.framing.levels import bits_of

PictureSource = str | Path | bytes | BinaryIO | Image.Image
Pixels = NDArray[np.uint8]

# The decoders behind `PICTURE_SUFFIXES` and no others: Pillow has dozens, little used, one of which runs Ghostscript.
_DECODERS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "AVIF")
MAX_PIXELS = 80_000_000  # under Pillow's own alarm (89 million), so that ours is the message people see
_REDUCED = 3  # times as many pixels a JPEG may have: telephones make up to 200 million
_JPEG = b"\xff\xd8\xff"
_NOT_IDENTIFIED = (SyntaxError, IndexError, TypeError, struct.error)  # what Pillow's decoders raise for other files


def read_picture(source: PictureSource, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode one picture, upright (EXIF), as mode L, RGB, LA or RGBA with 8 bits a channel.

    16-bit, 32-bit and float pictures keep their levels: cameras and scanners put 10, 12 or 14 bits into such files, so
    the range is that of as many bits as the greatest value needs. It is in `info["bits"]` where it is not 8 or 16.
    JPEG files with up to `_REDUCED` times `most_pixels` are decoded at a half of their size or less.

    Raises:
        PictureError: missing, not a picture, damaged, or anything else that goes wrong with this one.
        LargePictureError: more pixels, which is seen before anything is decoded.
    """
    place = str(source) if isinstance(source, str | Path) else None
    try:
        if isinstance(source, Image.Image):
            return _eight_bits(ImageOps.exif_transpose(source))
        with _stream(source) as file:
            return _decoded(file, place, most_pixels)
    except Exception as error:  # on damaged bytes Pillow raises SyntaxError, struct.error, MemoryError ...
        raise picture_error(error, place) from error


def header_of(content: bytes) -> tuple[str, int] | None:
    """Pillow's mode and the number of pixels of a picture file, by its header; None if it has none that is read."""
    try:
        with io.BytesIO(content) as file, _open(file) as picture:
            return picture.mode, picture.width * picture.height
    except Exception:  # whatever is wrong with it: reading it will tell
        return None


def _stream(source: str | Path | bytes | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """A file that is opened once, for the look at its start and for its decoder; one that was open stays open."""
    if isinstance(source, str | Path):
        return (source if isinstance(source, Path) else Path(source)).open("rb")  # making a Path takes its time
    return nullcontext(io.BytesIO(source) if isinstance(source, bytes) else source)


def _decoded(file: BinaryIO, place: str | None, most_pixels: int) -> Image.Image:
    try:
        with _open(file) as picture:
            _reduce(picture, most_pixels)
            if picture.width * picture.height > most_pixels:
                raise _too_large(place, most_pixels, picture.size)
            narrow = read_narrow_colour(picture, lambda: _open(file))
            return narrow or _eight_bits(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(place, most_pixels, None) from error
    except UnidentifiedImageError as error:
        raise PictureError(place, *_describe_other_content(file)) from error


def _open(file: BinaryIO) -> Image.Image:
    if _start_of(file).startswith(_JPEG):  # not by Image.open, which warns of large ones that are reduced here
        with suppress(*_NOT_IDENTIFIED):
            file.seek(0)
            return JpegImageFile(file)
    try:
        return Image.open(file, formats=_DECODERS)
    except (UnidentifiedImageError, ValueError, RuntimeError):  # the decoder of AVIF takes some HEIC for its own
        if is_heif(_start_of(file)) and can_read_heif():
            return open_heif(file)
        raise


def _reduce(picture: Image.Image, most_pixels: int) -> None:
    """Have a JPEG above the limit decoded at 1/2, 1/4 or 1/8, as libjpeg does without the whole in memory (but for
    progressive files)."""
    pixels = picture.width * picture.height
    if not isinstance(picture, JpegImageFile) or "progressive" in picture.info or pixels > _REDUCED * most_pixels:
        return
    times = next((t for t in (1, 2, 4, 8) if pixels <= t * t * most_pixels), 8)
    if times > 1:
        picture.draft(None, (max(1, picture.width // times), max(1, picture.height // times)))


def picture_error(error: Exception, place: str | None) -> PictureError:
    """The PictureError to tell for whatever was raised while one picture was read or framed.

    No error of one picture, however unexpected, ends the work on the others: callers catch `Exception` and hand it
    here.
    """
    if isinstance(error, PictureError):
        return error
    if isinstance(error, FileNotFoundError):
        return PictureError(place, "no such file", "Check the path.")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return PictureError(place, f"cannot be read ({reason})", "Replace the file or leave it out.")


def _describe_other_content(source: BinaryIO) -> tuple[str, str]:
    """What is wrong with a file that Pillow does not recognise, and what to do."""
    start = _start_of(source)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "the file is empty", "Copy or download it again."
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture; a download that was answered with one?", "Download it again."
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "a drawing in SVG, not a picture of pixels", "Save it as PNG."
    if is_heif(start) and not can_read_heif():
        return "a HEIC picture, which needs pillow-heif", heif_remedy()
    if is_avif(start) and not features.check("avif"):
        return "an AVIF picture, which this Pillow does not read", AVIF_REMEDY
    return "not a picture in a format that Pillow reads", "Save it as PNG or JPEG."


def _start_of(source: BinaryIO) -> bytes:
    try:
        source.seek(0)
        return source.read(512)
    except (OSError, ValueError, AttributeError):  # a stream that cannot go back
        return b"?"


def _too_large(place: str | None, most: int, size: tuple[int, int] | None) -> LargePictureError:
    size_text = f"{size[0]}x{size[1]}" if size else "far more than that"
    return LargePictureError(place, f"over {most // 10**6} million pixels ({size_text})", "Reduce the picture first.")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Of a copy in memory, which `exif_transpose` makes in any case."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return _of_numbers(np.asarray(picture).astype(np.float64))
    if mode in ("P", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA")
    if mode in ("L", "RGB", "LA", "RGBA"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def _of_numbers(values: NDArray[np.float64]) -> Image.Image:
    """A grey picture of numbers whose file names no range: 0..1, or as many bits as the greatest needs; from the least
    to the greatest where some are negative."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    bits = bits_of(high)
    top = 1.0 if high <= 1 else 2.0**bits - 1
    if low < 0:
        values, top = values - low, max(high - low, 1e-12)
    picture = Image.fromarray((values * (255 / top) + 0.5).astype(np.uint8))
    if low >= 0 and bits not in (8, 16):
        picture.info["bits"] = bits
    return picture
