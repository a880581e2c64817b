"""`predict --sort-into DIR`: copies of the pictures in a folder for each class."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from filecmp import cmp
from pathlib import Path

from imagewise.atomic import atomic_writer, reason
from imagewise.errors import OutputError

# characters that some file system refuses, and names that would lead elsewhere or that Windows keeps for devices
_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$|^\.')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class SortedFolder:
    """A folder with a subfolder for each class. Nothing in it is overwritten.

    A picture whose name is taken gets a number behind it; one that is there already, from an earlier call, is not
    copied again.

    Attributes:
        copied: number of pictures that were copied.
        kept: number of pictures that were there already.

    Raises:
        OutputError: the folder cannot be written, or lies within one of the folders whose pictures are sorted.
    """

    def __init__(self, path: Path, sources: Sequence[str]) -> None:
        self.path = path
        self.copied = 0
        self.kept = 0
        self._folders: dict[str, Path] = {}
        self._written: set[Path] = set()
        for source in map(Path, sources):
            if source.is_dir() and path.resolve().is_relative_to(source.resolve()):
                raise OutputError(
                    f"{path} is inside {source}, so its copies would be recognised again the next time. "
                    "Choose a folder outside it with --sort-into DIR."
                )

    def add(self, picture: Path, label: str) -> None:
        """Copy a picture into the subfolder of its class. Raises OutputError."""
        folder = self._folders.get(label) or self._make_folder(label)
        try:
            target, number = folder / picture.name, 1
            while target.exists():
                if target not in self._written and cmp(picture, target, shallow=False):
                    self.kept += 1
                    return
                number += 1
                target = folder / f"{picture.stem}-{number}{picture.suffix}"
            with picture.open("rb") as source, atomic_writer(target) as copy:
                shutil.copyfileobj(source, copy)
            shutil.copystat(picture, target)
        except OSError as error:
            raise OutputError(
                f"cannot copy {picture} into {folder}: {reason(error)}. Choose another folder with --sort-into DIR."
            ) from error
        self._written.add(target)
        self.copied += 1

    def _make_folder(self, label: str) -> Path:
        """The path of a class's folder. Names that a file system may take for one get a number."""
        taken = {folder.name.casefold() for folder in self._folders.values()}
        name, number = _folder_name(label), 1
        while (free := name if number == 1 else f"{name}-{number}").casefold() in taken:
            number += 1
        self._folders[label] = self.path / free
        return self._folders[label]


def _folder_name(label: str) -> str:
    """The name of a class as that of a folder, anywhere."""
    name = _REFUSED.sub("_", label) or "_"
    return f"{name}_" if _DEVICES.fullmatch(name) else name
