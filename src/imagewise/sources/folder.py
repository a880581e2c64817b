"""Class folders: `root/<class>/picture.png`, or `root/train/<class>/picture.png` with `validation` and
`test` beside."""

from __future__ import annotations

from pathlib import Path

from imagewise.dataset import Dataset, SplitName
from imagewise.errors import DataError
from imagewise.picture import PICTURE_SUFFIXES, Framing
from imagewise.sources.download import Progress
from imagewise.sources.pictures import PictureFile, load_pictures
from imagewise.sources.splits import SPLIT_NAMES


def load_class_folders(
    root: Path, framing: Framing | None, *, strict: bool = False, progress: Progress | None = None
) -> Dataset:
    """Pictures sorted into folders that are named like their classes.

    The folder counts as split where all its folders are called train, validation (val, valid) or test: a
    class may be called `train`, as long as another class is not called like a split. Hidden files and files
    that are no pictures by their suffix are left alone. A folder that holds nothing but one other folder of
    folders, as archives unpack to, is gone through; pictures are not looked for deeper than in the class folders.

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
    notices = _stray(root, folders)
    if all(folder.name.lower() in SPLIT_NAMES for folder in folders):
        files = [file for folder in folders for file in _split_folder(root, folder)]
    else:
        files = _class_folders(root, folders, None)
    return load_pictures(name, files, framing, strict=strict, notices=notices, progress=progress)


def _wraps(root: Path, only: Path) -> bool:
    """Whether `root` is but a wrapper around the folder `only`, which holds the class folders."""
    named_like_split = only.name.lower() in SPLIT_NAMES
    return (
        not named_like_split
        and not only.is_symlink()
        and not _pictures(root)
        and not _pictures(only)
        and bool(_folders(only))
    )


def _split_folder(root: Path, folder: Path) -> list[PictureFile]:
    classes = _folders(folder)
    if not classes:
        raise DataError(
            f"{folder}: holds no class folders. Sort its pictures into one folder a class, {folder.name}/<class>/."
        )
    return _class_folders(root, classes, SPLIT_NAMES[folder.name.lower()])


def _class_folders(root: Path, folders: list[Path], split: SplitName | None) -> list[PictureFile]:
    files = []
    for folder in folders:
        pictures = _pictures(folder)
        if not pictures:
            deeper = " It holds folders only; pictures belong directly into it." if _folders(folder) else ""
            raise DataError(
                f"{folder}: the folder of class {folder.name!r} holds no picture.{deeper} Put pictures into "
                "it, or remove it."
            )
        files += [PictureFile(p, p.relative_to(root).as_posix(), folder.name, split) for p in pictures]
    return files


def _no_class_folders(root: Path) -> str:
    pictures = _pictures(root)
    if pictures:
        return (
            f"{root}: holds {len(pictures)} pictures, but nothing says what they show. Sort them into one "
            "folder a class, or add a labels.csv with the columns file and label."
        )
    return (
        f"{root}: holds no class folders with pictures, no IDX files and no labels.csv. Name a folder that "
        "does, or a named set (`imagewise data list`)."
    )


def _stray(root: Path, folders: list[Path]) -> list[str]:
    """Tell of pictures that lie where no class is: leaving them out in silence would be worse than a line."""
    stray = len(_pictures(root))
    return [f"left out {stray} pictures that lie in {root} itself, in no class folder."] if stray else []


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    """Sorted by name; hidden files (`.DS_Store`, `._photo.jpg`) and other suffixes (`Thumbs.db`) are no
    pictures. A link that leads nowhere counts, so that it is listed as damaged."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not path.name.startswith(".")
        and (path.is_file() or path.is_symlink())
    )
