"""Pictures that imagewise writes for people, marked so that they never count as pictures of a set."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

MARK = ("Software", "imagewise")  # a text chunk that PNG defines
_START = 512  # bytes: the mark is among the first chunks


def save_own(image: Image.Image, file: IO[bytes]) -> None:
    """Write a PNG with the mark."""
    marked = PngInfo()
    marked.add_text(*MARK)
    image.save(file, format="PNG", pnginfo=marked)


def is_own_picture(path: Path) -> bool:
    """Whether a file is a PNG with the mark. A file that cannot be read is not."""
    if path.suffix != ".png":  # as imagewise calls them
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return False
    return start.startswith(b"\x89PNG") and "\0".join(MARK).encode() in start
