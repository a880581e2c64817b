"""How much memory it takes to decode and frame a picture, told by its header; and giving memory back."""

from __future__ import annotations

import ctypes
import struct
import sys
from contextlib import suppress

from imagewise.framing.decoding import header_of

# Measured as the highest resident memory over that before, for the largest pictures of each kind (docs/decisions.md).
_BYTES = {"1": 8, "L": 8, "LA": 24, "P": 24, "PA": 24, "RGBA": 24, "I": 32, "I;16": 32, "I;16B": 32, "F": 32}
_BYTES_OF_COLOUR = 14  # RGB and all others
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}


def bytes_of(content: bytes, most_pixels: int, most_bytes: int) -> tuple[int, int]:
    """Memory that a picture file takes, in bytes, and the number of pixels up to which it is to be decoded.

    Args:
        content: of the file. One that is no picture takes none: decoding will say so.
        most_pixels: that any picture may have.
        most_bytes: that decoding any picture may take.
    """
    found = _png_header(content) or header_of(content)
    if found is None:
        return 0, most_pixels
    mode, pixels = found
    each = _BYTES.get(mode, _BYTES_OF_COLOUR)
    most = min(most_pixels, most_bytes // each)
    return min(pixels, most) * each, most


def _png_header(content: bytes) -> tuple[str, int] | None:
    """Mode and number of pixels of a PNG, without a decoder: most requests are small ones."""
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 26:
        return None
    width, height, bits, colour = struct.unpack(">IIBB", content[16:26])
    mode = _PNG_MODES.get(colour, "RGB")
    if bits == 16:
        mode = "I"
    elif b"tRNS" in content:
        mode = "RGBA"
    return mode, width * height


def give_back() -> None:
    """Return freed memory to the system, which the C library would keep after large pictures."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
