"""Folders whose tables say what the pictures show: one for all, or one in each split's folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import class_names_in
from imagewise.data.sources.tables.heads import (
    KINDS,
    LISTS,
    heads_in,
    labelled,
    labels_by_folder,
    names_classes,
    names_files,
    names_pictures,
)
from imagewise.data.sources.tables.load import files_of_table
from imagewise.data.sources.tables.pixels.pixel_column import load_pixel_column_folder
from imagewise.data.sources.tables.pixels.pixel_table import load_pixel_folder
from imagewise.data.sources.tables.places import (
    are_parts,
    class_folders,
    class_paths,
    folders_without_pictures,
    has_classes,
    left_out,
    picture_folders,
    pictures,
    pictures_in,
    subfolders,
)
from imagewise.data.sources.tables.roles import file_column, find_roles, has_roles
from imagewise.data.sources.tables.table import Table
from imagewise.data.splits import is_like_split, split_of_folder, split_of_name
from imagewise.errors import DataError
from imagewise.framing.file_kinds import is_shown

USUAL = ("labels.csv", "metadata.csv", "metadata.jsonl", "_classes.csv")  # these say what the pictures beside them show

_MAY_SAY = (".xlsx", ".xls", ".ods", ".mat", ".json", ".xml", ".sqlite", ".db", ".parquet", *KINDS, *LISTS)
_ABOUT = ("readme", "licen", "citation", "requirements", "dataset_info")
_SHOWN = 3  # files in a notice


@dataclass
class _Tables:
    """The tables of a folder: each with the split of its rows, and what to tell the user."""

    tables: list[tuple[Path, SplitName | None, str]] = field(default_factory=list)  # with the prefix of its names
    notices: list[str] = field(default_factory=list)
    base: Path | None = None  # what paths are relative to, for tables that are elsewhere than their pictures


def load_table_folder(folder: Path, how: Reading) -> Dataset | None:
    """The data set of a folder that a table describes; None if the folder has no such table.

    That is a folder with `labels.csv`, `metadata.csv` or `metadata.jsonl`; one whose split folders (`train/`, `valid/`,
    `test/`) hold one of these or Roboflow's `_classes.csv`; or one without class folders and with another table of
    files and labels, such as Kaggle's `train.csv` beside `train/`, or with one in a folder without pictures. Folders
    that are parts of a set (`images_part_1`) are no class folders where a table says more. Tables without labels, and
    folders of pictures that no table names, are left out, and said.

    Raises:
        DataError: as `load_table`; several tables of which nothing says which to take.
    """
    if not has_classes(folder):
        pixels = load_pixel_folder(folder, how) or load_pixel_column_folder(folder, how)
        if pixels is not None:
            return pixels
    found = _of_splits(folder, how.columns) or _of_root(folder, how.columns)
    if found is None:
        return None
    files: list[PictureFile] = []
    notices = found.notices
    for table, split, prefix in found.tables:
        some, told = files_of_table(table, how.columns, split, prefix, found.base)
        files += some
        notices += [notice for notice in told if notice not in notices]
    if not any(prefix for _, _, prefix in found.tables):
        notices += left_out(folder, (file.path for file in files), [table.name for table, _, _ in found.tables])
    return load_pictures(folder.resolve().name, files, how, notices)


def unused_tables(folder: Path, dataset: Dataset) -> list[str]:
    """What to tell about tables in a folder of class folders, which say nothing about single pictures, or something
    else than the folders; but for those that name classes which are numbers."""
    numbers = all(name.isdecimal() for name in dataset.class_names)
    told = [
        f"left {name} alone: it does not name the pictures and their labels."
        for name in USUAL
        if (folder / name).is_file() and not (numbers and names_classes(folder / name, None))
    ]
    for path in heads_in(folder, None):
        other = next((some for some in labels_by_folder(path, None, folder).values() if len(some) > 1), None)
        if other is not None:
            label, file = next(iter(other.items()))
            told.append(
                f"took the classes from the folders. {path.name} gives the pictures other labels, as {label!r} to "
                f"{file}. To use these, name the table: {shlex.quote(str(path))}"
            )
    if len(dataset.class_names) == 1 and (files := _that_may_say(folder)):
        more = f" and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else ""
        told.append(
            f"no file that is read says what the pictures show. If {', '.join(files[:_SHOWN])}{more} "
            f"{'does' if len(files) == 1 else 'do'}, write labels.csv into {folder}, with the columns file and label."
        )
    return told


def _that_may_say(folder: Path) -> list[str]:
    """Names of the files beside the pictures that may hold labels in a form that is not read."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _MAY_SAY and path.is_file())
    return [name for name in names if is_shown(name) and not name.lower().startswith(_ABOUT)]


def _of_splits(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """The tables of split folders; a split folder without one is left out if it has no class folders either."""
    found = _Tables()
    left = []
    for path in subfolders(folder):
        split = split_of_folder(path.name)
        if split is None:
            continue
        table = next((path / name for name in USUAL if (path / name).is_file()), None)
        if table is not None and labelled(table, columns):
            found.tables.append((table, split, f"{path.name}/"))
        elif class_folders(path):
            return None
        elif count := pictures_in(path):
            left.append(f"left out {path.name}/ ({pictures(count)}): it has no table of labels.")
    found.notices += left
    return found if found.tables else None


def _of_root(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    usual = [path for name in USUAL if (path := folder / name).is_file() and not names_classes(path, columns)]
    usual.sort(key=lambda path: not names_pictures(path, columns))
    classes = has_classes(folder)
    if usual and (not classes or names_pictures(usual[0], columns)):
        return _Tables([(usual[0], None, "")])
    if classes:
        return _of_unlabelled_splits(folder, columns) or _of_parts(folder, columns)
    heads = heads_in(folder, columns)
    if heads and not any(names_pictures(path, columns) for path in heads) and len(class_names_in(folder)) > 1:
        return None  # class folders further below, as in Kaggle's ImageNet
    found = _of_heads(folder, heads, columns) or _of_other_folders(folder, columns)
    if found is None:
        _refuse_unclear(heads, columns)
    return found


def _of_heads(
    folder: Path, heads: Mapping[Path, Table], columns: Mapping[str, str] | None, base: Path | None = None
) -> _Tables | None:
    """The tables with labels among those that begin so; None where there are none."""
    named = {path: head for path, head in heads.items() if has_roles(head, columns)}
    if not named:
        return None
    unlabelled = [path for path, head in heads.items() if path not in named and names_files(head)]
    notices = [f"left out {path.name}: it has no labels." for path in unlabelled]
    splits = {path: split_of_name(path.stem) for path in named}
    others = [path for path, split in splits.items() if split is None]
    if "train" in splits.values() and others:
        notices += [f"left out {path.name}: its name is that of no split." for path in others]
        splits = {path: split for path, split in splits.items() if split is not None}
    if len(splits) > 1 and (None in splits.values() or len(set(splits.values())) < len(splits)):
        names = [path.name for path in splits]
        raise DataError(
            f"{folder}: several tables name pictures and labels: {', '.join(names)}. Name one of them: "
            f"{next(iter(splits))}"
        )
    one = len(splits) == 1
    return _Tables([(path, None if one else split, "") for path, split in splits.items()], notices, base)


def _of_unlabelled_splits(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """The tables called like the splits, where class folders do not say it all: a split has none, as GTSRB's `Test/`,
    or other folders of pictures are beside the splits, as its `Meta/`."""
    if not any(split_of_folder(path.name) for path in subfolders(folder)):
        return None
    places = picture_folders(folder)
    splits = {path: split for path in places if (split := split_of_folder(path.name)) is not None}
    flat = {split for path, split in splits.items() if pictures_in(path) and not class_folders(path)}
    others = [path for path in places if not is_like_split(path.name)]
    tables = {
        split: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in KINDS
        and (split := split_of_name(path.stem)) is not None
        and names_pictures(path, columns)
    }
    wanted = set(splits.values()) if others and splits else flat
    if not wanted or not {"train", *wanted} <= tables.keys():
        return None
    return _Tables([(path, split, "") for split, path in tables.items()])


def _of_parts(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """A table about pictures in folders that are parts of the set rather than classes: in one of them are pictures of
    several labels, and their names differ in numbers or splits only."""
    heads = heads_in(folder, columns)
    for base, some in [(None, heads), *_in_other_folders(folder, columns)]:
        parts = {path: labels_by_folder(path, columns, folder) for path in some}
        tables = {path: some[path] for path, by_folder in parts.items() if _say_more(folder, by_folder)}
        if tables:
            return _of_heads(folder, tables, columns, base)
    return None


def _say_more(folder: Path, by_folder: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a table says more than the folders of its pictures, while no other folder is a class."""
    mixed = any(len(labels) > 1 for labels in by_folder.values())
    return mixed and are_parts(by_folder) and all(are_parts([path]) for path in class_paths(folder) - set(by_folder))


def _of_other_folders(folder: Path, columns: Mapping[str, str] | None) -> _Tables | None:
    """Tables in a folder that holds no pictures, as `ISIC2018_Task3_Training_GroundTruth/`, about those beside it."""
    for base, heads in _in_other_folders(folder, columns):
        some = {path: head for path, head in heads.items() if names_pictures(path, columns, base)}
        if found := _of_heads(folder, some, columns, base):
            return found
    return None


def _in_other_folders(folder: Path, columns: Mapping[str, str] | None) -> list[tuple[Path | None, dict[Path, Table]]]:
    return [(folder, heads_in(path, columns)) for path in folders_without_pictures(folder)]


def _refuse_unclear(heads: Mapping[Path, Table], columns: Mapping[str, str] | None) -> None:
    """Say what is wrong with the tables that name pictures, of several with the largest: nothing else says what they
    show."""
    naming = [head for head in heads.values() if file_column(head) is not None and names_files(head)]
    if naming:
        find_roles(max(naming, key=lambda head: len(head.columns)), columns)
