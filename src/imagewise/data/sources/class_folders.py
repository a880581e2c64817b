"""Class folders: `root/<class>/picture.png`, or `root/train/<class>/picture.png` with `validation` and
`test` beside."""

from __future__ import annotations

from pathlib import Path

from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.folders.flat import add_flat, no_class_folders
from imagewise.data.sources.folders.inner import is_place
from imagewise.data.sources.folders.layout import Layout, candidates, no_picture_of_class, pictures, without_pictures
from imagewise.data.sources.folders.listing import Kinds
from imagewise.data.sources.folders.other_tasks import refuse_other_tasks
from imagewise.data.sources.folders.split_folders import add_classes, add_splits
from imagewise.data.sources.folders.walking import Found
from imagewise.data.splits import is_filler, split_of_folder
from imagewise.errors import DataError
from imagewise.naming import same_letters


def load_class_folders(root: Path, how: Reading) -> Dataset:
    """Pictures sorted into folders that are named like their classes.

    Folders that are named like splits (`train`, `Testing`, `dev_set`) and hold class folders are splits; they never
    become classes, but for one `train` that holds pictures, beside folders of other names. A split without class
    folders is left out with a notice (Kaggle's `test`). A folder that holds nothing but one other folder of folders, as
    archives unpack to, is gone through. Pictures in folders below a class folder belong to that class, as long as one
    class folder holds pictures itself, or each has one folder called `images`: otherwise nothing says which folders are
    the classes. Where there are no class
    folders, names like `cat.0.jpg` say the classes. What imagewise wrote, what is hidden, and files that are no
    pictures by their suffix are left out, and notices say so.

    Raises:
        DataError: no class folder, an empty one, one that is named like a split, a class that train lacks; a set for
            another task, with boxes or masks; and as `load_pictures`.
    """
    kinds = Kinds()
    layout = _find_layout(root, kinds)
    found = Found(layout.root, kinds)
    for folder, label, split in layout.classes:
        if not found.add_class(folder, label, split):
            raise DataError(no_picture_of_class(folder))
    for folder, file, label, split in layout.files:
        found.add_file(folder, file, label, split)
    return load_pictures(root.resolve().name, found.files, how, [*layout.notices, *found.notices()])


def class_names_in(root: Path) -> set[str]:
    """The names of the class folders in a folder; none where it has no class folders."""
    try:
        return {label for _, label, _ in _find_layout(root, Kinds()).classes}
    except DataError:
        return set()


def holds_pictures(root: Path) -> bool:
    """Whether a folder below this one holds a picture file; the first that is found ends the search."""
    kinds = Kinds()
    return any(kinds.has_pictures_below(folder) for folder in candidates(root, kinds, []))


def _find_layout(root: Path, kinds: Kinds) -> Layout:
    layout = Layout(root)
    folders = candidates(root, kinds, layout.notices)
    refuse_other_tasks(root, kinds)
    while len(folders) == 1 and _wraps(root, folders[0], kinds):
        root = layout.root = folders[0]
        folders = candidates(root, kinds, layout.notices)
        refuse_other_tasks(root, kinds)
    if not folders:
        if add_flat(layout, root, kinds):
            return layout
        raise no_class_folders(root, kinds)
    if strays := len(kinds.pictures_in(root)):
        layout.notices.append(f"left out {pictures(strays)} in {root} itself, in no class folder.")
    if add_splits(layout, folders, kinds) or _add_split_classes(layout, folders, kinds):
        return layout
    holding = [folder for folder in folders if kinds.has_pictures_below(folder)]
    if len(holding) == 1 < len(folders) and is_place(holding[0]) and _wraps(root, holding[0], kinds):
        layout.notices += [without_pictures(folder) for folder in folders if folder not in holding]
        add_classes(layout, candidates(holding[0], kinds, layout.notices), None, kinds)
        return layout
    if len(folders) == 1 and is_filler(folders[0].name) and add_flat(layout, folders[0], kinds):
        return layout
    add_classes(layout, folders, None, kinds)
    return layout


def _add_split_classes(layout: Layout, folders: list[Path], kinds: Kinds) -> bool:
    """Take splits that are below the classes: `cat/train/1.jpg`. False where there are none."""
    found = []
    for folder in folders:
        inner = candidates(folder, kinds, [])
        splits = [(path, same_letters(folder.name), split_of_folder(path.name)) for path in inner]
        if not splits or any(split is None for _, _, split in splits) or any(kinds.names_in(folder)):
            return False
        found += splits
    layout.classes = [(path, label, split) for path, label, split in found if kinds.has_pictures_below(path)]
    return True


def _wraps(root: Path, only: Path, kinds: Kinds) -> bool:
    """Whether `root` is but a wrapper around the folder `only`, which holds the class folders."""
    return (
        split_of_folder(only.name) is None
        and not only.is_symlink()
        and not kinds.pictures_in(root)
        and not any(kinds.names_in(only))
        and bool(candidates(only, kinds, []))
    )
