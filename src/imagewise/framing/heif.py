"""HEIC and HEIF, the photographs of iPhones: read by the package pillow-heif, which is asked only where one is met."""

from __future__ import annotations

from importlib.util import find_spec
from typing import BinaryIO

from PIL import Image

_BRANDS = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"])
_AVIF_BRANDS = frozenset([b"avif", b"avis"])


def is_heif(start: bytes) -> bool:
    """Whether a file that starts so is HEIC or HEIF."""
    return start[4:8] == b"ftyp" and start[8:12] in _BRANDS


def is_avif(start: bytes) -> bool:
    """Whether a file that starts so is AVIF."""
    return start[4:8] == b"ftyp" and start[8:12] in _AVIF_BRANDS


def can_read_heif() -> bool:
    """Whether pillow-heif is installed."""
    return find_spec("pillow_heif") is not None


def open_heif(file: BinaryIO) -> Image.Image:
    """Open a HEIC picture as Pillow does: size and mode are known, pixels are decoded when they are asked for.

    Raises:
        ImportError: pillow-heif is not installed.
        Exception: whatever it raises for damaged files.
    """
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return Image.open(file, formats=["HEIF"])
