"""WebDataset: tar files that hold `key.jpg` and, beside it, `key.cls` or `key.json` with the label."""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.picture_files.picture_file import PictureFile, read_piece
from imagewise.data.picture_files.pictures import load_pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.unpacking import check_end
from imagewise.data.splits import split_of_name
from imagewise.errors import DataError, PictureError
from imagewise.framing.file_kinds import PICTURE_SUFFIXES

_LABEL_KEYS = ("label", "cls", "class")  # of `key.json`
_MOST_LABEL_BYTES = 2**20
Group = dict[str, tarfile.TarInfo]


@dataclass(frozen=True, slots=True)
class _Member:
    """A picture in a tar file; a `Packed`."""

    archive: str
    offset: int
    size: int

    def read(self) -> bytes:
        content = read_piece(self.archive, self.offset, self.size)
        if len(content) < self.size:
            raise PictureError(None, "cut off, the archive ends before it", "Copy the archive again.")
        return content


def load_webdataset(tars: list[Path], name: str, how: Reading) -> Dataset:
    """Pictures in tar files, read where they lie: nothing is unpacked.

    A sample's files share the name up to the first dot and follow each other. Its label is the text of `key.cls`, or
    `label`, `cls` or `class` in `key.json`. Splits go by the tars' names (`train-0001.tar`), where all have one.

    Raises:
        DataError: not a tar file, a compressed one, a picture without a label; and as `load_pictures`.
    """
    splits = [split_of_name(tar.stem) for tar in tars]
    if None in splits:
        splits = [None] * len(tars)
    files = [file for tar, split in zip(tars, splits, strict=True) for file in _pictures(tar, split)]
    return load_pictures(name, files, how)


def _pictures(tar: Path, split: SplitName | None) -> Iterator[PictureFile]:
    try:
        with tarfile.open(tar, "r:") as archive:
            for key, group in _groups(archive):
                picture = next((info for suffix, info in group.items() if _is_picture(suffix)), None)
                if picture is None:
                    continue
                label = _label(tar, archive, key, group)
                place = _Member(str(tar), picture.offset_data, picture.size)
                yield PictureFile(place, f"{tar.name}/{picture.name.removeprefix('./')}", label, split)
    except tarfile.ReadError as error:
        with tar.open("rb") as file:
            packed = file.read(4)[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5")
        remedy = "It is compressed: unpack it once (gunzip)" if packed else "Copy or download it again"
        raise DataError(f"{tar}: cannot be read as a tar file ({error}). {remedy}.") from error


def _groups(archive: tarfile.TarFile) -> Iterator[tuple[str, Group]]:
    """Files by suffix, for each key."""
    key: str | None = None
    group: Group = {}
    for info in archive:
        archive.members = []  # type: ignore[attr-defined]  # else it remembers all of them
        folder, base = os.path.split(info.name)
        if not info.isfile() or base.startswith("."):
            continue
        stem, _, suffix = base.partition(".")
        here = f"{folder}/{stem}"
        if here != key:
            if key is not None:
                yield key, group
            key, group = here, {}
        group[suffix.lower()] = info
    if key is not None:
        yield key, group
    check_end(archive)


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    """Of a label. `extractfile` does the same at ten times the cost."""
    assert archive.fileobj is not None  # it is open
    archive.fileobj.seek(info.offset_data)
    return bytes(archive.fileobj.read(min(info.size, _MOST_LABEL_BYTES)))


def _is_picture(suffix: str) -> bool:
    return f".{suffix.rpartition('.')[2]}" in PICTURE_SUFFIXES


def _label(tar: Path, archive: tarfile.TarFile, key: str, group: Group) -> str:
    """Of a sample. Raises DataError."""
    label: object = None
    for suffix in ("cls", "json"):
        if suffix not in group or label is not None:
            continue
        try:
            text = _content(archive, group[suffix]).decode("utf-8").strip()
            label = text
            if suffix == "json":
                about = json.loads(text)
                label = next((about[k] for k in _LABEL_KEYS if k in about), None) if isinstance(about, dict) else about
        except (ValueError, OSError) as error:
            raise DataError(f"{tar}: {group[suffix].name} cannot be read ({error}). Write it again.") from error
    if label is None or isinstance(label, dict | list | bool) or not re.search(r"\S", str(label)):
        raise DataError(
            f"{tar}: the picture {key.lstrip('/.')} has no label. Add it next to the picture: as the text of key.cls, "
            'or as "label" in key.json.'
        )
    return str(label)
