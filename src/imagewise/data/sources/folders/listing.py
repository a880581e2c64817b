"""What a folder holds: folders that may be classes, pictures, and what is neither."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.framing.file_kinds import is_shown, kind_of, readable_suffixes
from imagewise.framing.own_pictures import is_own_picture

# Not by people: macOS's archives, Synology's and Windows's previews, Python, Node.js
_OF_TOOLS = frozenset(
    ["__macosx", "@eadir", "__pycache__", "node_modules", "$recycle.bin", "system volume information"]
)
_HIDDEN_OF_TOOLS = frozenset(
    [".git", ".hg", ".svn", ".dvc", ".cache", ".venv", ".tox", ".mypy_cache", ".ruff_cache", ".idea", ".vscode"]
) | {".ipynb_checkpoints", ".thumbnails", ".appledouble", ".trash", ".trashes", ".spotlight-v100", ".fseventsd"}
_RUN_FILES = ("run.json", "model.onnx", "saved_model.pb")  # of a folder that `train` or `export` made
_LOOKED_THROUGH = 200  # files of a folder that has none at its top, to see whether it holds pictures


@dataclass(frozen=True)
class Kinds:
    """Which files are pictures, by their suffix. Made once a set: what is installed decides.

    Attributes:
        readable: suffixes of pictures that this installation reads.
    """

    readable: frozenset[str] = field(default_factory=readable_suffixes)

    def is_picture(self, name: str) -> bool:
        """By its suffix. Hidden files (`._photo.jpg`) are none."""
        return os.path.splitext(name)[1].lower() in self.readable and not name.startswith(".")  # noqa: PTH122

    def names_in(self, folder: Path) -> Iterator[str]:
        """Names of the picture files in the folder itself, in no order."""
        return filter(self.is_picture, os.listdir(folder))  # noqa: PTH208

    def pictures_in(self, folder: Path) -> list[str]:
        """Names of the pictures in the folder itself, in order; without imagewise's own (a contact sheet)."""
        return [name for name in sorted(self.names_in(folder)) if not is_own_picture(folder / name)]

    def has_foreign_pictures(self, folder: Path) -> bool:
        """Whether the folder itself holds a picture that imagewise did not write."""
        return any(not is_own_picture(folder / name) for name in self.names_in(folder))

    def below(self, folder: Path) -> Iterator[str]:
        """Names of the picture files in the folder and below it."""
        return filter(self.is_picture, _names_below(folder))

    def has_pictures_below(self, folder: Path) -> bool:
        """Whether the folder or one below it holds a picture; the first that is found ends the search."""
        return any(True for _ in self.below(folder))


def subfolders(folder: Path) -> list[Path]:
    """All folders in a folder, in order of their names."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if is_folder(entry))
    return [folder / name for name in names]


def is_meant(folder: Path) -> bool:
    """Whether a folder is one that people made to hold something: not hidden, and of no tool."""
    hidden = folder.name.startswith(".")
    return not hidden and folder.name.lower() not in _OF_TOOLS and not (folder / "pyvenv.cfg").exists()


def hidden_with_pictures(folder: Path, kinds: Kinds) -> list[Path]:
    """Folders with pictures whose names begin with a dot, as `.NET` does: hidden, but perhaps meant as classes."""
    hidden = [path for path in subfolders(folder) if path.name.startswith(".")]
    return [path for path in hidden if path.name.lower() not in _HIDDEN_OF_TOOLS and kinds.has_pictures_below(path)]


def is_own_folder(folder: Path, kinds: Kinds) -> bool:
    """Whether imagewise wrote a folder: a run, `runs`, an export, or pictures that were made by `--show-input` or
    `--boxes`. A folder of other pictures with a run in it does not count."""
    inner = [path for path in subfolders(folder) if not path.name.startswith(".")]
    runs = sum((path / "run.json").is_file() for path in inner)
    if any((folder / name).is_file() for name in _RUN_FILES) or (
        runs and (folder.name == "runs" or runs == len(inner))
    ):
        return not any(map(kinds.has_foreign_pictures, (folder, *inner)))
    if inner:
        return False
    files = sorted(filter(is_shown, os.listdir(folder)))  # noqa: PTH208
    if not files:
        return folder.name == "runs"
    return all(is_own_picture(folder / name) for name in files)  # the first of another kind ends it


def files_below(folder: Path) -> Iterator[str]:
    """The kinds (suffixes) of files below a folder, up to a bound; hidden files and the system's left out."""
    for number, name in enumerate(_names_below(folder)):
        if number == _LOOKED_THROUGH:
            return
        if is_shown(name):
            yield kind_of(name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def identity(folder: str | Path) -> tuple[int, int]:
    """The same for two paths of one folder."""
    status = os.stat(folder)  # noqa: PTH116
    return (status.st_dev, status.st_ino)


def _names_below(folder: Path) -> Iterator[str]:
    """Names of all files below a folder, through links too, but through each folder once."""
    seen: set[tuple[int, int]] = set()
    for place, _, names in os.walk(folder, followlinks=True):
        here = identity(place)
        if here in seen:
            continue
        seen.add(here)
        yield from names
