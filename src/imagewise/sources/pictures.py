"""Labelled picture files as a data set: choose a framing, decode in threads, list what is damaged, split."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.dataset import SPLITS, Dataset, Split, SplitName
from imagewise.errors import DataError, OutputError, PictureError
from imagewise.picture import Framing, Pixels, frame, read_picture
from imagewise.sources.download import Progress
from imagewise.sources.looking import choose_framing, evenly
from imagewise.sources.overview import look_over
from imagewise.sources.picture_cache import Kept, Result, cache_key, keep, keep_choice, read_choice, read_kept
from imagewise.sources.splits import parts_of_train, refuse_unknown_classes
from imagewise.splitting import content_hash

_AT_A_TIME = 256  # pictures: memory does not grow with their number
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
    progress: Progress | None = None,
) -> Dataset:
    """Read the pictures and split them. Damaged ones are listed in the data set's `skipped`.

    Args:
        name: what to call the data set.
        files: all with a split, or all without.
        framing: None to choose by looking.
        strict: refuse damaged pictures instead of skipping them.
        notices: what the user should be told besides.
        progress: told how many pictures are read, where they are not in the cache.

    Raises:
        DataError: no picture can be read, or none of a class; with `strict`, one cannot; a class that train
            lacks.
    """
    if not files:
        raise DataError(f"{name} names no picture. Add pictures with their labels.")
    unknown = framing is None  # a set to train on; one to score needs no advice
    if framing is None:
        looked = cache_key(_known_by(files), None)
        framing, choice = read_choice(looked) or choose_framing(_sample(name, files))
        keep_choice(looked, framing, choice)
        notices = (*notices, choice)
    class_names = tuple(sorted({file.label for file in files}))
    key = cache_key(_known_by(files), framing)
    kept = read_kept(key, framing.shape) or _scan(key, files, framing, class_names, progress)
    results = kept.results
    skipped = [(f.name, r) for f, r in zip(files, results, strict=True) if isinstance(r, str)]
    if skipped and (strict or len(skipped) == len(files)):
        raise DataError(_damaged(name, skipped, len(files)))
    _refuse_lost_classes(name, files, results)
    readable = [file for file, result in zip(files, results, strict=True) if isinstance(result, int)]
    hashes = [result for result in results if isinstance(result, int)]
    labels = _labels(readable, class_names)
    given = {split: _nothing(labels[members]) for split, members in _given(readable).items()}
    refuse_unknown_classes(name, class_names, given)
    parts, rule = _arrange(readable, hashes, labels)
    splits, start = {}, 0
    for split, members in parts.items():  # they lie one after the other in the cache: views, no copies
        names = [readable[number].name for number in members.tolist()]
        splits[split] = Split(kept.images[start : start + len(members)], labels[members], names)
        start += len(members)
    sides = {number: split for split, members in parts.items() for number in members.tolist()}
    known = [(file.name, file.label, sides[number]) for number, file in enumerate(readable)]
    told = look_over(class_names, known, hashes) if unknown else []
    return Dataset(name, class_names, splits, framing, rule, (*notices, *told), tuple(skipped))


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


def _known_by(files: Sequence[PictureFile]) -> Iterator[tuple[Path, str, str | None]]:
    return ((file.path, file.label, file.split) for file in files)


def _scan(
    key: str, files: Sequence[PictureFile], framing: Framing, class_names: Sequence[str], progress: Progress | None
) -> Kept:
    """Decode everything into the cache; into memory where the cache cannot be written."""

    def order(results: Sequence[Result]) -> NDArray[np.int64]:
        readable = [file for file, result in zip(files, results, strict=True) if isinstance(result, int)]
        hashes = [result for result in results if isinstance(result, int)]
        parts, _ = _arrange(readable, hashes, _labels(readable, class_names))
        return np.concatenate([*parts.values(), np.zeros(0, dtype=np.int64)])

    try:
        return keep(key, _read_all(files, framing, progress), framing.shape, order)
    except OutputError:
        chunks = list(_read_all(files, framing, progress))
    results = [result for some, _ in chunks for result in some]
    return Kept(results, np.concatenate([images for _, images in chunks])[order(results)])


def _read_all(
    files: Sequence[PictureFile], framing: Framing, progress: Progress | None
) -> Iterator[tuple[list[Result], Pixels]]:
    """Some files at a time, each with its content hash or in words why it cannot be read; and the framed pictures.

    The hash is that of the pixels before framing: a split does not depend on the size that the network sees.
    """

    def read(file: PictureFile) -> tuple[Result, Pixels | None]:
        try:
            picture = read_picture(file.path)
        except PictureError as error:
            return str(error).removeprefix(f"{file.path}: "), None
        return content_hash(np.asarray(picture)), frame(picture, framing)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes and resizes without holding Python's lock
        for start in range(0, len(files), _AT_A_TIME):
            if progress is not None:
                progress(f"reading {len(files):,} pictures", start, len(files), "pictures")
            answers = list(pool.map(read, files[start : start + _AT_A_TIME]))
            framed = [image for _, image in answers if image is not None]
            yield [result for result, _ in answers], np.array(framed, dtype=np.uint8).reshape(-1, *framing.shape)


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


def _refuse_lost_classes(name: str, files: Sequence[PictureFile], results: Sequence[Result]) -> None:
    named = Counter((file.split, file.label) for file in files)
    readable = Counter((f.split, f.label) for f, r in zip(files, results, strict=True) if isinstance(r, int))
    for split, label in named:
        if not readable[split, label]:
            where = f" in {split}" if split else ""
            raise DataError(
                f"{name}: class {label!r}{where}: none of its {named[split, label]} pictures can be read. "
                "Replace them, or take the class out."
            )


def _labels(files: Sequence[PictureFile], class_names: Sequence[str]) -> NDArray[np.int64]:
    index = {label: number for number, label in enumerate(class_names)}
    return np.array([index[file.label] for file in files], dtype=np.int64)


def _given(files: Sequence[PictureFile]) -> dict[SplitName, NDArray[np.int64]]:
    """Indices of the pictures of each split that the source has; those without a split count as train."""
    sides = np.array([SPLITS.index(file.split or "train") for file in files], dtype=np.int64)
    members = {split: np.flatnonzero(sides == number) for number, split in enumerate(SPLITS)}
    return {split: indices for split, indices in members.items() if len(indices)}


def _arrange(
    files: Sequence[PictureFile], hashes: Sequence[int], labels: NDArray[np.int64]
) -> tuple[dict[SplitName, NDArray[np.int64]], str]:
    """Indices of the pictures of each split, in the order of `SPLITS`, and the rule in words."""
    given = _given(files)
    train = given.get("train", np.zeros(0, dtype=np.int64))
    parts, rule = parts_of_train(set(given), labels[train], lambda: [hashes[number] for number in train.tolist()])
    arranged = given | {split: train[indices] for split, indices in parts.items()}
    return {split: arranged[split] for split in SPLITS if split in arranged}, rule


def _nothing(labels: NDArray[np.int64]) -> Split:
    """A split that is looked at for its labels only."""
    return Split(np.zeros((len(labels), 0, 0, 1), dtype=np.uint8), labels)
