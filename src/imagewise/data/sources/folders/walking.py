"""The pictures of class folders, at any depth; and what was met on the way that is no picture."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.data.dataset import SplitName
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.sources.folders.listing import Kinds, identity, is_folder
from imagewise.framing.file_kinds import describe_left_out, is_shown, kind_of

_ABOVE_CLASSES = 2  # folders above a class folder that links must not lead back to: the root, and a split's


@dataclass
class Found:
    """What was found on the way, for the user."""

    root: Path
    kinds: Kinds
    files: list[PictureFile] = field(default_factory=list)
    deeper: Counter[str] = field(default_factory=Counter)  # pictures in folders below a class folder, by class
    left_out: Counter[str] = field(default_factory=Counter)  # files that are no pictures, by suffix
    loops: list[str] = field(default_factory=list)

    def add_class(self, folder: Path, label: str, split: SplitName | None) -> int:
        """Take the pictures of a class folder. Returns how many there are."""
        before = len(self.files)
        self._add(str(folder), label, split, (identity(self.root), identity(folder.parent)))
        return len(self.files) - before

    def add_file(self, folder: Path, name: str, label: str, split: SplitName | None) -> None:
        """Take one picture in a folder."""
        path = f"{folder}/{name}"
        self.files.append(PictureFile(path, self._called(path), label, split))

    def notices(self) -> list[str]:
        """Sentences about what was met."""
        notices = []
        if deeper := {label: count for label, count in self.deeper.items() if count}:
            some = ", ".join(f"{label!r} ({count:,})" for label, count in list(deeper.items())[:3])
            more = f" and {len(deeper) - 3} more" if len(deeper) > 3 else ""
            notices.append(f"took pictures from folders below the class folders, as of the class above: {some}{more}.")
        if self.left_out:
            notices.append(describe_left_out(self.left_out))
        notices += [f"left out {loop}: a link that leads back to a folder above it." for loop in self.loops]
        return notices

    def _add(self, folder: str, label: str, split: SplitName | None, above: tuple[tuple[int, int], ...]) -> None:
        """The pictures of a class, by name; a link that leads back to a folder above is not followed.

        A link that leads nowhere and a folder that is called like a picture count as pictures, so that they are listed
        as damaged.
        """
        here = identity(folder)
        if here in above:
            self.loops.append(os.path.relpath(folder, self.root))
            return
        with os.scandir(folder) as entries:
            listed = sorted((entry.name, is_folder(entry)) for entry in entries if is_shown(entry.name))
        for name, a_folder in listed:
            path = f"{folder}/{name}"
            if self.kinds.is_picture(name):
                self.files.append(PictureFile(path, self._called(path), label, split))
                self.deeper[label] += len(above) > _ABOVE_CLASSES
            elif a_folder:
                self._add(path, label, split, (*above, here))
            else:
                self.left_out[kind_of(name)] += 1

    def _called(self, path: str) -> str:
        above = "" if self.root == Path() else str(self.root)  # paths in the current folder do not begin with it
        return path[len(above) :].replace(os.sep, "/").lstrip("/")
