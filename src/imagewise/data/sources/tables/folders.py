"""Folders whose tables say what the pictures show: one for all, or one in each split's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.tables.class_names import is_class_table
from imagewise.data.sources.tables.files import find_files
from imagewise.data.sources.tables.load import files_of_table
from imagewise.data.sources.tables.names import is_picture_name
from imagewise.data.sources.tables.pixels.pixel_column import load_pixel_column_folder
from imagewise.data.sources.tables.pixels.pixel_table import load_pixel_folder
from imagewise.data.sources.tables.roles import file_column, find_roles, has_roles
from imagewise.data.sources.tables.table import Table, head_of_table
from imagewise.data.sources.tables.text import HEAD
from imagewise.data.splits import is_filler, is_like_split, split_of_folder, split_of_name
from imagewise.errors import DataError

USUAL = ("labels.csv", "metadata.csv", "metadata.jsonl", "_classes.csv")  # these say what the pictures beside them show
_KINDS = (".csv", ".tsv", ".jsonl", ".ndjson")
_LOOKED_AT = 100  # rows whose files are looked for


@dataclass
class _Tables:
    """The tables of a folder: each with the split of its rows, and what to tell the user."""

    tables: list[tuple[Path, SplitName | None, str]] = field(default_factory=list)  # with the prefix of its names
    notices: list[str] = field(default_factory=list)


def load_table_folder(folder: Path, how: Reading) -> Dataset | None:
    """The data set of a folder that a table describes; None if the folder has no such table.

    That is a folder with `labels.csv`, `metadata.csv` or `metadata.jsonl`; one whose split folders (`train/`, `valid/`,
    `test/`) hold one of these or Roboflow's `_classes.csv`; or one without class folders and with another table of
    files and labels, such as Kaggle's `train.csv` beside `train/`. Tables without labels are left out, and said.

    Raises:
        DataError: as `load_table`; several tables of which nothing says which to take.
    """
    if not _has_classes(folder):
        pixels = load_pixel_folder(folder, how) or load_pixel_column_folder(folder, how)
        if pixels is not None:
            return pixels
    found = _of_splits(folder, how.columns) or _of_root(folder, how.columns)
    if found is None:
        return None
    files: list[PictureFile] = []
    notices = found.notices
    for table, split, prefix in found.tables:
        some, told = files_of_table(table, how.columns, split, prefix)
        files += some
        notices += [notice for notice in told if notice not in notices]
    return load_pictures(folder.resolve().name, files, how, notices)


def unused_tables(folder: Path, dataset: Dataset) -> list[str]:
    """What to tell about tables in a folder of class folders, which say nothing about single pictures; but for those
    that name classes which are numbers."""
    numbers = all(name.isdecimal() for name in dataset.class_names)
    return [
        f"left {name} alone: it does not name the pictures and their labels."
        for name in USUAL
        if (folder / name).is_file() and not (numbers and _names_classes(folder / name, None))
    ]


def _of_splits(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """The tables of split folders; a split folder without one is left out if it has no class folders either."""
    found = _Tables()
    left_out = []
    for path in _subfolders(folder):
        split = split_of_folder(path.name)
        if split is None:
            continue
        table = next((path / name for name in USUAL if (path / name).is_file()), None)
        if table is not None and _has_roles(table, columns):
            found.tables.append((table, split, f"{path.name}/"))
        elif _class_folders(path):
            return None
        elif pictures := _pictures_in(path):
            left_out.append(f"left out {path.name}/ ({_pictures(pictures)}): it has no table of labels.")
    found.notices += left_out
    return found if found.tables else None


def _of_root(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    usual = [path for name in USUAL if (path := folder / name).is_file() and not _names_classes(path, columns)]
    usual.sort(key=lambda path: not _names_pictures(path, columns))
    classes = _has_classes(folder)
    if usual and (not classes or _names_pictures(usual[0], columns)):
        return _Tables([(usual[0], None, "")])
    if classes:
        return _of_unlabelled_splits(folder, columns)
    heads = {
        path: head
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in _KINDS
        and path.is_file()
        and "submission" not in path.stem.lower()
        and (head := head_of_table(path, HEAD)) is not None
        and len(head)
        and not _names_classes(path, columns)
    }
    labelled = {path: head for path, head in heads.items() if has_roles(head, columns)}
    if not labelled:
        _refuse_unclear(heads, columns)
        return None
    unlabelled = [path for path, head in heads.items() if path not in labelled and _names_files(head)]
    notices = [f"left out {path.name}: it has no labels." for path in unlabelled]
    splits = {path: split_of_name(path.stem) for path in labelled}
    if len(labelled) > 1 and (None in splits.values() or len(set(splits.values())) < len(splits)):
        names = [path.name for path in labelled]
        raise DataError(
            f"{folder}: several tables name pictures and labels: {', '.join(names)}. Name one of them: "
            f"{folder / names[0]}"
        )
    return _Tables([(path, split if len(labelled) > 1 else None, "") for path, split in splits.items()], notices)


def _of_unlabelled_splits(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """The tables called like the splits, where a split has no class folders, as GTSRB's `Train.csv` and `Test.csv`."""
    splits = {path: split for path in _subfolders(folder) if (split := split_of_folder(path.name)) is not None}
    flat = {split for path, split in splits.items() if _pictures_in(path) and not _class_folders(path)}
    tables = {
        split: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in _KINDS
        and (split := split_of_name(path.stem)) is not None
        and _names_pictures(path, columns)
    }
    if not flat or not {"train", *flat} <= tables.keys():
        return None
    return _Tables([(path, split, "") for split, path in tables.items()])


def _refuse_unclear(heads: Mapping[Path, Table], columns: Mapping[str, str] | None) -> None:
    """Say what is wrong with the only table that names pictures: nothing else says what they show."""
    naming = [path for path, head in heads.items() if file_column(head) is not None and _names_files(head)]
    if len(naming) == 1:
        find_roles(heads[naming[0]], columns)


def _names_classes(path: Path, columns: Mapping[str, str] | None) -> bool:
    """Whether a table says how classes are called."""
    head = head_of_table(path, HEAD)
    sure = head is not None and is_class_table(head)
    return not _names_pictures(path, columns) if sure is None else sure


def _names_files(head: Table) -> bool:
    column = file_column(head)
    return column is not None and any(head.columns[column])


def _has_roles(path: Path, columns: Mapping[str, str] | None) -> bool:
    head = head_of_table(path, HEAD)
    return head is not None and has_roles(head, columns)


def _names_pictures(path: Path, columns: Mapping[str, str] | None) -> bool:
    """Whether the beginning of a table names pictures that are there, and their labels."""
    head = head_of_table(path, HEAD)
    if head is None or not has_roles(head, columns):
        return False
    roles = find_roles(head, columns)
    try:
        find_files(path, head.columns[roles.file][:_LOOKED_AT], head.columns[roles.labels[0]][:_LOOKED_AT])
    except DataError:
        return False
    return True


def _has_classes(folder: Path) -> bool:
    """Whether pictures are sorted into class folders, below split folders or not."""
    other = [path for path in _subfolders(folder) if is_like_split(path.name) or _says_nothing(path.name)]
    return any(map(_class_folders, other)) or len([path for path in _class_folders(folder) if path not in other]) > 1


def _says_nothing(name: str) -> bool:
    """Whether a folder is called `images` or the like; a number may be a class."""
    return is_filler(name) and any(map(str.isalpha, name))


def _class_folders(folder: Path) -> list[Path]:
    return [path for path in _subfolders(folder) if _pictures_in(path)]


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures_in(folder: Path) -> int:
    return sum(is_picture_name(path.name) and not path.name.startswith(".") for path in folder.iterdir())


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"
