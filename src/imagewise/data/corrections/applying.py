"""A table of corrections, applied to a data set.

Nothing is deleted: pictures that are dropped stay where they are, and are left out of the data set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imagewise.data.corrections.table import Correction, Corrections
from imagewise.data.dataset import Dataset, Split, SplitName
from imagewise.display.lines import counted
from imagewise.display.notices import Note
from imagewise.errors import DataError, did_you_mean


def picture_path(split: Split, name: SplitName, index: int) -> str:
    """What a table calls a picture: the path of its file, or `test/9729` where it has none."""
    if split.names is None:
        return f"{name}/{index}"
    return split.names[index].encode(errors="backslashreplace").decode()


def pixel_digest(split: Split, index: int) -> str:
    """The first 16 digits of a picture's SHA-256 (pixels), which tell whether pictures without files are the same."""
    return hashlib.sha256(np.ascontiguousarray(split.images[index]).data).hexdigest()[:16]


def apply_corrections(dataset: Dataset, corrections: Corrections) -> Dataset:
    """The data set with labels changed and pictures left out, and a notice that says how many.

    Raises:
        DataError: a picture or a class does not exist, a picture has another label than the table says, or nothing
            is left of a class or of a split.
    """
    file, places = corrections.table.file, _places(dataset, {row.path for row in corrections.rows})
    labels = {name: split.labels.copy() for name, split in dataset.splits.items()}
    kept = {name: np.ones(len(split), dtype=np.bool_) for name, split in dataset.splits.items()}
    numbers = {name: number for number, name in enumerate(dataset.class_names)}
    relabelled = {row.path for row in corrections.rows if row.action == "relabel"}
    dropped = {row.path for row in corrections.rows if row.action == "drop"}
    for row in corrections.rows:
        if row.path not in places:
            raise DataError(
                f"{file}, line {row.line}: {dataset.name} has no picture {row.path!r}. Use the table of an audit of "
                "this data, or remove the line."
            )
        if row.action == "relabel" and row.suggestion not in numbers:
            raise DataError(
                f"{file}, line {row.line}: {dataset.name} has no class {row.suggestion!r}."
                f"{did_you_mean(row.suggestion, dataset.class_names)} Write one of its classes into the column "
                f"suggestion: {', '.join(dataset.class_names[:20])}."
            )
        split, index = places[row.path]
        _refuse_other(dataset, row, file, split, index)
        if row.action == "drop":
            kept[split][index] = False
        else:
            labels[split][index] = numbers[row.suggestion]
    splits = {name: _changed(split, labels[name], kept[name]) for name, split in dataset.splits.items()}
    _refuse_lost(dataset, splits, file)
    said = f"{counted(len(relabelled - dropped), 'picture')} relabelled, {len(dropped):,} left out, by {file}."
    return replace(dataset, splits=splits).with_notices(Note(said))


def _places(dataset: Dataset, wanted: set[str]) -> dict[str, tuple[SplitName, int]]:
    """Split and index of these pictures."""
    return {
        path: (name, index)
        for name, split in dataset.splits.items()
        for index in range(len(split))
        if (path := picture_path(split, name, index)) in wanted
    }


def _refuse_other(dataset: Dataset, row: Correction, file: str, split: SplitName, index: int) -> None:
    pictures = dataset[split]
    label = dataset.class_names[pictures.labels[index]]
    if label != row.label:
        raise DataError(
            f"{file}, line {row.line}: {row.path} is of class {label!r} in {dataset.name}, not {row.label!r}. Use the "
            "table of an audit of this data, or remove the line."
        )
    if pictures.names is None and row.pixels and row.pixels != pixel_digest(pictures, index):
        raise DataError(
            f"{file}, line {row.line}: {row.path} is another picture in {dataset.name} than the one that was audited. "
            "Audit this data again."
        )


def _changed(split: Split, labels: NDArray[np.int64], kept: NDArray[np.bool_]) -> Split:
    relabelled = replace(split, labels=labels)
    return relabelled if kept.all() else relabelled.take(np.flatnonzero(kept))


def _refuse_lost(dataset: Dataset, splits: Mapping[SplitName, Split], file: str) -> None:
    empty = [name for name, split in splits.items() if not len(split)]
    if empty:
        raise DataError(f"{file} drops every picture of {', '.join(empty)}. Keep some.")
    if "train" in splits:
        before = np.bincount(dataset["train"].labels, minlength=len(dataset.class_names))
        after = np.bincount(splits["train"].labels, minlength=len(dataset.class_names))
        lost = [dataset.class_names[n] for n in np.flatnonzero((before > 0) & (after == 0))]
        if lost:
            raise DataError(f"{file} leaves no training picture of {', '.join(map(repr, lost))}. Keep some.")
