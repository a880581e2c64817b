"""The data set at a path: which reader takes a file or a folder, by its name and by what it holds."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from imagewise.data.catalog import named_sets
from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources import cifar
from imagewise.data.sources.archives import OTHER_SUFFIXES, archive_stem, holds_samples, unpack
from imagewise.data.sources.archives import SUFFIXES as ARCHIVES
from imagewise.data.sources.arrays import load_arrays
from imagewise.data.sources.class_folders import holds_pictures, load_class_folders
from imagewise.data.sources.idx import idx_set_of, idx_sets, load_idx_folder
from imagewise.data.sources.npy import load_npy_folder
from imagewise.data.sources.quick_draw.drawings import is_drawings, load_drawings, load_drawings_folder
from imagewise.data.sources.tables.class_names import name_classes
from imagewise.data.sources.tables.folders import load_table_folder, unused_tables
from imagewise.data.sources.tables.heads import LISTS, head_of
from imagewise.data.sources.tables.load import load_table
from imagewise.data.sources.tables.names import is_picture_name
from imagewise.data.sources.tables.packed import load_parquet_folder
from imagewise.data.sources.tables.table import SUFFIXES
from imagewise.data.sources.unreadable import refuse_unreadable, refuse_unreadable_folder
from imagewise.data.sources.webdataset import load_webdataset
from imagewise.data.splits import is_like_split
from imagewise.errors import DataError
from imagewise.framing.file_kinds import is_shown

DATA_SUFFIXES = (".npz", *SUFFIXES, *ARCHIVES)


def load_path(path: Path, how: Reading) -> Dataset:
    """The data set in a file or folder that exists.

    Raises:
        DataError: it is of a kind that is not read, and as the reader of its kind.
        OSError: it may not be read.
    """
    if path.is_dir():
        return name_classes(_load_folder(path, path.resolve().name, how), path.resolve().parent, exact=True)
    return name_classes(_load_file(path, how), path.parent, exact=True)


def _load_file(path: Path, how: Reading) -> Dataset:
    suffix = path.suffix.lower()
    if (prefix := idx_set_of(path.name)) is not None:
        return _load_idx(path.parent, prefix.rstrip("-_.") or path.resolve().parent.name, prefix, how)
    if path.name == cifar.ARCHIVE:
        return _load_cifar(path.parent, path.name.removesuffix(".tar.gz"), how)
    if is_drawings(path):
        return load_drawings([path], path.stem, how)
    if suffix in SUFFIXES or (suffix in LISTS and head_of(path) is not None):
        return load_table(path, how)
    if suffix == ".tar" and holds_samples(path):
        how.refuse_columns(path)
        return load_webdataset([path], path.stem, how)
    if (name := archive_stem(path)) is not None:
        return _load_archive(path, name, how)
    if suffix == ".npz":
        how.refuse_columns(path)
        how.refuse_groups(path)
        return load_arrays(path, how.framing, how.grouping.near_copies)
    refuse_unreadable(path)
    if suffix in OTHER_SUFFIXES:
        raise DataError(f"{path}: a packed file. Unpack it, and name the folder that comes out of it.")
    raise DataError(
        f"{path}: not a kind of data that imagewise reads. Name a folder (class folders, IDX, .npy, "
        f"Parquet or tar files), or a file that ends with {', '.join(DATA_SUFFIXES[:-1])} or {DATA_SUFFIXES[-1]}."
    )


def _load_folder(folder: Path, name: str, how: Reading) -> Dataset:
    """The data set in a folder, its classes named by a table in it if they are numbers."""
    return name_classes(_read_folder(folder, name, how), folder)


def _read_folder(folder: Path, name: str, how: Reading) -> Dataset:
    if sets := idx_sets(folder):
        return _load_idx(folder, name, _only_set(folder, sets), how)
    if cifar.locate(folder) is not None:
        return _load_cifar(folder, name, how)
    refuse_unreadable_folder(folder)
    if (inner := _wrapped(folder)) is not None:
        return replace(_load_folder(inner, name, how), name=name)
    if (arrays := load_npy_folder(folder, name, how)) is not None:
        return arrays
    if (drawings := load_drawings_folder(folder, name, how)) is not None:
        return drawings
    if (table := load_table_folder(folder, how)) is not None:
        return table
    if not holds_pictures(folder):
        if tars := sorted(folder.glob("*.tar")):
            how.refuse_columns(folder)
            return load_webdataset(tars, name, how)
        if (packed := load_parquet_folder(folder, how)) is not None:
            return packed
        for path in sorted(path for path in folder.iterdir() if path.is_file() and is_shown(path.name)):
            refuse_unreadable(path)
    how.refuse_columns(folder)
    data = load_class_folders(folder, how)
    return data.with_notices(*unused_tables(folder, data))


def _wrapped(folder: Path) -> Path | None:
    """The folder that alone is in a folder, as archives unpack to, if there is more in it than class folders: files of
    other kinds than pictures; None for another."""
    inside = [path for path in folder.iterdir() if is_shown(path.name) and path.name != "__MACOSX"]
    only = inside[0] if len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink() else None
    if only is None or is_like_split(only.name):
        return None
    files = [path for path in only.iterdir() if is_shown(path.name) and path.is_file()]
    return only if files and not any(is_picture_name(path.name) for path in files) else None


def _only_set(folder: Path, prefixes: list[str]) -> str:
    """The set to read of a folder of IDX files. Raises DataError where there are several and none is MNIST's name."""
    if "" in prefixes or len(prefixes) == 1:
        return "" if "" in prefixes else prefixes[0]
    files = sorted(path.name for path in folder.iterdir() if (idx_set_of(path.name) or "") in prefixes)
    train = [name for name in files if "train" in name and "images" in name] or files
    raise DataError(
        f"{folder}: holds {len(prefixes)} sets of IDX files: {', '.join(p.rstrip('-_.') for p in prefixes)}. Name a "
        f"file of the one that you want: {folder / train[0]}"
    )


def _load_idx(folder: Path, name: str, prefix: str, how: Reading) -> Dataset:
    how.refuse_columns(folder)
    how.refuse_groups(folder)
    return load_idx_folder(name, folder, how.framing, prefix=prefix, near_copies=how.grouping.near_copies)


def _load_cifar(folder: Path, name: str, how: Reading) -> Dataset:
    how.refuse_columns(folder)
    how.refuse_groups(folder)
    entry = named_sets()["cifar10"]
    data = cifar.load_cifar(entry, folder, how.framing)
    return replace(data, name=name, licence=entry.licence, attribution=entry.citation)


def _load_archive(path: Path, name: str, how: Reading) -> Dataset:
    """The set in a packed file, called as the file is."""
    folder = unpack(path, how.progress)
    inside = list(folder.iterdir())
    only = inside[0] if len(inside) == 1 and inside[0].is_file() else folder
    if only.is_file() and archive_stem(only) is not None:
        raise DataError(f"{path}: holds another packed file, {only.name}. Unpack it, and name the folder.")
    try:
        dataset = load_path(only, how)
    except DataError as error:  # people know the archive, not where it was unpacked
        _, _, reason = str(error).partition(": ")
        first = f" Unpack {path.name} first." if f"{folder}{os.sep}" in reason else ""  # a path in it cannot be named
        raise DataError(str(error).replace(str(folder), str(path)).replace(folder.name, name) + first) from error
    told = tuple(notice.replace(str(folder), str(path)).replace(folder.name, name) for notice in dataset.notices)
    return replace(dataset, name=name, notices=told)
