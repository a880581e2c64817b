"""How names of classes and files are compared and ordered."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = re.compile(r"([0-9]+)")
NaturalKey = tuple[tuple[str | tuple[int, str], ...], str]


def natural_key(name: str) -> NaturalKey:
    """The key to sort names by, so that numbers in them count as numbers: 1, 2, 10.

    >>> sorted(["class 10", "class 9", "class 2"], key=natural_key)
    ['class 2', 'class 9', 'class 10']
    """
    pieces = _DIGITS.split(name)  # text and digits in turn: equal places hold equal types
    return tuple(_number(piece) if place % 2 else piece for place, piece in enumerate(pieces)), name


def same_letters(name: str) -> str:
    """The name in Unicode's composed form (NFC), in which every spelling of `é` is the same."""
    return unicodedata.normalize("NFC", name)


def _number(digits: str) -> tuple[int, str]:
    """Orders as the number does. `int` refuses texts of more than 4,300 digits."""
    significant = digits.lstrip("0")
    return len(significant), significant
