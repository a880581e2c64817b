"""EMNIST's own files: the names of its six sets, its pictures, which are stored on their side, and its class names.

Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017. Each set has the files of MNIST with a name
before them (`emnist-letters-train-images-idx3-ubyte.gz`), and `emnist-letters-mapping.txt`: a label and the code points
of its characters in each line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ARCHIVE = "gzip.zip"  # of all six sets
TURNED = "EMNIST's pictures are stored on their side: turned upright."
_NAMED = re.compile(r"(?P<set>emnist[-_.]\w+?)[-_.](train|test|t10k)\b.*", re.IGNORECASE)
_FEWEST = 2  # labels of a mapping
_SHOWN = 3  # names in a notice


def locate(folder: Path, name: str) -> Path | None:
    """NIST's zip in a folder, or the folder that holds the files of the set `name` (`emnist-letters`): itself, or
    `gzip/` in it, as the zip unpacks. None where there is neither."""
    if (folder / ARCHIVE).is_file():
        return folder / ARCHIVE
    for place in (folder, folder / "gzip"):
        if any((place / f"{name}-train-images-idx3-ubyte{end}").is_file() for end in ("", ".gz")):
            return place
    return None


def is_on_its_side(name: str) -> bool:
    """Whether a file is one of EMNIST by its name, so that its pictures are stored with rows and columns exchanged."""
    return name.lower().startswith("emnist")


def upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures (N, H, W, C) with rows and columns exchanged, (N, W, H, C)."""
    return np.ascontiguousarray(images.transpose(0, 2, 1, 3))


def set_of(name: str) -> str | None:
    """`emnist-letters` for `emnist-letters-train.csv`; None for a file of another set."""
    match = _NAMED.fullmatch(name)
    return match["set"] if match else None


def character_names(folder: Path, name: str | None, labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of classes by the set's `mapping.txt`, and what to tell the user; the labels themselves where it names not
    all of them.

    A label of several characters (the capital and the small letter in `letters`) is called as the first of them.

    Args:
        folder: holds the mapping.
        name: of the set, as in `emnist-letters`; None for a set without a name.
        labels: numbers.
    """
    path = folder / f"{name}-mapping.txt"
    if not name or not path.is_file():
        return tuple(labels), ()
    characters = _characters(path)
    texts = [characters.get(label, "") for label in labels]
    for names in ([text[:1] for text in texts], texts):
        if all(names) and len(set(names)) == len(names):
            pairs = list(zip(labels, names, strict=True))
            some = ", ".join(f"{label} is {text!r}" for label, text in pairs[-_SHOWN:])
            told = f"took the names of the classes from {path.name}: {some}."
            return tuple(names), () if names == list(labels) else (told,)
    return tuple(labels), (f"left {path.name} alone: it does not name each of the {len(labels)} classes.",)


def _characters(path: Path) -> Mapping[str, str]:
    """The characters of each label; nothing where the file is another."""
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        found = {str(int(label)): "".join(chr(int(code)) for code in codes) for label, *codes in lines}
    except (OSError, ValueError, OverflowError):
        return {}
    return found if len(found) >= _FEWEST else {}
