"""Class folders whose pictures are in a folder in them: `n01440764/images`, `COVID/images` beside `COVID/masks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from imagewise.data.sources.folders.listing import Kinds, is_meant, subfolders
from imagewise.data.sources.folders.other_tasks import differ_in_words, is_mask_folder
from imagewise.data.splits import is_filler, is_like_split

_NAMED = 3  # folders in a notice


def inner_places(classes: Sequence[Path], kinds: Kinds) -> Mapping[Path, Path]:
    """The folder that holds the pictures of each class folder; nothing if these hold them themselves.

    Each class folder must have one folder called `images` or the like. Only folders of masks may be beside it, of
    classes whose names differ in more than numbers.
    """
    places: dict[Path, Path] = {}
    masked = False
    for folder in classes:
        inner = _picture_folders(folder, kinds)
        named = [path for path in inner if is_place(path) and any(kinds.names_in(path))]
        others = [path for path in inner if path not in named]
        if len(named) != 1 or any(kinds.names_in(folder)) or not all(is_mask_folder(path.name) for path in others):
            return {}
        places[folder] = named[0]
        masked = masked or bool(others)
    splits = any(is_like_split(folder.name) for folder in classes)
    return {} if splits or (masked and not differ_in_words(classes)) else places


def second_copies(classes: Sequence[Path], kinds: Kinds) -> list[Path]:
    """The folders that hold all class folders once more and are no class: `cell_images/` beside its own classes."""
    holding = [folder for folder in classes if any(kinds.names_in(folder))]
    names = {folder.name for folder in holding}
    others = [folder for folder in classes if folder not in holding]
    return [folder for folder in others if len(names) > 1 and names <= {path.name for path in subfolders(folder)}]


def masks_beside(places: Mapping[Path, Path], kinds: Kinds) -> list[str]:
    """The notice about folders of masks, with the number of their pictures; nothing where there are none."""
    masks = [path for folder, place in places.items() for path in _picture_folders(folder, kinds) if path != place]
    if not masks:
        return []
    count = sum(1 for path in masks for _ in kinds.below(path))
    names = ", ".join(f"{path.parent.name}/{path.name}" for path in masks[:_NAMED])
    more = f" and {len(masks) - _NAMED} more" if len(masks) > _NAMED else ""
    return [f"left out {count:,} mask{'' if count == 1 else 's'} in {names}{more}."]


def _picture_folders(folder: Path, kinds: Kinds) -> list[Path]:
    return [path for path in filter(is_meant, subfolders(folder)) if kinds.has_pictures_below(path)]


def is_place(folder: Path) -> bool:
    """Whether a folder is called `images` or the like; a number may be a class."""
    return is_filler(folder.name) and any(map(str.isalpha, folder.name))
