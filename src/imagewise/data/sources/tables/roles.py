"""Which column of a table names the files, which the labels, and which the splits."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from imagewise.data.sources.tables import names
from imagewise.data.sources.tables.names import is_picture_name, plain, some_names
from imagewise.data.sources.tables.split_column import is_split_text
from imagewise.data.sources.tables.table import Table
from imagewise.errors import DataError, did_you_mean

ROLES = ("file", "label", "split", "group")  # what `columns` may name
_USUAL = {"file", "filename", "path", "label", "split"}  # names that say it all, so that nothing is told
_LOOKED_AT = 200  # rows


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for.

    Attributes:
        file: names the pictures.
        labels: the column of labels; several where each is a class, with a 1 in the row of a picture of it.
        split: the column of train, validation and test; None if the table has no such column.
        guesses: what was guessed, for the user.
    """

    file: str
    labels: tuple[str, ...]
    split: str | None = None
    guesses: tuple[str, ...] = field(default=())


def find_roles(table: Table, columns: Mapping[str, str] | None = None) -> Roles:
    """The roles of the columns: those that `columns` names, the others by the names that people use and by content.

    Args:
        columns: name of a column by role ("file", "label", "split", "group").

    Raises:
        DataError: nothing says which column it is, or several could be the labels.
    """
    given = check_columns(table, columns)
    split = given.get("split") or _split(table, given)
    taken = {name for name in (*given.values(), split) if name}
    file = given.get("file") or _file(table, taken)
    if file is None:
        raise DataError(_neither(table))
    rest = [name for name in table.columns if name not in taken | {file} and not _is_other(table, name)]
    labels = (given["label"],) if "label" in given else _labels(table, rest)
    if not labels:
        raise DataError(_unlabelled(table, rest) if "file" in given and rest else _neither(table))
    said = [
        f"{what} from {name!r}"
        for what, name in (("files", file), ("labels", labels[0] if len(labels) == 1 else None), ("splits", split))
        if name and table.headed and name not in given.values() and plain(name) not in _USUAL
    ]
    if len(labels) > 1:
        said.append(f"a class for each of the columns {some_names(list(labels))}")
    return Roles(file, labels, split, tuple(said))


def has_roles(table: Table, columns: Mapping[str, str] | None = None) -> bool:
    """Whether the table says which pictures there are and of what class."""
    try:
        find_roles(table, columns)
    except DataError:
        return False
    return True


def file_column(table: Table) -> str | None:
    """The column that names files, in a table that may have no labels."""
    return _file(table, set())


def check_columns(table: Table, columns: Mapping[str, str] | None) -> dict[str, str]:
    """The columns that were chosen, by the names that the table has. Raises DataError where it lacks one."""
    by_plain = {plain(name): name for name in table.columns}
    given = {}
    for role, name in (columns or {}).items():
        if role not in ROLES:
            raise DataError(f"columns: {role!r} is no role of a column.{did_you_mean(role, ROLES)} {_roles()}")
        if plain(name) not in by_plain:
            raise DataError(
                f"{table.path}: has no column {name!r}, but {some_names(list(table.columns))}."
                f"{did_you_mean(name, table.columns)} Name one of them."
            )
        given[role] = by_plain[plain(name)]
    return given


def _roles() -> str:
    return f"Roles are {', '.join(ROLES)}."


def _file(table: Table, taken: set[str]) -> str | None:
    free = {name: _picture_share(table.columns[name]) for name in table.columns if name not in taken}
    known = sorted(
        (name for name in free if plain(name) in names.FILE_NAMES),
        key=lambda name: (-round(free[name]), names.FILE_NAMES.index(plain(name))),
    )
    if known:
        return known[0]
    pictures = [name for name in free if free[name] >= 0.8]
    if pictures:
        return pictures[0]
    return next((name for weak in names.WEAK_FILE_NAMES for name in free if plain(name) == weak), None)


def _picture_share(column: Sequence[str]) -> float:
    """The share of fields that end as names of picture files do."""
    some = column[:_LOOKED_AT]
    return sum(map(is_picture_name, some)) / len(some) if some else 0.0


def _split(table: Table, given: Mapping[str, str]) -> str | None:
    for name in table.columns:
        if name in given.values():
            continue
        short = plain(name)
        if short == "split" or (short in (*names.VALID_NAMES, *names.TEST_NAMES) and _is_yes_or_no(table, name)):
            return name
        if (short in names.SPLIT_NAMES or not table.headed) and all(map(is_split_text, table.columns[name])):
            return name
    return None


def _is_yes_or_no(table: Table, name: str) -> bool:
    return {text.lower() for text in table.columns[name]} <= {"true", "false", "0", "1", "0.0", "1.0", "yes", "no", ""}


def _is_other(table: Table, name: str) -> bool:
    """Whether a column is for something else: numbers of the rows, groups, names of files once more, addresses."""
    column = table.columns[name]
    unnamed = name.startswith("column ") and table.headed
    if (unnamed or plain(name).startswith("unnamed:") or plain(name) == "index") and _counts_up(column):
        return True
    addresses = len(column) > 0 and all(text.lower().startswith(names.WEB) for text in column[:_LOOKED_AT])
    return plain(name) in names.GROUP_NAMES or addresses or _picture_share(column) >= 0.8


def _counts_up(column: Sequence[str]) -> bool:
    return list(column[:_LOOKED_AT]) in ([str(n + first) for n in range(len(column[:_LOOKED_AT]))] for first in (0, 1))


def _labels(table: Table, rest: list[str]) -> tuple[str, ...]:
    exact = [name for name in rest if plain(name) == "label"]
    if exact:
        return (exact[0],)
    known = [name for name in rest if plain(name) in names.LABEL_NAMES]
    if len(known) > 1:
        known = _one_of_equals(table, known)
    if len(known) > 1:
        raise DataError(_several(table, known))
    if known:
        return (known[0],)
    flags = [name for name in rest if _is_flag(table.columns[name])]
    if len(flags) > 1 and len(flags) >= len(rest) - 1:
        return tuple(flags)
    others = [name for name in rest if plain(name) not in (*names.FILE_NAMES, *names.WEAK_FILE_NAMES)] or rest
    if len(others) == 1:
        return (others[0],)
    return ()


def _is_flag(column: Iterable[str]) -> bool:
    return set(column) <= {"0", "1", "0.0", "1.0", "-1", "True", "False", "true", "false"}


def _one_of_equals(table: Table, known: list[str]) -> list[str]:
    """The columns, or only the one with names where they say the same by name and by number."""
    first = table.columns[known[0]]
    for name in known[1:]:
        pairs = set(zip(first, table.columns[name], strict=True))
        if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
            return known
    return [next((name for name in known if not all(t.isdigit() for t in table.columns[name])), known[0])]


def _several(table: Table, known: list[str]) -> str:
    return (
        f"{table.path}: the columns {' and '.join(map(repr, known[:4]))} could all be the labels. Rename the right one "
        f"to 'label', or say which: {say('label', known[0])}"
    )


def say(role: str, column: str) -> str:
    """How to choose a column."""
    return f"--columns {shlex.quote(f'{role}={column}')} (in Python: columns={{{role!r}: {column!r}}})."


def _neither(table: Table) -> str:
    boxes = [name for name in table.columns if plain(name) in names.BOX_NAMES]
    if boxes:
        return _detection(table, boxes)
    return (
        f"{table.path}: needs a column 'file' (or 'path', 'image') and a column 'label' (or 'class', 'target'), but "
        f"has {some_names(list(table.columns))}. Rename its columns, or say which they are: "
        "--columns file=NAME,label=NAME (in Python: columns={'file': 'NAME', 'label': 'NAME'})."
    )


def _unlabelled(table: Table, rest: list[str]) -> str:
    return (
        f"{table.path}: nothing says which column has the labels; it has {some_names(rest)}. Rename the right one to "
        f"'label', or say which: {say('label', rest[0])}"
    )


def _detection(table: Table, boxes: list[str]) -> str:
    return (
        f"{table.path}: looks like a table of boxes for detection ({some_names(boxes)}). imagewise sorts whole "
        "pictures: cut the boxes out and save them into one folder a class."
    )
