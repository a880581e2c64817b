"""The label of each row, and the tables whose labels are for another task: several labels a picture, or amounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from imagewise.data.sources.tables.names import plain
from imagewise.data.sources.tables.roles import Roles, say
from imagewise.data.sources.tables.table import Table
from imagewise.errors import DataError

_ON = ("1", "1.0", "True", "true")
_BETWEEN = "|;,"  # several labels in one field
_PLURALS = ("labels", "tags", "classes", "categories", "attributes", "findings", "findinglabels", "annotations")
_FEW, _MANY = 3, 20  # different fractions in labels that are amounts: in a table where most differ, in any
_LIST = re.compile(r"[\[(].*[\])]")
_ENTRY = re.compile(r"""'([^']*)'|"([^"]*)"|([^\s,\[\]()'"]+)""")


def read_labels(table: Table, roles: Roles) -> tuple[list[str], tuple[str, ...]]:
    """The label of each row, "" for a row that is to be left out; and what to tell the user.

    Raises:
        DataError: a row without a label; several labels in a row; labels that are amounts.
    """
    if len(roles.labels) > 1:
        return _of_flags(table, roles)
    column = roles.labels[0]
    labels = list(table.columns[column])
    for number, label in enumerate(labels, start=1):
        if not label:
            raise DataError(f"{table.path}: row {number} has no {column}. Fill it in, or remove the row.")
    if labels and all(map(_LIST.fullmatch, labels)):
        labels = _unpacked(table, labels)
    _refuse_several(table, column, labels)
    _refuse_amounts(table, column, labels)
    return labels, ()


def _of_flags(table: Table, roles: Roles) -> tuple[list[str], tuple[str, ...]]:
    labels = []
    for number, fields in enumerate(zip(*(table.columns[name] for name in roles.labels), strict=True)):
        on = [name for name, text in zip(roles.labels, fields, strict=True) if text in _ON]
        if len(on) > 1:
            file = table.columns[roles.file][number]
            why = f"row {number + 1} ({file}) has a 1 for {' and '.join(map(repr, on))}"
            raise DataError(f"{_multi_label(table, why)} For one of its columns: {say('label', on[0])}")
        labels.append(on[0] if on else "")
    empty = labels.count("")
    rows = "1 row that has" if empty == 1 else f"{empty:,} rows that have"
    return labels, (f"left out {rows} no 1 for any class.",) if empty else ()


def _multi_label(table: Table, why: str) -> str:
    return (
        f"{table.path}: {why}: this is a multi-label set. imagewise gives each picture one class. Keep the rows with "
        "one label, or train a model a label: a column with yes or no."
    )


def _unpacked(table: Table, labels: Sequence[str]) -> list[str]:
    """The only entry of each list."""
    unpacked = []
    for number, label in enumerate(labels, start=1):
        entries = [a or b or c for a, b, c in _ENTRY.findall(label)]
        if not entries:
            raise DataError(f"{table.path}: row {number} has the empty list {label} as its label. Fill it in.")
        if len(entries) > 1:
            raise DataError(_multi_label(table, f"row {number} has the labels {label}"))
        unpacked.append(entries[0])
    return unpacked


def _refuse_several(table: Table, column: str, labels: Sequence[str]) -> None:
    counts = Counter(labels)
    for between in _BETWEEN:
        several = {label: [part.strip() for part in label.split(between)] for label in counts if between in label}
        uses = Counter(part for label in counts for part in {p.strip() for p in label.split(between)})
        for label, parts in several.items():
            if all(part and uses[part] > 1 for part in parts):
                raise DataError(_multi_label(table, f"row {labels.index(label) + 1} has the labels {label!r}"))
    spaced = {label: label.split() for label in counts if " " in label}
    words = {word for label in counts for word in label.split()}
    mixed = plain(column) in _PLURALS and len(counts) > 2 * len(words) and len({len(w) for w in spaced.values()}) > 1
    for label, parts in spaced.items():
        if mixed or all(part in counts for part in parts):
            raise DataError(_multi_label(table, f"row {labels.index(label) + 1} has the labels {label!r}"))


def _refuse_amounts(table: Table, column: str, labels: Sequence[str]) -> None:
    """Amounts are no classes: numbers, many of them fractions that differ from row to row."""
    try:
        fractions = {number for label in set(labels) if (number := float(label)) != int(number)}
    except (ValueError, OverflowError):  # a name, nan or inf
        return
    distinct = len(set(labels))
    if len(fractions) >= _MANY or (len(fractions) >= _FEW and 2 * distinct > len(labels)):
        raise DataError(
            f"{table.path}: {column!r} holds amounts ({labels[0]}, ...: {distinct} different ones in {len(labels)} "
            f"rows), no classes. imagewise does not do regression; sort the amounts into a few classes, such as low, "
            "middle and high."
        )
