"""The order of a set's classes: natural (1, 2, 10), or that of a run that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imagewise.data.dataset import Dataset
from imagewise.naming import natural_key, same_letters


def in_natural_order(dataset: Dataset) -> Dataset:
    """The same data with the classes in natural order of their names. Pictures and splits stay as they are."""
    return with_classes_as(dataset, sorted(dataset.class_names, key=natural_key)) or dataset


def with_classes_as(dataset: Dataset, class_names: Sequence[str]) -> Dataset | None:
    """The same data with the classes in this order, and spelt so; None where these are other classes.

    Versions before 0.2 ordered classes by their characters (1, 10, 2) and kept both spellings of `é`: their runs go on
    with the order that they recorded.
    """
    if tuple(class_names) == dataset.class_names:
        return dataset
    place = {same_letters(name): number for number, name in enumerate(class_names)}
    names = [same_letters(name) for name in dataset.class_names]
    if len(place) != len(class_names) or len(set(names)) != len(names) or set(place) != set(names):
        return None
    numbers = np.array([place[name] for name in names], dtype=np.int64)
    splits = {split: replace(content, labels=numbers[content.labels]) for split, content in dataset.splits.items()}
    return replace(dataset, class_names=tuple(class_names), splits=splits)
