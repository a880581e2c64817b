"""What the owner of a set of picture files should know of it: classes out of balance or nearly empty, copies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

FEW = 10  # pictures of a class below which a score for it says nothing
IMBALANCE = 5  # times as many pictures in the largest class as in the smallest
_NAMED = 3  # examples in a notice


def look_over(class_names: Sequence[str], pictures: Sequence[tuple[str, str, str]], hashes: Sequence[int]) -> list[str]:
    """Notices about a set, none where all is well.

    Args:
        class_names: all classes.
        pictures: (name, class, split) of each readable picture.
        hashes: the content hash of each.
    """
    return [
        *_about_one_class(class_names),
        *_about_names(class_names),
        *_about_counts(Counter(label for _, label, _ in pictures)),
        *_about_copies(pictures, hashes),
    ]


def _about_one_class(class_names: Sequence[str]) -> list[str]:
    if len(class_names) > 1:
        return []
    return [f"there is one class only, {class_names[0]!r}: a model can be trained from two on. Add another class."]


def _about_names(class_names: Sequence[str]) -> list[str]:
    folded: dict[str, list[str]] = defaultdict(list)
    for name in class_names:
        folded[name.casefold()].append(name)
    return [
        f"the classes {' and '.join(map(repr, names))} differ in letter case only and count as {len(names)} classes. "
        "Rename one where they are the same."
        for names in folded.values()
        if len(names) > 1
    ]


def _about_counts(counts: Counter[str]) -> list[str]:
    notices = []
    few = [f"{name!r} ({count})" for name, count in sorted(counts.items()) if count < FEW]
    if few:
        notices.append(
            f"classes with fewer than {FEW} pictures: {_some(few)}. Their scores will say little; add pictures."
        )
    (most, largest), (least, smallest) = counts.most_common()[0], counts.most_common()[-1]
    if largest >= IMBALANCE * smallest:
        notices.append(
            f"the classes are out of balance: {largest:,} pictures of {most!r}, {smallest:,} of {least!r}. "
            "A network favours the larger; add pictures to the smaller."
        )
    return notices


def _about_copies(pictures: Sequence[tuple[str, str, str]], hashes: Sequence[int]) -> list[str]:
    groups: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for picture, content in zip(pictures, hashes, strict=True):
        groups[content].append(picture)
    copies = [group for group in groups.values() if len(group) > 1]
    contrary = [group for group in copies if len({label for _, label, _ in group}) > 1]
    across = [group for group in copies if len({split for _, _, split in group}) > 1]
    same = [group for group in copies if group not in contrary and group not in across]
    notices = []
    if contrary:
        notices.append(
            f"{_exact(contrary)} filed under more than one class: {_examples(contrary)}. Keep the right one."
        )
    if across:
        notices.append(
            f"{_exact(across)} in more than one split: {_examples(across)}. Scores on them are too good; remove one."
        )
    if same:
        notices.append(f"{_exact(same)} within one class and split: {_examples(same)}.")
    return notices


def _exact(groups: Sequence[object]) -> str:
    return "1 picture has exact copies" if len(groups) == 1 else f"{len(groups):,} pictures have exact copies"


def _examples(groups: Sequence[Sequence[tuple[str, str, str]]]) -> str:
    return _some([" = ".join(name for name, _, _ in group[:_NAMED]) for group in groups])


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED:,} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
