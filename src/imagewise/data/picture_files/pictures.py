"""Labelled pictures as a data set: choose a framing, decode once, list what is damaged, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from imagewise.data.auto_framing import Look, choose_framing, describe, look, look_at_some
from imagewise.data.checks import look_over
from imagewise.data.class_order import in_natural_order
from imagewise.data.dataset import SPLITS, Dataset, Split, SplitName, SplitRule
from imagewise.data.groups.grouping import Units, groups_by_name, units_of
from imagewise.data.groups.near_copies import near_clusters, usable_clusters
from imagewise.data.groups.notices import look_over_groups
from imagewise.data.memmap import MappedRange
from imagewise.data.picture_files.decoding import scan
from imagewise.data.picture_files.picture_cache import (
    Clusters,
    Kept,
    Result,
    cache_key,
    keep,
    keep_choice,
    read_choice,
    read_kept,
    state_of,
)
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.picture_files.reading import Reading
from imagewise.data.splits import parts_of_train, refuse_unknown_classes
from imagewise.display.notices import Note
from imagewise.errors import DataError, OutputError, PictureError
from imagewise.fetch import Progress
from imagewise.framing.decoding import picture_error, read_picture
from imagewise.framing.framing import Framing
from imagewise.naming import natural_key, same_letters

_LISTED = 20  # damaged pictures that an error message names


def load_pictures(
    name: str,
    files: Sequence[PictureFile],
    how: Reading,
    notices: Sequence[str] = (),
    usual: Framing | None = None,
) -> Dataset:
    """Read the pictures and split them. Damaged ones are listed in the data set's `skipped`.

    Args:
        name: what to call the data set.
        files: all with a split, or all without.
        how: as the caller wants them read. `progress` counts pictures that are not in the cache.
        notices: what the user should be told besides.
        usual: the framing of pictures of this kind, where `how` names none; None to choose by looking at them.

    Raises:
        DataError: no picture can be read, or none of a class; with `strict`, one cannot; a class that train
            lacks; groups by name that no name has.
    """
    if not files:
        raise DataError(f"{name} names no picture. Add pictures with their labels.")
    files = _in_one_spelling(files)
    framing, grouping = how.framing, how.grouping
    unknown = framing is None  # a set to train on; one to score needs no advice
    if grouping.by is not None:
        by_name, said = groups_by_name(name, [file.name for file in files], grouping)
        files = [replace(file, group=group) for file, group in zip(files, by_name, strict=True)]
        notices = (*notices, *said)
    state = state_of((file.path, file.name, file.label, file.split, file.group) for file in files)
    if framing is None and usual is not None:
        framing = usual
        notices = (*notices, Note(f"using {describe(usual)} which leaves such pictures as they are."))
    if framing is None:
        looked = cache_key(state, how.photo_sizes)
        framing, choice = read_choice(looked) or choose_framing(_sample(name, files), how.photo_sizes, len(files))
        keep_choice(looked, framing, choice)
        notices = (*notices, Note(choice))
    class_names = tuple(sorted({file.label for file in files}))
    key = cache_key(state, framing, grouping.near_copies)
    kept = read_kept(key, framing.shape) or _scan_and_keep(
        key, files, framing, class_names, how.progress, grouping.near_copies
    )
    results = kept.results
    skipped = [(f.name, r) for f, r in zip(files, results, strict=True) if isinstance(r, str)]
    skipped.sort(key=lambda picture: natural_key(picture[0]))
    if skipped and (how.strict or len(skipped) == len(files)):
        raise DataError(_damaged(name, skipped, len(files)))
    _refuse_lost_classes(name, files, results)
    readable = [file for file, result in zip(files, results, strict=True) if isinstance(result, int)]
    hashes = [result for result in results if isinstance(result, int)]
    labels = _labels(readable, class_names)
    given = {split: _nothing(labels[members]) for split, members in _given(readable).items()}
    refuse_unknown_classes(name, class_names, given)
    alike = kept.near if grouping.near_copies else []
    near = usable_clusters(alike, labels)
    parts, rule = _arrange(readable, hashes, labels, near)
    splits, start = {}, 0
    for split, members in parts.items():  # they lie one after the other in the cache: views, no copies
        names = [readable[number].name for number in members.tolist()]
        part = MappedRange.cut(kept.images, start, start + len(members))
        splits[split] = Split.of_range(part, labels[members], names)
        start += len(members)
    sides = {number: split for split, members in parts.items() for number in members.tolist()}
    known = [(file.name, file.label, sides[number]) for number, file in enumerate(readable)]
    groups = [file.group for file in readable]
    told = look_over(class_names, known, hashes) if unknown else []
    told += look_over_groups(class_names, known, hashes, groups, alike, near, rule)
    units = units_of(hashes, groups, near)
    dataset = Dataset(
        name,
        class_names,
        splits,
        framing,
        rule,
        (*notices, *told),
        tuple(skipped),
        group_by=grouping.by,
        near_copies=grouping.near_copies,
        groups=0 if rule is SplitRule.GIVEN else units.count,
    )
    # the order of classes in the split rule and in the cache is that of their characters: splits stay as they were
    return in_natural_order(dataset)


def _in_one_spelling(files: Sequence[PictureFile]) -> Sequence[PictureFile]:
    """The files with classes in one spelling of each letter: macOS and Linux write `é` in two."""
    other = {label: same_letters(label) for label in {file.label for file in files}}
    if all(label == spelt for label, spelt in other.items()):
        return files
    return [replace(file, label=other[file.label]) for file in files]


def _sample(name: str, files: Sequence[PictureFile]) -> list[Look]:
    """Looks at readable pictures spread over the whole; at the first readable one where all of those are damaged."""
    sample = look_at_some(len(files), lambda i: found if isinstance(found := _try_look(files[i]), Look) else None)
    if not sample:
        sample = list(islice((found for file in files if isinstance(found := _try_look(file), Look)), 1))
    if not sample:
        first = _try_look(files[0])
        why = f" The first, {first}" if isinstance(first, PictureError) else ""
        raise DataError(f"{name}: not one of its {len(files)} pictures can be read. Replace the files.{why}")
    return sample


def _try_look(file: PictureFile) -> Look | PictureError:
    try:
        return look(read_picture(file.source()))
    except Exception as error:
        return picture_error(error, None).at(file.name)


def _scan_and_keep(
    key: str,
    files: Sequence[PictureFile],
    framing: Framing,
    class_names: Sequence[str],
    progress: Progress | None,
    near_copies: bool,
) -> Kept:
    """Decode everything into the cache; into memory where the cache cannot be written."""

    def order(results: Sequence[Result], near: Clusters) -> NDArray[np.int64]:
        readable = [file for file, result in zip(files, results, strict=True) if isinstance(result, int)]
        hashes = [result for result in results if isinstance(result, int)]
        labels = _labels(readable, class_names)
        parts, _ = _arrange(readable, hashes, labels, usable_clusters(near, labels) if near_copies else [])
        return np.concatenate([*parts.values(), np.zeros(0, dtype=np.int64)])

    try:
        return keep(key, scan(files, framing, progress), framing.shape, order)
    except OutputError:
        chunks = list(scan(files, framing, progress))
    results = [result for some, _, _ in chunks for result in some]
    near = near_clusters([signatures for _, _, signatures in chunks])
    return Kept(results, np.concatenate([images for _, images, _ in chunks])[order(results, near)], near)


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
    files: Sequence[PictureFile], hashes: Sequence[int], labels: NDArray[np.int64], near: Clusters
) -> tuple[dict[SplitName, NDArray[np.int64]], SplitRule]:
    """Indices of the pictures of each split, in the order of `SPLITS`, and the rule."""
    given = _given(files)
    train = given.get("train", np.zeros(0, dtype=np.int64))
    here = {number: index for index, number in enumerate(train.tolist())}

    def units() -> Units:
        groups = [files[number].group for number in here]
        return units_of([hashes[n] for n in here], groups, [[here[n] for n in some if n in here] for some in near])

    parts, rule = parts_of_train(set(given), labels[train], units)
    arranged = given | {split: train[indices] for split, indices in parts.items()}
    return {split: arranged[split] for split in SPLITS if split in arranged}, rule


def _nothing(labels: NDArray[np.int64]) -> Split:
    """A split that is looked at for its labels only."""
    return Split(np.zeros((len(labels), 0, 0, 1), dtype=np.uint8), labels)
