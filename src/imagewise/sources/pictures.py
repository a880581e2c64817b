"""Labelled picture files as a data set: choose a framing, decode in threads, list what is damaged, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.dataset import SPLITS, Dataset, Split, SplitName
from imagewise.errors import DataError, PictureError
from imagewise.picture import Framing, frame, read_picture
from imagewise.sources.looking import choose_framing, evenly
from imagewise.sources.splits import complete_splits, refuse_unknown_classes
from imagewise.splitting import content_hash

_LISTED = 20  # damaged pictures that an error message names


@dataclass(frozen=True)
class PictureFile:
    """One labelled picture: where it lies, what to call it, its class, and its split where the source has
    splits."""

    path: Path
    name: str
    label: str
    split: SplitName | None = None


def load_pictures(
    name: str,
    files: Sequence[PictureFile],
    framing: Framing | None,
    *,
    strict: bool,
    notices: Sequence[str] = (),
) -> Dataset:
    """Read the pictures and split them. Damaged ones are listed in the data set's `skipped`.

    Args:
        name: what to call the data set.
        files: all with a split, or all without.
        framing: None to choose by looking.
        strict: refuse damaged pictures instead of skipping them.
        notices: what the user should be told besides.

    Raises:
        DataError: no picture can be read, or none of a class; with `strict`, one cannot; a class that train
            lacks.
    """
    if not files:
        raise DataError(f"{name} names no picture. Add pictures with their labels.")
    if framing is None:
        framing, choice = choose_framing(_sample(name, files))
        notices = (*notices, choice)
    images, results = _read_all(files, framing)
    skipped = [(f.name, r) for f, r in zip(files, results, strict=True) if isinstance(r, str)]
    if skipped and (strict or len(skipped) == len(files)):
        raise DataError(_damaged(name, skipped, len(files)))
    _refuse_lost_classes(name, files, results)
    class_names = tuple(sorted({file.label for file in files}))
    given = _by_split(files, results, images, class_names)
    refuse_unknown_classes(name, class_names, given)
    hashes = [r for f, r in zip(files, results, strict=True) if isinstance(r, int) and f.split in (None, "train")]
    splits, rule = complete_splits(given, lambda: hashes)
    return Dataset(name, class_names, splits, framing, rule, tuple(notices), tuple(skipped))


def _sample(name: str, files: Sequence[PictureFile]) -> list[Image.Image]:
    """Readable pictures spread over the whole; the first readable one where all of those are damaged."""
    sample = [picture for i in evenly(len(files)) if (picture := _try_read(files[i]))]
    if not sample:
        sample = [picture for file in files if (picture := _try_read(file))][:1]
    if not sample:
        raise DataError(f"{name}: not one of its {len(files)} pictures can be read. Replace the files.")
    return sample


def _try_read(file: PictureFile) -> Image.Image | None:
    try:
        return read_picture(file.path)
    except PictureError:
        return None


def _read_all(files: Sequence[PictureFile], framing: Framing) -> tuple[NDArray[np.uint8], list[int | str]]:
    """Framed pictures; and for each its content hash, or in words why it cannot be read.

    The hash is that of the pixels before framing: a split does not depend on the size that the network sees.
    """
    images = np.zeros((len(files), *framing.shape), dtype=np.uint8)

    def read(number: int) -> int | str:
        path = files[number].path
        try:
            picture = read_picture(path)
        except PictureError as error:
            return str(error).removeprefix(f"{path}: ")
        images[number] = frame(picture, framing)
        return content_hash(np.asarray(picture))

    with ThreadPoolExecutor() as pool:  # Pillow decodes and resizes without holding Python's lock
        return images, list(pool.map(read, range(len(files))))


def _damaged(name: str, skipped: Sequence[tuple[str, str]], count: int) -> str:
    lines = [f"  {picture}: {reason}" for picture, reason in skipped[:_LISTED]]
    if len(skipped) > _LISTED:
        lines.append(f"  ... and {len(skipped) - _LISTED} more")
    return "\n".join(
        [
            f"{name}: {len(skipped)} of {count} pictures cannot be read:",
            *lines,
            "Replace or remove them. Without --strict they are skipped, as long as some of each class can be read.",
        ]
    )


def _refuse_lost_classes(name: str, files: Sequence[PictureFile], results: Sequence[int | str]) -> None:
    named = Counter((file.split, file.label) for file in files)
    readable = Counter((f.split, f.label) for f, r in zip(files, results, strict=True) if isinstance(r, int))
    for split, label in named:
        if not readable[split, label]:
            where = f" in {split}" if split else ""
            raise DataError(
                f"{name}: class {label!r}{where}: none of its {named[split, label]} pictures can be read. "
                "Replace them, or take the class out."
            )


def _by_split(
    files: Sequence[PictureFile],
    results: Sequence[int | str],
    images: NDArray[np.uint8],
    class_names: Sequence[str],
) -> dict[SplitName, Split]:
    """The readable pictures of each split; those without a split count as train."""
    index = {label: number for number, label in enumerate(class_names)}
    labels = np.array([index[file.label] for file in files], dtype=np.int64)
    everything = Split(images, labels, [file.name for file in files])
    splits: dict[SplitName, Split] = {}
    for split in SPLITS:
        members = [
            number
            for number, (file, result) in enumerate(zip(files, results, strict=True))
            if isinstance(result, int) and (file.split or "train") == split
        ]
        if len(members) == len(files):
            return {split: everything}  # no copy of what may be most of the memory
        if members:
            splits[split] = everything.take(np.array(members))
    return splits
