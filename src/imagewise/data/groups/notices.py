"""What the owner of a set should know of its groups and near-copies, and of what they do to the splits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from imagewise.data.dataset import SPLITS, SplitRule

_NAMED = 3  # examples in a notice
Picture = tuple[str, str, str]  # name, class, split


def look_over_groups(
    class_names: Sequence[str],
    pictures: Sequence[Picture],
    hashes: Sequence[int],
    groups: Sequence[str | None],
    alike: Sequence[Sequence[int]],
    kept: Sequence[Sequence[int]],
    rule: SplitRule,
) -> list[str]:
    """Notices about a set, none where it has neither groups nor near-copies.

    Args:
        class_names: all classes.
        pictures: (name, class, split) of each readable picture.
        hashes: the content hash of each.
        groups: the group of each.
        alike: near-copies, as indices by clusters.
        kept: those of them that stay in one split.
        rule: how the splits were made.
    """
    members: dict[str, list[Picture]] = defaultdict(list)
    for picture, group in zip(pictures, groups, strict=True):
        if group is not None:
            members[group].append(picture)
    different = [[pictures[i] for i in some] for some in kept if len({hashes[i] for i in some}) > 1]
    too_many = [[pictures[i] for i in some] for some in alike if list(some) not in [list(each) for each in kept]]
    notices = [*_about_near_copies(different, rule), *map(_about_fixed_camera, too_many)]
    notices += _about_groups(members, rule)
    if members or different:
        notices += _about_missing(class_names, pictures, rule)
    return notices


def _about_near_copies(clusters: Sequence[Sequence[Picture]], rule: SplitRule) -> list[str]:
    contrary = [cluster for cluster in clusters if len({label for _, label, _ in cluster}) > 1]
    across = [cluster for cluster in clusters if len({split for _, _, split in cluster}) > 1]
    notices = []
    if clusters and rule is not SplitRule.GIVEN:
        count = sum(map(len, clusters))
        notices.append(
            f"{count:,} pictures look the same as others, near-copies in {_groups(len(clusters))}: "
            f"{_examples(clusters)}. Each group is in one split; --no-near-copies splits by content alone."
        )
    if across:
        notices.append(
            f"{_groups(len(across))} of near-copies {_have(across)} pictures in more than one split: "
            f"{_examples(across)}. Scores on them are too good; remove one of each."
        )
    if contrary:
        notices.append(
            f"{_groups(len(contrary))} of near-copies {_have(contrary)} pictures of more than one class: "
            f"{_examples(contrary)}. Check their labels."
        )
    return notices


def _about_fixed_camera(cluster: Sequence[Picture]) -> str:
    (label, count), *_ = Counter(label for _, label, _ in cluster).most_common(1)
    return (
        f"{count:,} pictures of class {label!r} look the same at a small size, as from a fixed camera. They are too "
        "many for one split, so they are split by content. If several show one thing, name the groups: --group-by, or "
        "a column 'group' in a table."
    )


def _about_groups(members: Mapping[str, Sequence[Picture]], rule: SplitRule) -> list[str]:
    if not members:
        return []
    across = {name: some for name, some in members.items() if len({split for _, _, split in some}) > 1}
    classes = [name for name, some in members.items() if len({label for _, label, _ in some}) > 1]
    notices = []
    if rule is not SplitRule.GIVEN:
        notices.append(f"{_groups(len(members))}: all pictures of a group are in one split.")
    if across:
        shown = [f"{name!r} ({_by_split(some)})" for name, some in across.items()]
        notices.append(
            f"{_groups(len(across))} {_have(across)} pictures in more than one split: {_some(shown)}. Scores on them "
            "are too good; move each group into one split."
        )
    if classes:
        notices.append(
            f"{_groups(len(classes))} {_have(classes)} pictures of more than one class: "
            f"{_some([repr(name) for name in classes])}."
        )
    return notices


def _about_missing(class_names: Sequence[str], pictures: Sequence[Picture], rule: SplitRule) -> list[str]:
    """Classes with too few groups for every split that was made."""
    if rule is SplitRule.GIVEN:
        return []
    counts = Counter((label, split) for _, label, split in pictures)
    present = [split for split in SPLITS if split == "train" or any(each == split for _, each in counts)]
    wanted = [split for split in ("validation", "test") if split != "test" or rule.makes_test]
    notices = []
    for split in wanted:
        lacking = [repr(name) for name in class_names if not counts[name, split]]
        if lacking and (split in present or len(lacking) == len(class_names)):
            notices.append(
                f"no pictures of {_some(lacking)} in {split}: the pictures of {_it(lacking)} are in too few groups. "
                "Add pictures of other groups."
            )
    return notices


def _it(names: Sequence[str]) -> str:
    return "this class" if len(names) == 1 else "these classes"


def _by_split(pictures: Sequence[Picture]) -> str:
    counts = Counter(split for _, _, split in pictures)
    return ", ".join(f"{split} {counts[split]:,}" for split in SPLITS if counts[split])


def _groups(count: int) -> str:
    return f"{count:,} group{'' if count == 1 else 's'}"


def _have(some: Sequence[object] | Mapping[str, object]) -> str:
    return "has" if len(some) == 1 else "have"


def _examples(clusters: Sequence[Sequence[Picture]]) -> str:
    return _some([" ~ ".join(name for name, _, _ in cluster[:_NAMED]) for cluster in clusters])


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED:,} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
