"""The beginnings of the tables in a folder: which of them name pictures, classes, or something else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from imagewise.data.sources.tables.class_names import is_class_table
from imagewise.data.sources.tables.files import find_files
from imagewise.data.sources.tables.names import is_picture_name
from imagewise.data.sources.tables.packed import holds_pictures
from imagewise.data.sources.tables.roles import file_column, find_roles, has_roles
from imagewise.data.sources.tables.table import Table, head_of_table, read_table
from imagewise.data.sources.tables.text import HEAD
from imagewise.errors import DataError

KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
LISTS = (".txt", ".lst")  # tables where they name pictures and hold nothing else
_OTHERS = ("submission", "partition")  # in names of tables that are to be handed in, and of CelebA's splits
_MOST_LISTS = 100  # in a folder; more are about single pictures
_FEWEST = 3  # rows whose labels all differ, so that they are no classes
_ON = ("1", "1.0", "True", "true")
_LOOKED_AT = 100  # rows whose files are looked for
_MOST_BYTES = 1 << 26  # of a table that is read only to see whether it says more than the class folders


def heads_in(folder: Path, columns: Mapping[str, str] | None) -> dict[Path, Table]:
    """The beginnings of the tables in a folder, in order, but for those that name classes or are to be handed in."""
    paths = sorted(folder.iterdir())
    lists = [path for path in paths if path.suffix.lower() in LISTS]
    return {
        path: head
        for path in paths
        if (path.suffix.lower() in KINDS or (path in lists and len(lists) <= _MOST_LISTS))
        and path.is_file()
        and not any(word in path.stem.lower() for word in _OTHERS)
        and (head := head_of(path)) is not None
        and len(head)
        and not names_classes(path, columns)
    }


def head_of(path: Path) -> Table | None:
    """The beginning of a table; None where it makes no table, as most texts do."""
    try:
        if path.suffix.lower() == ".parquet" and holds_pictures(path):
            return None
    except DataError:  # no pyarrow, or a damaged file
        return None
    head = head_of_table(path, HEAD)
    if head is None or path.suffix.lower() not in LISTS:
        return head
    return head if _is_list(head) else None


def labelled(path: Path, columns: Mapping[str, str] | None) -> bool:
    """Whether a table names pictures and their labels, whether or not they are there."""
    head = head_of(path)
    return head is not None and has_roles(head, columns)


def names_files(head: Table) -> bool:
    """Whether a table names files, with labels or without."""
    column = file_column(head)
    return column is not None and any(head.columns[column])


def names_classes(path: Path, columns: Mapping[str, str] | None) -> bool:
    """Whether a table says how classes are called."""
    head = head_of(path)
    sure = head is not None and is_class_table(head)
    return not names_pictures(path, columns) if sure is None else sure


def names_pictures(path: Path, columns: Mapping[str, str] | None, base: Path | None = None) -> bool:
    """Whether the beginning of a table names pictures that are there, and their labels."""
    head = head_of(path)
    if head is None or not has_roles(head, columns):
        return False
    roles = find_roles(head, columns)
    try:
        find_files(path, head.columns[roles.file][:_LOOKED_AT], head.columns[roles.labels[0]][:_LOOKED_AT], base)
    except DataError:
        return False
    return True


def labels_by_folder(path: Path, columns: Mapping[str, str] | None, base: Path) -> dict[str, dict[str, str]]:
    """For each folder of the pictures that a table names, a picture of each label; of some rows from all over the
    table. Empty where it names none that are there."""
    if not names_pictures(path, columns, base) or path.stat().st_size > _MOST_BYTES:
        return {}
    try:
        table = read_table(path)
        roles = find_roles(table, columns)
        rows = range(0, len(table), max(1, len(table) // _LOOKED_AT))
        texts = [table.columns[roles.file][row] for row in rows]
        labels = [next((n for n in roles.labels if table.columns[n][row] in _ON), "") for row in rows]
        if len(roles.labels) == 1:
            labels = [table.columns[roles.labels[0]][row] for row in rows]
        found, _ = find_files(path, texts, labels, base)
    except DataError:
        return {}
    if len(set(labels)) == len(labels) >= _FEWEST:
        return {}
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for (place, name), label in zip(found, labels, strict=True):
        if label and Path(place).is_file():
            folders[name.rpartition("/")[0]].setdefault(label, name)
    return folders


def _is_list(head: Table) -> bool:
    """Whether a text is a list of pictures and labels without a header: `images/0.jpg 3`."""
    if len(head.columns) != 2 or head.headed:
        return False
    files, labels = sorted(head.columns.values(), key=lambda column: not all(map(is_picture_name, column)))
    return all(map(is_picture_name, files)) and not len(set(labels)) == len(labels) >= _FEWEST
