"""Where the files are that a table names: its paths as written, or repaired as their exporters and moves need it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from imagewise.data.sources.tables.names import WEB
from imagewise.data.splits import split_of_name
from imagewise.errors import DataError
from imagewise.framing.file_kinds import PICTURE_SUFFIXES

_FIRST = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG")  # endings that are tried before the rarer ones
_FOLDERS = ("train", "images", "imgs", "img", "pictures", "photos", "data", "train_images", "training", "upload")
_MOST_SEARCHES = 100  # for files that are nowhere, before the rest is believed to be nowhere, too
_MOST_FOLDERS = 40
_STUDIO_HASH = re.compile(r"^[0-9a-f]{8}-")  # what label-studio writes before an uploaded file's name


@dataclass(frozen=True)
class _Rule:
    """How a file was found: which reading of its text, in which folder, with which ending.

    Attributes:
        reading: index into `_readings`.
        folder: relative to the table's; may hold `{label}`.
        ending: "" for that of the text; else added, or put in place of another where `replace`.
    """

    reading: int
    folder: str
    ending: str
    replace: bool = False


_AS_IS = _Rule(0, "", "")


class _Finder:
    """Looks for files; what worked before is tried first."""

    def __init__(self, table: Path, base: Path) -> None:
        self._base = base
        self._table = table
        self._rules = [_AS_IS]
        self._searches = 0
        self._listings: dict[str, dict[str, str]] = {}
        self.uses: Counter[_Rule | None] = Counter()

    def find(self, text: str, label: str) -> str | None:
        """The path of the file, None where it is nowhere."""
        readings = _readings(text)
        for rule in self._rules:
            if (path := self._apply(rule, readings, label)) is not None:
                self.uses[rule] += 1
                return path
        if self._searches >= _MOST_SEARCHES:
            return None
        for rule in self._all_rules(readings):
            if (path := self._apply(rule, readings, label)) is not None:
                self._rules.insert(0, rule)
                self.uses[rule] += 1
                return path
        if (path := self._in_other_case(readings)) is not None:
            self.uses[None] += 1
            return path
        self._searches += 1
        return None

    def _apply(self, rule: _Rule, readings: Sequence[str], label: str) -> str | None:
        if rule.reading >= len(readings):
            return None
        text = readings[rule.reading]
        if rule.replace:
            text = os.path.splitext(text)[0]  # noqa: PTH122
        folder = rule.folder.replace("{label}", label)
        path = os.path.join(self._base, folder, text + rule.ending)  # noqa: PTH118
        return path if os.path.isfile(path) else None  # noqa: PTH113 - a million of them

    def _all_rules(self, readings: Sequence[str]) -> Iterator[_Rule]:
        known = readings[0][readings[0].rfind(".") :].lower() in PICTURE_SUFFIXES
        endings = [("", False)]
        endings += [(ending, known) for ending in (*_FIRST, *sorted(PICTURE_SUFFIXES - set(_FIRST)))]
        for ending, replace in endings:
            for reading in range(len(readings)):
                for folder in self._folders:
                    yield _Rule(reading, folder, ending, replace)

    @cached_property
    def _folders(self) -> list[str]:
        """Folders to look into, relative to the table's, the likeliest first; those of splits other than train last."""
        stem = self._table.stem
        parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", stem)]
        try:
            with os.scandir(self._base) as entries:
                there = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        except OSError:
            there = []
        likely = [stem, *parts, *_FOLDERS]
        own = split_of_name(stem) or "train"
        others = {name for name in there if split_of_name(name) not in (None, own)}
        there.sort(key=lambda name: (name.lower() not in likely and name in others, _place(likely, name.lower()), name))
        below = [
            f"{name}/{inner}" for name in there for inner in (*_FOLDERS, name) if (self._base / name / inner).is_dir()
        ]
        above = [f"../{inner}" for inner in (*_FOLDERS, stem) if (self._base.parent / inner).is_dir()]
        sorted_by_class = [f"{folder}/{{label}}" for folder in ("", *there[:5])]
        return ["", *there[:_MOST_FOLDERS], *below[:_MOST_FOLDERS], "..", *above, *sorted_by_class]

    def _in_other_case(self, readings: Sequence[str]) -> str | None:
        """A file whose name differs in letter case only, or in its ending's case."""
        for text in readings:
            for folder in self._folders:
                place = os.path.join(self._base, folder, os.path.dirname(text))  # noqa: PTH118, PTH120
                name = self._listing(place).get(os.path.basename(text).casefold())  # noqa: PTH119
                if name is not None:
                    return os.path.join(place, name)  # noqa: PTH118
        return None

    def _listing(self, folder: str) -> dict[str, str]:
        if folder not in self._listings:
            try:
                with os.scandir(folder) as entries:
                    self._listings[folder] = {e.name.casefold(): e.name for e in entries if e.is_file()}
            except (OSError, ValueError):
                self._listings[folder] = {}
        return self._listings[folder]


def find_files(
    table: Path, texts: Sequence[str], labels: Sequence[str], base: Path | None = None
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Path and name of each row's file, and what was guessed, for the user.

    A path is relative to the table, or to `base`. Where no such file is there, these are tried: `/` for `\\`, the end
    of the path, folders there (the table's stem, `train`, `images`, one a class), the endings of pictures, another
    letter case. A file that is nowhere keeps its path: it is listed as missing when it is to be read.

    Raises:
        DataError: not one of the files is there.
    """
    place = base or table.parent
    finder = _Finder(table, place)
    start = f"{place}{os.sep}"
    found: list[tuple[str, str]] = []
    missing = 0
    for text, label in zip(texts, labels, strict=True):
        path = finder.find(text, label)
        missing += path is None
        as_is = os.path.join(place, text)  # noqa: PTH118
        name = text if path is None or path == as_is else path.removeprefix(start).replace(os.sep, "/")
        found.append((path or as_is, name))
    if texts and missing == len(texts):
        raise DataError(_nowhere(table, place, texts))
    return found, _guesses(finder.uses)


def _readings(text: str) -> list[str]:
    """What the text may mean as a path, the likeliest first."""
    readings = [text]
    clean = text
    if "/local-files/?d=" in clean:  # label-studio
        clean = unquote(clean.partition("?d=")[2])
    elif "://" in clean:
        clean = unquote(urlsplit(clean).path)
    clean = clean.replace("\\", "/")
    clean = re.sub(r"^[A-Za-z]:/", "/", clean).removeprefix("./")
    parts = [part for part in clean.split("/") if part and part != ".."]
    readings += ["/".join(parts[first:]) for first in range(len(parts))]
    if parts and _STUDIO_HASH.match(parts[-1]):
        readings.append(_STUDIO_HASH.sub("", parts[-1]))
    return list(dict.fromkeys(readings))


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _guesses(uses: Counter[_Rule | None]) -> tuple[str, ...]:
    """How files were found that are not where the table says."""
    used = [rule for rule, _ in uses.most_common() if rule != _AS_IS]
    said = []
    folders = dict.fromkeys(rule.folder for rule in used if rule is not None and rule.folder)
    endings = dict.fromkeys(rule.ending for rule in used if rule is not None and rule.ending)
    if folders:
        said.append(
            f"files in {' and '.join(f'{folder}/' for folder in list(folders)[:3])}".replace("{label}", "<label>")
        )
    if endings:
        said.append(f"files with {' or '.join(list(endings)[:3])} at the end")
    if used and not said:
        said.append(
            "files by the ends of their paths" if used[0] is not None else "files by names in another letter case"
        )
    return tuple(said)


def _nowhere(table: Path, base: Path, texts: Sequence[str]) -> str:
    count = f"none of its {len(texts):,} files is there" if len(texts) > 1 else "its file is not there"
    first = texts[0]
    if first.lower().startswith(WEB):
        return (
            f"{table}: {count}: it names addresses on the web ({first}), and imagewise downloads none. Download the "
            f"pictures into {base}, with the names that the addresses end with."
        )
    tried = os.path.normpath(os.path.join(base, first.replace("\\", "/")))  # noqa: PTH118
    return (
        f"{table}: {count}. The first, {first!r}, was looked for as {tried}: no such file, nor with the ending of a "
        "picture or in a folder next to the table. Put the pictures there, or write paths relative to the table."
    )
