"""Pictures that are in no class folders: taken by the names of the files, where these say the classes."""

from __future__ import annotations

from pathlib import Path

from imagewise.data.dataset import SplitName
from imagewise.data.sources.folders.file_names import labels_of
from imagewise.data.sources.folders.layout import Layout, pictures
from imagewise.data.sources.folders.listing import Kinds
from imagewise.errors import DataError

_NAMED = 5  # classes in a notice


def add_flat(layout: Layout, folder: Path, kinds: Kinds) -> bool:
    """Take the pictures in a folder into a layout, classes by the names of files. False where the names say none."""
    return bool(_add(layout, folder, None, kinds))


def add_flat_splits(layout: Layout, folders: list[tuple[Path, Path, SplitName | None]], kinds: Kinds) -> bool:
    """Take the pictures of split folders without class folders: `train/cat.0.jpg`.

    Folders (as named, with the pictures, split) whose files are called otherwise are left out with a notice
    (`test1/1.jpg`), but train. False where the names of train's files say no classes.
    """
    known: set[str] = set()
    for _, folder, split in folders:
        if split == "train":
            labels = _add(layout, folder, split, kinds)
            if not labels:
                return False
            known |= labels
    if not known:
        return False
    for named, folder, split in folders:
        if split == "train":
            continue
        labels = set(labels_of(kinds.pictures_in(folder)) or ()) if split else set()
        if labels and labels <= known:
            _add(layout, folder, split, kinds)
        else:
            layout.notices.append(unlabelled(named, kinds))
    return True


def unlabelled(folder: Path, kinds: Kinds) -> str:
    """The notice about a split folder whose pictures have no labels."""
    count = sum(1 for _ in kinds.below(folder))
    return f"left out {folder.name!r}: {pictures(count)} in no class folders, so nothing says what they show."


def no_class_folders(root: Path, kinds: Kinds) -> DataError:
    """The error about a folder that holds no class folders."""
    if count := len(kinds.pictures_in(root)):
        return DataError(
            f"{root}: holds {pictures(count)}, but nothing says what they show. Sort them into one "
            "folder a class, name the files like cat.1.jpg, or add a labels.csv with the columns file and label."
        )
    return DataError(
        f"{root}: holds no class folders with pictures, no IDX files and no labels.csv. Name a folder that "
        "does, or a named set (`imagewise data list`)."
    )


def _add(layout: Layout, folder: Path, split: SplitName | None, kinds: Kinds) -> set[str]:
    names = kinds.pictures_in(folder)
    labels = labels_of(names)
    if labels is None:
        return set()
    layout.files += [(folder, name, label, split) for name, label in zip(names, labels, strict=True)]
    found = sorted(set(labels))
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    if split in (None, "train"):
        layout.notices.append(
            f"took the classes from the names of the files, as {labels[0]!r} from {names[0]}: "
            f"{', '.join(found[:_NAMED])}{more}."
        )
    return set(found)
