"""Tables that name the classes: a number and a name in each row, as GTSRB's `signnames.csv` has them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imagewise.data.dataset import Dataset
from imagewise.data.sources.tables.names import is_picture_name, plain
from imagewise.data.sources.tables.synsets import are_synsets, names_of_synsets
from imagewise.data.sources.tables.table import Table, head_of_table

_MOST_BYTES = 1 << 20
_SUFFIXES = (".csv", ".tsv", ".json")
_CALLED = re.compile(r"label|class|categor|sign|name|mapping|meta|species|breed", re.IGNORECASE)
_CLASS_IDS = (  # names of a column of numbers that are those of classes
    *("class", "classid", "classnumber", "classindex", "label", "labelid", "labelindex"),
    *("category", "categoryid", "target", "targetid"),
)
_IDS = ("id", "number", "index", "idx", "code", "key")  # of numbers that may be those of pictures, too
_NAMES = (
    "name",
    "description",
    "title",
    "meaning",
    "text",
    "char",
    "character",
)  # what the name of a column of names ends in
_OTHER_NAMES = ("label", "class", "category", "species", "breed", "sign")  # of names, next to the numbers of classes
_ROWS_A_CLASS = 2  # most in a table of other numbers, which may be those of pictures
_SHOWN = 3  # names in a notice


def is_class_table(head: Table) -> bool | None:
    """Whether a table, by its beginning, says how classes are called rather than what pictures show; None where its
    numbers may be those of either."""
    found = _columns(head)
    if found is None:
        return False
    return True if plain(found[0]) in _CLASS_IDS else None


def name_classes(dataset: Dataset, folder: Path, *, exact: bool = False) -> Dataset:
    """The data with its classes named, if they are numbers, or WordNet's (`n01440764`), and a table in the folder names
    each of them.

    Args:
        dataset: the order of its classes stays.
        folder: where the table may be; its file name says "class", "label", "name" or the like.
        exact: take only a table that names no other classes, as where it may be of another set.
    """
    if are_synsets(dataset.class_names):
        found = names_of_synsets(dataset.class_names, folder)
        return dataset if found is None else _named(dataset, found[1], found[0])
    if not all(name.isdecimal() for name in dataset.class_names):
        return dataset
    notices = []
    numbers = [int(name) for name in dataset.class_names]
    for path in _candidates(folder):
        names = _read(path, len(numbers))
        if not names or (exact and names.keys() != set(numbers)):
            continue
        lacking = [number for number in dataset.class_names if int(number) not in names]
        if lacking:
            which = "class" if len(lacking) == 1 else "classes"
            notices.append(f"left {path.name} alone: it has no name for the {which} {', '.join(lacking[:_SHOWN])}.")
            continue
        counts = Counter(names[number] for number in numbers)
        named = [names[n] if counts[names[n]] == 1 else f"{names[n]} ({n})" for n in numbers]
        return _named(dataset, named, path.name)
    return dataset.with_notices(*notices)


def _named(dataset: Dataset, names: Sequence[str], source: str) -> Dataset:
    """The data with other names of its classes, and a notice about the file that they are from."""
    pairs = list(zip(dataset.class_names, names, strict=True))
    some = ", ".join(f"{before} is {text!r}" for before, text in pairs[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    told = f"took the names of the classes from {source}: {some}{more}."
    return replace(dataset, class_names=tuple(names)).with_notices(told)


def _candidates(folder: Path) -> list[Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and _CALLED.search(path.stem)]
        return sorted(path for path in paths if path.is_file() and path.stat().st_size <= _MOST_BYTES)
    except OSError:  # the folder above the data may not be readable
        return []


def _read(path: Path, classes: int) -> dict[int, str]:
    """Names by number; empty where the file is about something else."""
    if path.suffix.lower() == ".json":
        return _of_json(path)
    table = head_of_table(path, _MOST_BYTES + 1)
    table = table if table is None else _with_header(table)
    found = _columns(table) if table is not None else None
    if table is None or found is None or (plain(found[0]) not in _CLASS_IDS and len(table) > _ROWS_A_CLASS * classes):
        return {}
    return {int(number): name for number, name in zip(*(table.columns[each] for each in found), strict=True)}


def _of_json(path: Path) -> dict[int, str]:
    """`{"1": "pink primrose", ...}`, as `cat_to_name.json` of the 102 flowers."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or not all(map(_is_number, content)):
        return {}
    return {int(k): name for k, name in content.items()} if all(map(_is_name, content.values())) else {}


def _with_header(table: Table) -> Table:
    """The table itself, or with a header where its first row is `0,Stop`."""
    if len(table.columns) != 2 or not _is_number(next(iter(table.columns))):
        return table
    first, *rest = table.columns
    columns = {"class": [first, *table.columns[first]], "name": [rest[0], *table.columns[rest[0]]]}
    return Table(table.path, columns, headed=False)


def _columns(table: Table) -> tuple[str, str] | None:
    """The columns of numbers and of names; None where the table names no classes."""
    if not len(table):
        return None
    distinct = [name for name in table.columns if len(set(table.columns[name])) == len(table)]
    numbers = next((n for known in (_CLASS_IDS, _IDS) for n in distinct if _is_id(table, n, known)), None)
    if numbers is None:
        return None
    known = plain(numbers) in _CLASS_IDS
    for name in table.columns if known else distinct:
        called = plain(name).endswith(_NAMES) or (known and plain(name) in _OTHER_NAMES)
        if called and name != numbers and all(map(_is_name, table.columns[name])):
            return numbers, name
    return None


def _is_id(table: Table, column: str, known: Sequence[str]) -> bool:
    return plain(column) in known and all(map(_is_number, table.columns[column]))


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text != "" and not is_picture_name(text) and not _is_number(text)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10
