"""Class folders: `root/<class>/picture.png`, or `root/train/<class>/picture.png` with `validation` and
`test` beside."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.dataset import Dataset, SplitName
from imagewise.errors import DataError
from imagewise.picture import PICTURE_SUFFIXES, Framing
from imagewise.sources.download import Progress
from imagewise.sources.picture_file import PictureFile
from imagewise.sources.pictures import load_pictures
from imagewise.sources.splits import SPLIT_NAMES

# Pictures to whoever took them, but none that can be read here: leaving them out in silence would be worse than a line.
_OTHER_KINDS = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".eps", ".pdf", ".psd", ".ico", ".tga", ".dng", ".raw"}
    | {".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"}
)

_ABOVE_CLASSES = 2  # folders above a class folder that links must not lead back to: the root, and a split's


@dataclass
class _Found:
    """What was found on the way, for the user."""

    files: list[PictureFile] = field(default_factory=list)
    deeper: Counter[str] = field(default_factory=Counter)  # pictures in folders below a class folder, by class
    other_kinds: Counter[str] = field(default_factory=Counter)
    loops: list[str] = field(default_factory=list)


def load_class_folders(
    root: Path, framing: Framing | None, *, strict: bool = False, progress: Progress | None = None
) -> Dataset:
    """Pictures sorted into folders that are named like their classes.

    The folder counts as split where all its folders are called train, validation (val, valid) or test: a
    class may be called `train`, as long as another class is not called like a split. A folder that holds nothing but
    one other folder of folders, as archives unpack to, is gone through. Pictures in folders below a class folder belong
    to that class, as long as one class folder holds pictures itself: otherwise nothing says which folders are the
    classes. Hidden files and files that are no pictures by their suffix are left alone.

    Raises:
        DataError: no class folder, an empty one, a class that train lacks; and as `load_pictures`.
    """
    name = root.resolve().name
    folders = _folders(root)
    while len(folders) == 1 and _wraps(root, folders[0]):
        root = folders[0]
        folders = _folders(root)
    if not folders:
        raise DataError(_no_class_folders(root))
    found = _Found()
    if all(folder.name.lower() in SPLIT_NAMES for folder in folders):
        for folder in folders:
            classes = _folders(folder)
            if not classes:
                raise DataError(
                    f"{folder}: holds no class folders. Sort its pictures into one folder a class, "
                    f"{folder.name}/<class>/."
                )
            _add_classes(root, classes, SPLIT_NAMES[folder.name.lower()], found)
    else:
        _add_classes(root, folders, None, found)
    return load_pictures(
        name, found.files, framing, strict=strict, notices=_notices(root, folders, found), progress=progress
    )


def holds_pictures(root: Path) -> bool:
    """Whether a folder below this one holds a picture file; the first that is found ends the search."""
    return any(_is_picture(name) for folder, _, names in os.walk(root) if folder != str(root) for name in names)


def _is_picture(name: str) -> bool:
    """By its suffix. Hidden files (`.DS_Store`, `._photo.jpg`) and others (`Thumbs.db`) are none."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES and not name.startswith(".")  # noqa: PTH122


def _wraps(root: Path, only: Path) -> bool:
    """Whether `root` is but a wrapper around the folder `only`, which holds the class folders."""
    named_like_split = only.name.lower() in SPLIT_NAMES
    return (
        not named_like_split
        and not only.is_symlink()
        and not _count_pictures(root)
        and not _count_pictures(only)
        and bool(_folders(only))
    )


def _add_classes(root: Path, folders: list[Path], split: SplitName | None, found: _Found) -> None:
    for folder in folders:
        before = len(found.files)
        above = (_identity(root), _identity(folder.parent))
        _add_pictures(str(root), str(folder), folder.name, split, above, found)
        if len(found.files) == before:
            others = ", ".join(sorted(found.other_kinds))
            kinds = f" Of {others} none can be read: save them as PNG or JPEG." if others else ""
            raise DataError(
                f"{folder}: the folder of class {folder.name!r} holds no picture.{kinds} Put pictures into it, or "
                "remove it."
            )
    if not any(_count_pictures(folder) for folder in folders):
        names = ", ".join(folder.name for folder in folders[:3])
        raise DataError(
            f"{folders[0].parent}: its folders ({names}{', ...' if len(folders) > 3 else ''}) hold folders only, so "
            "that nothing says which are the classes. Name the folder whose folders are the classes, or put the "
            "pictures directly into them."
        )


def _add_pictures(
    root: str, folder: str, label: str, split: SplitName | None, above: tuple[tuple[int, int], ...], found: _Found
) -> None:
    """The pictures of a class, at any depth, by name; a link that leads back to a folder above is not followed.

    A link that leads nowhere and a folder that is called like a picture count as pictures, so that they are listed
    as damaged.
    """
    here = _identity(folder)
    if here in above:
        found.loops.append(os.path.relpath(folder, root))
        return
    with os.scandir(folder) as entries:
        listed = sorted((entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    for name, is_folder in listed:
        path = f"{folder}/{name}"
        if _is_picture(name):
            called = path[len(root) :].replace(os.sep, "/").lstrip("/")
            found.files.append(PictureFile(path, called, label, split))
            found.deeper[label] += len(above) > _ABOVE_CLASSES
        elif is_folder:
            _add_pictures(root, path, label, split, (*above, here), found)
        elif (suffix := os.path.splitext(name)[1].lower()) in _OTHER_KINDS:  # noqa: PTH122
            found.other_kinds[suffix] += 1


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116
    return (status.st_dev, status.st_ino)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _no_class_folders(root: Path) -> str:
    pictures = _count_pictures(root)
    if pictures:
        return (
            f"{root}: holds {pictures} pictures, but nothing says what they show. Sort them into one "
            "folder a class, or add a labels.csv with the columns file and label."
        )
    return (
        f"{root}: holds no class folders with pictures, no IDX files and no labels.csv. Name a folder that "
        "does, or a named set (`imagewise data list`)."
    )


def _notices(root: Path, folders: list[Path], found: _Found) -> list[str]:
    splits = folders if found.files and found.files[0].split else []
    notices = [
        f"left out {stray} pictures that lie in {folder} itself, in no class folder."
        for folder in (root, *splits)
        if (stray := _count_pictures(folder))
    ]
    if deeper := {label: count for label, count in found.deeper.items() if count}:
        some = ", ".join(f"{label!r} ({count:,})" for label, count in list(deeper.items())[:3])
        more = f" and {len(deeper) - 3} more" if len(deeper) > 3 else ""
        notices.append(f"took pictures from folders below the class folders, as of the class above: {some}{more}.")
    if found.other_kinds:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in sorted(found.other_kinds.items()))
        notices.append(f"left out files of kinds that are not read: {kinds}. Save them as PNG or JPEG.")
    notices += [f"left out {loop}: a link that leads back to a folder above it." for loop in found.loops]
    return notices


def _folders(folder: Path) -> list[Path]:
    """Those that may be classes: not hidden ones, nor what macOS leaves in archives."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if _is_folder(e) and not e.name.startswith(".") and e.name != "__MACOSX"]
    return [folder / name for name in sorted(names)]


def _count_pictures(folder: Path) -> int:
    """In the folder itself."""
    return sum(map(_is_picture, os.listdir(folder)))  # noqa: PTH208
