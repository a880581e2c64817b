"""Sets that are too small for a test split: all pictures are trained on, and a cross-validation is the test."""

from __future__ import annotations

from dataclasses import replace

from imagewise.data.dataset import Dataset
from imagewise.display.lines import counted
from imagewise.display.notices import Note
from imagewise.training.head.fit import FEWEST_TESTED


def all_for_training(dataset: Dataset) -> Dataset:
    """The data with all pictures in train, where imagewise itself would keep fewer than `FEWEST_TESTED` for testing.

    A test split that the data came with stays, whatever its size.
    """
    tested = len(dataset.splits.get("test", ()))
    if tested >= FEWEST_TESTED or not dataset.split_rule.makes_test:
        return dataset
    note = Note(
        f"{counted(len(dataset), 'picture')} are too few to keep some for testing: imagewise trains on all of them, "
        "and a cross-validation tells what to expect."
    )
    return replace(dataset, splits={"train": dataset["all"]}).with_notices(note)
