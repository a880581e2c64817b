"""Folders that are named like splits: `train/<class>`, `Testing/<class>`, `seg_train/seg_train/<class>`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imagewise.data.dataset import SPLITS, SplitName
from imagewise.data.sources.folders.flat import add_flat_splits, unlabelled
from imagewise.data.sources.folders.inner import inner_places, masks_beside, second_copies
from imagewise.data.sources.folders.layout import (
    Layout,
    candidates,
    pictures,
    quoted,
    require_pictures,
    without_pictures,
)
from imagewise.data.sources.folders.listing import Kinds, subfolders
from imagewise.data.splits import is_filler, is_like_split, split_of_folder, splits_of_siblings
from imagewise.errors import DataError
from imagewise.naming import same_letters

_USUAL = (*SPLITS, "training", "valid", "val")  # names that leave no doubt, so that no notice is due
_ALSO_CLASSES = ("train", "training", "valid")  # of the splits' names those that name things in pictures, too


def add_splits(layout: Layout, folders: list[Path], kinds: Kinds) -> bool:
    """Take folders that are splits into a layout. False where the folders are classes, one of which may be `train`.

    Raises:
        DataError: folders are named like splits, but nothing says what their pictures show; or others are beside them.
    """
    named = _named_splits(folders, kinds)
    like = list(named)
    others = [folder for folder in folders if folder not in like]
    if not like:
        return False
    inner = {folder: _go_through(folder, kinds) for folder in like}
    ordinary = any(kinds.has_pictures_below(folder) for folder in others)
    holding = [f for f in like if _holds_classes(inner[f], kinds) and not (ordinary and any(kinds.names_in(f)))]
    if holding:
        _add_holding(layout, named, others, holding, inner, kinds)
        return True
    if len(others) == 1 and _is_place_of_classes(others[0], kinds):
        for folder, split in named.items():
            _leave_out(layout, folder, split, kinds)
        _add_inner_classes(layout, _go_through(others[0], kinds), None, kinds)
        return True
    if not ordinary and add_flat_splits(layout, [(f, inner[f], split) for f, split in named.items()], kinds):
        layout.notices += map(without_pictures, others)
        return True
    refuse_splits(layout.root, folders)
    return False


def add_classes(layout: Layout, classes: list[Path], split: SplitName | None, kinds: Kinds) -> None:
    """Take class folders into a layout. Raises DataError as `require_pictures`."""
    for folder in second_copies(classes, kinds):
        count = sum(1 for _ in kinds.below(folder))
        layout.notices.append(
            f"left out {folder.name!r} ({pictures(count)}): it holds folders called like the classes."
        )
        classes = [path for path in classes if path != folder]
    places = inner_places(classes, kinds)
    layout.notices += masks_beside(places, kinds)
    require_pictures(list(places.values()) or classes, kinds)
    layout.classes += [(places.get(path, path), same_letters(path.name), split) for path in classes]


def refuse_splits(parent: Path, folders: list[Path]) -> None:
    """Raise DataError where one of the folders in `parent`, which would be classes, is named like a split."""
    like = [folder for folder in folders if is_like_split(folder.name)]
    if not like or _is_class_called_train(folders, like):
        return
    if folders == like[:1]:
        raise DataError(_no_classes(like[0]))
    is_one = len(like) == 1
    raise DataError(
        f"{parent}: {_are(like)} named like {'a split' if is_one else 'splits'}, not like "
        f"{'a class' if is_one else 'classes'}. Move {'it' if is_one else 'them'} elsewhere, or sort the pictures of "
        f"each split into one folder a class, as in {like[-1].name}/<class>/. If a folder is a class all the same, "
        "give it another name."
    )


def _add_holding(
    layout: Layout,
    named: Mapping[Path, SplitName | None],
    others: list[Path],
    holding: list[Path],
    inner: dict[Path, Path],
    kinds: Kinds,
) -> None:
    """Take split folders that hold class folders; say what is left out beside them."""
    splits = {folder: named[folder] for folder in holding}
    strange = [folder for folder in others if kinds.has_pictures_below(folder)]
    again = [folder for folder in strange if {path.name for path in holding} <= {p.name for p in subfolders(folder)}]
    for folder in again:  # as the second chest_xray/ in Kaggle's
        count = sum(1 for _ in kinds.below(folder))
        layout.notices.append(f"left out {folder.name!r} ({pictures(count)}): it holds folders called like the splits.")
    others = [folder for folder in others if folder not in again]
    strange = [folder for folder in strange if folder not in again]
    if strange:
        train = next((folder for folder in holding if splits[folder] == "train"), holding[0])
        hold = f"hold{'s' if len(holding) == 1 else ''} class folders"
        raise DataError(
            f"{layout.root}: {_are(holding)} named like {'a split' if len(holding) == 1 else 'splits'} and {hold}, "
            f"but {_are(strange)} neither a class nor a split with class folders. Move {quoted(strange)} "
            f"elsewhere, or name the folder of one split: {train}"
        )
    layout.notices += map(without_pictures, others)
    for folder, split in named.items():
        if folder not in holding:
            _leave_out(layout, folder, split, kinds)
    taken: list[tuple[Path, SplitName]] = []
    for folder in holding:
        split = splits[folder]
        if split is None:
            layout.notices.append(f"left out {folder.name!r}: its name is not that of train, validation or test.")
            continue
        taken.append((folder, split))
        _add_inner_classes(layout, inner[folder], split, kinds)
    if not taken:
        raise DataError(
            f"{layout.root}: {_are(holding)} named like splits and hold class folders. Rename them to train, "
            "validation and test."
        )
    unusual = [f"{folder.name!r} as {split}" for folder, split in taken if folder.name.lower() not in _USUAL]
    if unusual:
        layout.notices.append(f"took {', '.join(unusual)}.")


def _named_splits(folders: list[Path], kinds: Kinds) -> dict[Path, SplitName | None]:
    """The folders that are named like splits, with their splits; without the words that all of them share if none is
    otherwise, and train's holds class folders: `asl_alphabet_train`, `asl_alphabet_test`."""
    named = {folder: split_of_folder(folder.name) for folder in folders if is_like_split(folder.name)}
    if named:
        return named
    holding = [folder for folder in folders if kinds.has_pictures_below(folder)]
    splits = splits_of_siblings([folder.name for folder in holding])
    found = {folder: splits.get(folder.name) for folder in holding if splits}
    train = next((folder for folder, split in found.items() if split == "train"), None)
    return found if train is not None and _holds_classes(_go_through(train, kinds), kinds) else {}


def _is_place_of_classes(folder: Path, kinds: Kinds) -> bool:
    """Whether a folder next to splits is called `data` or the like and holds the class folders: a number is a class."""
    named = is_filler(folder.name) and any(map(str.isalpha, folder.name))
    return named and not any(kinds.names_in(folder)) and _holds_classes(_go_through(folder, kinds), kinds)


def _add_inner_classes(layout: Layout, folder: Path, split: SplitName | None, kinds: Kinds) -> None:
    classes = candidates(folder, kinds, layout.notices)
    refuse_splits(folder, classes)
    add_classes(layout, classes, split, kinds)
    if strays := len(kinds.pictures_in(folder)):
        layout.notices.append(f"left out {pictures(strays)} in {folder} itself, in no class folder.")


def _leave_out(layout: Layout, folder: Path, split: SplitName | None, kinds: Kinds) -> None:
    """A split folder without class folders, beside others that have them. Raises DataError where it is train."""
    if split == "train" and kinds.has_pictures_below(folder):
        raise DataError(_no_classes(folder))
    known = kinds.has_pictures_below(folder)
    layout.notices.append(unlabelled(folder, kinds) if known else without_pictures(folder))


def _no_classes(split: Path) -> str:
    return f"{split}: holds no class folders. Sort its pictures into one folder a class, {split.name}/<class>/."


def _go_through(folder: Path, kinds: Kinds) -> Path:
    """The folder itself, or the one that alone is in it, if that is named like a split or says nothing: of
    `seg_train/seg_train/<class>` and `train/images/<class>` the inner one."""
    while not any(kinds.names_in(folder)):
        inside = [path for path in candidates(folder, kinds, []) if kinds.has_pictures_below(path)]
        if len(inside) != 1 or not (
            inside[0].name == folder.name or is_like_split(inside[0].name) or is_filler(inside[0].name)
        ):
            break
        folder = inside[0]
    return folder


def _holds_classes(folder: Path, kinds: Kinds) -> bool:
    return any(kinds.has_pictures_below(path) for path in candidates(folder, kinds, []))


def _is_class_called_train(folders: list[Path], like: list[Path]) -> bool:
    """Whether the only folder that is named like a split is a class, as beside `bus` and `car`."""
    ordinary = any(not is_filler(folder.name) for folder in folders if folder not in like)
    return ordinary and len(like) == 1 and like[0].name.lower() in _ALSO_CLASSES


def _are(folders: list[Path]) -> str:
    return f"{quoted(folders)} {'is' if len(folders) == 1 else 'are'}"
