"""The data set of pictures that come as arrays: the splits that are missing, with near-copies in one split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imagewise.data.dataset import SPLITS, Dataset, Split, SplitName, SplitRule
from imagewise.data.groups.grouping import units_of
from imagewise.data.groups.near_copies import near_clusters, signatures_of, usable_clusters
from imagewise.data.groups.notices import look_over_groups
from imagewise.data.splits import complete_splits, parts_of_train
from imagewise.data.splitting import content_hashes
from imagewise.framing.framing import Framing

MOST = 70_000  # pictures that near-copies are looked for among: about a second


def split_arrays(
    name: str,
    class_names: Sequence[str],
    given: Mapping[SplitName, Split],
    framing: Framing,
    notices: Sequence[str],
    near_copies: bool,
) -> Dataset:
    """The data set, with the splits that `given` lacks made out of train.

    Args:
        given: the splits that the source has.
        near_copies: whether to keep pictures that look the same in one split, and to say which are in several. Only
            sets of up to `MOST` pictures are searched; the `near_copies` of the result says whether this one was.
    """
    names = tuple(class_names)
    present = [split for split in SPLITS if split in given]
    searched = near_copies and sum(map(len, given.values())) <= MOST
    alike = near_clusters([signatures_of(given[split].images) for split in present]) if searched else []
    if not alike:
        splits, rule = complete_splits(given, lambda: content_hashes(given["train"].images))
        return Dataset(name, names, splits, framing, rule, tuple(notices), near_copies=searched)
    hashes = [value for split in present for value in content_hashes(given[split].images)]
    labels = np.concatenate([given[split].labels for split in present])
    near = usable_clusters(alike, labels)
    train = len(given["train"]) if "train" in given else 0  # the first of them
    inside = [some for cluster in near if len(some := [n for n in cluster if n < train]) > 1]
    parts, rule = parts_of_train(set(given), labels[:train], lambda: units_of(hashes[:train], None, inside))
    splits = dict(given) | {split: given["train"].take(members) for split, members in parts.items()}
    sides = [split for split in present for _ in range(len(given[split]))]
    for split, members in parts.items():
        for number in members.tolist():
            sides[number] = split
    pictures = [(f"#{n}", names[label], sides[n]) for n, label in enumerate(labels.tolist())]
    told = look_over_groups(names, pictures, hashes, [None] * len(hashes), alike, near, rule)
    groups = 0 if rule is SplitRule.GIVEN else units_of(hashes, None, near).count
    return Dataset(name, names, splits, framing, rule, (*notices, *told), near_copies=True, groups=groups)
