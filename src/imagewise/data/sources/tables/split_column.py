"""A table's column of splits: train, validation and test by the names that people give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagewise.data.dataset import SplitName
from imagewise.data.sources.tables.names import TEST_NAMES, VALID_NAMES, plain
from imagewise.data.sources.tables.table import Table
from imagewise.data.splits import SPLIT_WORDS
from imagewise.errors import DataError

# Words for splits in a column of them only: a folder that is called like this may be a class.
_IN_COLUMNS: Mapping[str, SplitName] = {
    "trn": "train",
    "tr": "train",
    "learn": "train",
    "unassigned": "train",  # Google's AutoML
    "development": "validation",
    "tst": "test",
}
_YES = ("true", "1", "1.0", "yes")


def split_of_text(text: str) -> SplitName | None:
    """The split that a field names, None for another word: `Training`, `dev`, `test set`."""
    short = plain(text).removesuffix("set").removesuffix("split")
    return SPLIT_WORDS.get(short) or _IN_COLUMNS.get(short)


def is_split_text(text: str) -> bool:
    """Whether a field names a split, or is empty."""
    return not text or split_of_text(text) is not None


def read_splits(table: Table, column: str) -> tuple[list[SplitName | None], tuple[str, ...]]:
    """The split of each row, and what to tell the user.

    A column `is_valid` (fastai's) holds true for pictures of the validation split, `is_test` for those of test. Rows
    without a split count as train.

    Raises:
        DataError: a field that names no split.
    """
    texts: Sequence[str] = table.columns[column]
    short = plain(column)
    if short in (*VALID_NAMES, *TEST_NAMES):
        held_out: SplitName = "validation" if short in VALID_NAMES else "test"
        return [held_out if text.lower() in _YES else "train" for text in texts], ()
    splits: list[SplitName | None] = []
    for number, text in enumerate(texts, start=1):
        split = split_of_text(text) if text else "train"
        if split is None:
            raise DataError(
                f"{table.path}: row {number} names the split {text!r}. The splits are train, validation and test."
            )
        splits.append(split)
    empty = sum(not text for text in texts)
    rows = "1 row without a split counts" if empty == 1 else f"{empty:,} rows without a split count"
    return splits, (f"{rows} as train.",) if empty else ()
