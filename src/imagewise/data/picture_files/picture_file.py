"""One labelled picture of a set: a file, or a piece of a file that holds many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewise.data.dataset import SplitName
from imagewise.errors import PictureError
from imagewise.framing.decoding import PictureSource


class Packed(Protocol):
    """A picture that is part of an archive or a table."""

    @property
    def archive(self) -> str:
        """The path of the file that holds it."""
        ...

    def read(self) -> bytes:
        """The content of a picture file. Quick where pictures are asked for in their order there;
        not from several threads at once. Raises PictureError."""
        ...


def read_piece(file: str, offset: int, size: int) -> bytes:
    """`size` bytes of a file from `offset` on, fewer where it ends before. Raises PictureError if it cannot be read."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - a Path for each of a million
            opened.seek(offset)
            return opened.read(size)
    except OSError as error:
        raise PictureError(None, f"{file} cannot be read ({error.strerror or error})") from error


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One labelled picture. A set may hold a million: paths are strings, a tenth of the size of `Path`.

    Attributes:
        place: the path of its file, or where it is packed.
        name: what to call it.
        label: its class.
        split: where the source has splits.
        group: what it shares with others that must be in the same split: a person, a plant, a burst, a video.
    """

    place: str | Packed
    name: str
    label: str
    split: SplitName | None = None
    group: str | None = None

    @property
    def path(self) -> str:
        """Of the file to look at for changes."""
        return self.place if isinstance(self.place, str) else self.place.archive

    def source(self) -> PictureSource:
        """What `read_picture` takes. Raises PictureError."""
        return Path(self.place) if isinstance(self.place, str) else self.place.read()
