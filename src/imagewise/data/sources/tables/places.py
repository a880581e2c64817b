"""Where the pictures of a folder lie that tables describe: in class folders, in parts of one set, or beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagewise.data.sources.folders.listing import Kinds, is_meant, is_own_folder
from imagewise.data.sources.tables.names import is_picture_name
from imagewise.data.splits import is_filler, is_like_split, split_words_out

_PARTS = re.compile(r"parts?|batch(es)?|chunks?|shards?|folds?|subsets?|inputs?|chips?")


def has_classes(folder: Path) -> bool:
    """Whether pictures are sorted into class folders, below split folders or not."""
    other = [path for path in subfolders(folder) if is_like_split(path.name) or _says_nothing(path.name)]
    return any(map(class_folders, other)) or len([path for path in class_folders(folder) if path not in other]) > 1


def class_folders(folder: Path) -> list[Path]:
    """The folders in a folder that hold pictures themselves."""
    return [path for path in subfolders(folder) if pictures_in(path)]


def class_paths(folder: Path) -> set[str]:
    """The paths of the folders that hold pictures, in the folder or one level below."""
    inner = [path for top in subfolders(folder) for path in (top, *subfolders(top))]
    return {path.relative_to(folder).as_posix() for path in inner if pictures_in(path)}


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden, in order."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def pictures_in(folder: Path) -> int:
    """The number of pictures in the folder itself."""
    return sum(is_picture_name(path.name) and not path.name.startswith(".") for path in folder.iterdir())


def are_parts(folders: Iterable[str]) -> bool:
    """Whether folders are parts of one set rather than classes, by their names: `images_part_1` and `images_part_2`,
    `cars_train` and `cars_test`. Not `1` and `2`, nor `class_1` and `class_2`.

    Args:
        folders: paths relative to the set's.
    """
    left = set()
    for folder in folders:
        if any(not any(map(str.isalpha, name)) for name in folder.split("/")):
            return False  # a number is a class
        words = split_words_out(folder)
        rest = tuple(word for word in words.others if not _PARTS.fullmatch(word))
        if len(rest) == len(words.all):
            return False
        left.add(rest)
    return len(left) == 1


def picture_folders(folder: Path) -> list[Path]:
    """The folders in a folder that hold pictures, at any depth, but for those that imagewise wrote."""
    kinds = Kinds()
    return [
        path
        for path in filter(is_meant, subfolders(folder))
        if kinds.has_pictures_below(path) and not is_own_folder(path, kinds)
    ]


def folders_without_pictures(folder: Path) -> list[Path]:
    """The folders in a folder that hold no pictures, as those of tables alone."""
    kinds = Kinds()
    return [path for path in filter(is_meant, subfolders(folder)) if not kinds.has_pictures_below(path)]


def left_out(folder: Path, named: Iterable[str], tables: Sequence[str]) -> list[str]:
    """Notices about the folders of pictures that no table names, with the number of pictures.

    Args:
        named: paths of the pictures that the tables name.
        tables: their names.
    """
    base = f"{folder}/"
    used = {path.removeprefix(base).partition("/")[0] for path in named if path.startswith(base)}
    kinds = Kinds()
    who = f"{' and '.join(tables)} {'names' if len(tables) == 1 else 'name'} none of them"
    return [
        f"left out {path.name}/ ({pictures(sum(1 for _ in kinds.below(path)))}): {who}."
        for path in picture_folders(folder)
        if path.name not in used
    ]


def pictures(count: int) -> str:
    """`1 picture`, `1,437 pictures`."""
    return "1 picture" if count == 1 else f"{count:,} pictures"


def _says_nothing(name: str) -> bool:
    """Whether a folder is called `images` or the like; a number may be a class."""
    return is_filler(name) and any(map(str.isalpha, name))
