"""Labelled pictures as a data set: choose a framing, decode once, list what is damaged, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.dataset import SPLITS, Dataset, Split, SplitName
from imagewise.errors import DataError, OutputError, PictureError
from imagewise.picture import Framing, read_picture
from imagewise.sources.download import Progress
from imagewise.sources.looking import choose_framing, evenly
from imagewise.sources.overview import look_over
from imagewise.sources.picture_cache import Kept, Result, cache_key, keep, keep_choice, read_choice, read_kept, state_of
from imagewise.sources.picture_file import PictureFile
from imagewise.sources.scanning import scan
from imagewise.sources.splits import parts_of_train, refuse_unknown_classes

_LISTED = 20  # damaged pictures that an error message names


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
    state = state_of((file.path, file.name, file.label, file.split) for file in files)
    if framing is None:
        looked = cache_key(state, None)
        framing, choice = read_choice(looked) or choose_framing(_sample(name, files))
        keep_choice(looked, framing, choice)
        notices = (*notices, choice)
    class_names = tuple(sorted({file.label for file in files}))
    key = cache_key(state, framing)
    kept = read_kept(key, framing.shape) or _scan_and_keep(key, files, framing, class_names, progress)
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
        return read_picture(file.source())
    except PictureError:
        return None


def _scan_and_keep(
    key: str, files: Sequence[PictureFile], framing: Framing, class_names: Sequence[str], progress: Progress | None
) -> Kept:
    """Decode everything into the cache; into memory where the cache cannot be written."""

    def order(results: Sequence[Result]) -> NDArray[np.int64]:
        readable = [file for file, result in zip(files, results, strict=True) if isinstance(result, int)]
        hashes = [result for result in results if isinstance(result, int)]
        parts, _ = _arrange(readable, hashes, _labels(readable, class_names))
        return np.concatenate([*parts.values(), np.zeros(0, dtype=np.int64)])

    try:
        return keep(key, scan(files, framing, progress), framing.shape, order)
    except OutputError:
        chunks = list(scan(files, framing, progress))
    results = [result for some, _ in chunks for result in some]
    return Kept(results, np.concatenate([images for _, images in chunks])[order(results)])


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
