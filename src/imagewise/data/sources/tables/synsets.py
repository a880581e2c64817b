"""Names of WordNet's synsets (`n01440764`), which ImageNet's folders are called by, from a file beside them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

_SYNSET = re.compile(r"n\d{8}")
_LINE = re.compile(r"(n\d{8})[\s,]+(?:\d+\s+)?(\S.*)")  # `n01440764 tench, Tinca tinca`, `n01440764 1 tench`
_MOST_BYTES = 1 << 23  # WordNet's words.txt has three million
_SUFFIXES = (".txt", ".csv", ".json")


def are_synsets(names: Sequence[str]) -> bool:
    """Whether all names are numbers of synsets."""
    return bool(names) and all(map(_SYNSET.fullmatch, names))


def names_of_synsets(synsets: Sequence[str], folder: Path) -> tuple[str, list[str]] | None:
    """The file in a folder that names all of these synsets, and their names; None where no file does.

    Names are the first of the synonyms (`tench` of `tench, Tinca tinca`). Those that several have keep the number, as
    the two cranes do: `crane (n02012849)`.
    """
    for path in _candidates(folder):
        known = _read(path)
        if all(known.get(synset) for synset in synsets):
            names = [known[synset] for synset in synsets]
            counts = Counter(names)
            pairs = zip(synsets, names, strict=True)
            return path.name, [name if counts[name] == 1 else f"{name} ({synset})" for synset, name in pairs]
    return None


def _candidates(folder: Path) -> list[Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
        return sorted(path for path in paths if path.is_file() and path.stat().st_size <= _MOST_BYTES)
    except OSError:  # the folder above the data may not be readable
        return []


def _read(path: Path) -> Mapping[str, str]:
    """Names by synset; nothing where the file is about something else."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        pairs = _of_json(json.loads(text)) if path.suffix.lower() == ".json" else _of_lines(text)
    except (OSError, ValueError, RecursionError):
        return {}
    return {synset: name.partition(",")[0].strip().strip('"') for synset, name in pairs}


def _of_lines(text: str) -> list[tuple[str, str]]:
    """Of lines that all begin with a synset, but for a header."""
    matches = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    found = [(match[1], match[2]) for match in matches if match]
    return found if len(found) >= len(matches) - 1 else []


def _of_json(content: object) -> list[tuple[str, str]]:
    """Of `{"n01440764": "tench, Tinca tinca"}` and of Keras's `{"0": ["n01440764", "tench"]}`."""
    if not isinstance(content, dict):
        return []
    pairs = [value if isinstance(value, list) else [key, value] for key, value in content.items()]
    sound = [pair for pair in pairs if len(pair) == 2 and all(isinstance(each, str) for each in pair)]
    return [(synset, name) for synset, name in sound if _SYNSET.fullmatch(synset)]
