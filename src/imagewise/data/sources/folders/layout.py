"""Which folders are classes, and of which split: decided by names and by what they hold, before any picture is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.data.dataset import SplitName
from imagewise.data.sources.folders.listing import (
    Kinds,
    files_below,
    hidden_with_pictures,
    is_meant,
    is_own_folder,
    subfolders,
)
from imagewise.errors import DataError
from imagewise.framing.file_kinds import holds_content, list_kinds, remedy_for


@dataclass
class Layout:
    """What is to be read of a folder.

    Attributes:
        root: what the names of pictures are relative to.
        classes: (folder, class, split): all pictures below the folder are of the class.
        files: (folder, file, class, split): single pictures, whose names say their classes.
        notices: what was decided or left out, for the user.
    """

    root: Path
    classes: list[tuple[Path, str, SplitName | None]] = field(default_factory=list)
    files: list[tuple[Path, str, str, SplitName | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def candidates(folder: Path, kinds: Kinds, notices: list[str]) -> list[Path]:
    """The folders in a folder that may be classes or splits, in order of their names. Told in notices: what imagewise
    wrote itself, what is hidden though it holds pictures, what holds files of no kind that shows anything."""
    left, own, others = [], [], []
    for path in filter(is_meant, subfolders(folder)):
        if is_own_folder(path, kinds):
            own.append(path)
        elif not kinds.has_pictures_below(path) and _holds_other_things(path):
            others.append(path)
        else:
            left.append(path)
    if own:
        notices.append(f"left out {quoted(own)}: imagewise wrote {'it' if len(own) == 1 else 'them'}.")
    if hidden := hidden_with_pictures(folder, kinds):
        notices.append(
            f"left out {quoted(hidden)}: a folder whose name begins with a dot is hidden. Rename it if it is a class."
        )
    notices += map(without_pictures, others)
    return left


def without_pictures(folder: Path) -> str:
    """The notice about a folder that is left out since it holds no picture."""
    counts = Counter(files_below(folder))
    return f"left out {folder.name!r}: it holds no picture" + (f" ({list_kinds(counts)})." if counts else ".")


def require_pictures(folders: list[Path], kinds: Kinds) -> None:
    """Raise DataError for a class folder without a picture, or where nothing says which folders are the classes."""
    for folder in folders:
        if not kinds.has_pictures_below(folder):
            raise DataError(no_picture_of_class(folder))
    if not any(any(kinds.names_in(folder)) for folder in folders):
        names = ", ".join(folder.name for folder in folders[:3])
        holding = (folder for folder in folders if any(any(kinds.names_in(path)) for path in subfolders(folder)))
        such = f", such as {first}," if (first := next(holding, None)) is not None else ""
        raise DataError(
            f"{folders[0].parent}: its folders ({names}{', ...' if len(folders) > 3 else ''}) hold folders only, so "
            f"nothing says which are the classes. Name the folder whose folders are the classes{such} or put "
            "the pictures directly into them."
        )


def no_picture_of_class(folder: Path) -> str:
    """The message about an empty class folder, with the kinds of files that it holds instead."""
    counts = Counter(files_below(folder))
    found = f" It holds {list_kinds(counts)}, which cannot be read. {remedy_for(counts)}".rstrip() if counts else ""
    return f"{folder}: the folder of class {folder.name!r} holds no picture.{found} Put pictures into it, or remove it."


def quoted(folders: list[Path]) -> str:
    """`'a', 'b' and 'c'`: at most four names."""
    names = [repr(folder.name) for folder in folders[:4]] + (["others"] if len(folders) > 4 else [])
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def pictures(count: int) -> str:
    """`1 picture`, `1,437 pictures`."""
    return "1 picture" if count == 1 else f"{count:,} pictures"


def _holds_other_things(folder: Path) -> bool:
    """Whether there are files in or below a folder, and none of a kind that shows something."""
    kinds = set(files_below(folder))
    return bool(kinds) and not any(map(holds_content, kinds))
