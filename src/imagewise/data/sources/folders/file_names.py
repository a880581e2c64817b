"""Classes from the names of files, as Kaggle has them: `cat.0.jpg`, `dog_12.jpg`. Only where it is clear."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from imagewise.data.splits import is_filler, is_like_split

_PATTERNS = (
    re.compile(r"(?P<label>[^\W\d_](?:[^\d.]*[^\W\d_])?)[ ._-]+\(?\d+\)?"),  # cat.0, great_dane_12, cat (3)
    re.compile(r"(?P<label>n\d{8})_\d+"),  # ImageNet's
)
_FEWEST = 2  # pictures of each class
_PICTURES_A_CLASS = 3.0  # in the mean: names that all differ are no classes
# What cameras, phones and programs call pictures
_GENERIC = re.compile(
    r"(img|dsc[a-z]?|dscn|dscf|pict?|pxl|gopr|mvi|vid|p|scan|screenshot|bildschirmfoto|bild|foto|photo|whatsapp|wa|frame"
    r"|page|file|untitled|copy|unnamed|download|no|nr|num|number|id|x|crop|cropped|output|input|result|obj|item|case"
    r"|patient|subject|person|user|slide|row|col|tile|patch)"
)


def label_of(name: str) -> str | None:
    """The class that a file's name begins with: `cat` of `cat.0.jpg`; None where the name has another form."""
    stem = PurePath(name).stem
    matches = (pattern.fullmatch(stem) for pattern in _PATTERNS)
    return next((match["label"] for match in matches if match), None)


def labels_of(names: Sequence[str]) -> list[str] | None:
    """The class of each file by its name; None where the names do not clearly say so.

    They do where every name is a word and a number, and there are at least two words, each of several files, none of
    them one that cameras use (`IMG_1.jpg`, `photo-2.jpg`).
    """
    labels = []
    for name in names:
        label = label_of(name)
        if label is None or _is_generic(label):
            return None
        labels.append(label)
    counts = Counter(labels)
    clear = len(counts) > 1 and min(counts.values()) >= _FEWEST and len(labels) >= _PICTURES_A_CLASS * len(counts)
    return labels if clear else None


def _is_generic(label: str) -> bool:
    words = re.findall(r"[^\W\d_]+", label.lower())
    return is_filler(label) or is_like_split(label) or any(_GENERIC.fullmatch(word) for word in words)
