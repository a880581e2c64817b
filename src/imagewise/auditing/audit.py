"""`imagewise.audit`: which pictures of a set should somebody look at?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from time import perf_counter

import numpy as np

from imagewise.auditing.copies import Copies, copy_numbers, find_copies
from imagewise.auditing.findings import Audit, Finding, What
from imagewise.auditing.labels import OutOfSample, label_scores, out_of_sample, outlier_scores, require_cleanlab
from imagewise.auditing.looks import file_sizes, look_scores, odd_ones, size_scores
from imagewise.auditing.pictures import AuditedPictures
from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.loading import locate
from imagewise.display.formatting import percent
from imagewise.display.notices import warn_of
from imagewise.display.progress import DownloadDisplay, Silent
from imagewise.errors import DataError
from imagewise.fetch import Progress
from imagewise.framing.framing import Framing
from imagewise.training.planning.loading import load
from imagewise.training.planning.plan import Data, Options

MOST = 100  # findings with one reason
_FEWEST = 10  # pictures of which a model and neighbours say anything
_FARTHEST = 0.01  # of the pictures, that are listed as outliers
_LEAST_PROBABLE = 0.01  # of the labels, that are listed at least: models agree with some wrong labels
_SHOWN = 3  # copies that a line names


def audit(
    data: Data | None = None,
    *,
    split: SplitName | None = None,
    most: int = MOST,
    framing: Framing | str | None = None,
    offline: bool = False,
    strict: bool = False,
    columns: Mapping[str, str] | None = None,
    verbose: bool = True,
) -> Audit:
    """Find labels that may be wrong, copies, outliers, and dark, bright, blank, blurred and odd-sized pictures.

    Args:
        data: as for `imagewise.train`.
        split: the split to audit; None audits all.
        most: findings with one reason.
        framing: of picture files; None chooses from the pictures.
        offline: never download.
        strict: refuse damaged pictures instead of leaving them out.
        columns: which columns of a table to take; see `load_data`.
        verbose: show progress.

    Raises:
        ModelError: cleanlab is not installed.
        DataError: the data cannot be read, lacks the split, or has too few pictures.
    """
    require_cleanlab()
    options = Options(offline=offline, strict=strict, columns=columns, framing=framing)
    with DownloadDisplay() if verbose else Silent() as shown:
        dataset = load_for_audit(data, options, shown)
        if not isinstance(data, Dataset):
            warn_of(dataset.notices, dataset.skipped)
        return audit_dataset(dataset, split, most=most, source=data, offline=offline, progress=shown)


def load_for_audit(data: Data | None, options: Options, progress: Progress) -> Dataset:
    """The data as `train` would load it. Raises DataError."""
    return load(data, replace(options, download_progress=progress), None, for_backbone=True)


def audit_dataset(
    dataset: Dataset,
    split: SplitName | None = None,
    *,
    most: int = MOST,
    source: object = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Audit:
    """`audit` of data that is loaded. Raises what `audit` raises.

    Args:
        source: what the data was loaded from: where its files are looked for, whose sizes may be odd.
    """
    require_cleanlab()
    start = perf_counter()
    pictures = AuditedPictures.of(dataset, split)
    copies = find_copies(pictures.audited)
    units = copy_numbers(len(pictures.audited), copies)
    if len(np.unique(units)) < _FEWEST or len(dataset.class_names) < 2:
        raise DataError(f"{dataset.name}: an audit needs at least {_FEWEST} different pictures, and two classes.")
    sample = out_of_sample(pictures, units, offline=offline, progress=progress)
    found = {
        What.LABEL: list(_labels(pictures, sample)),
        What.COPY: list(_copies(pictures, copies)),
        What.OUTLIER: list(_outliers(pictures, sample)),
    }
    scores = look_scores(pictures.audited.images, drawings=dataset.framing.kind == "ink")
    scores[What.SIZE] = size_scores(file_sizes(_files(pictures, source)))
    for what, values in scores.items():
        found[what] = [Finding(*pictures.place(number), what, score) for number, score in odd_ones(values)]
    right = sample.probabilities.argmax(axis=1) == pictures.labels
    return Audit(
        dataset,
        pictures.splits,
        tuple(finding for what in What for finding in found.get(what, ())[:most]),
        {what: len(found.get(what, ())) for what in What},
        sample.method,
        float(right.mean()),
        perf_counter() - start,
    )


def _labels(pictures: AuditedPictures, sample: OutOfSample) -> Iterator[Finding]:
    """Pictures for which another class is more probable than their label, and at least the least probable hundredth."""
    scores, names = label_scores(pictures.labels, sample.probabilities), pictures.dataset.class_names
    others = sample.probabilities.copy()
    others[np.arange(len(scores)), pictures.labels] = -1
    suggested, best = others.argmax(axis=1), others.max(axis=1)
    order = np.argsort(scores, kind="stable")
    least = set(order[: ceil(_LEAST_PROBABLE * len(scores))].tolist())
    for number in order.tolist():
        if best[number] > scores[number] or number in least:
            other = names[suggested[number]]
            shares = percent(float(best[number]), 100), percent(float(scores[number]), 100)
            detail = f"{other} {shares[0]}, its label {shares[1]}"
            yield Finding(*pictures.place(number), What.LABEL, float(scores[number]), other, detail)


def _copies(pictures: AuditedPictures, copies: list[Copies]) -> Iterator[Finding]:
    """The pictures of each group, one group after the other: those of several classes first, then of several splits."""

    def rank(group: Copies) -> tuple[float, int]:
        classes = len(set(pictures.labels[list(group.members)].tolist()))
        splits = len({pictures.place(member)[0] for member in group.members})
        return (0.0 if classes > 1 else 0.25 if splits > 1 else 0.5) + (0.0 if group.exact else 0.125), group.members[0]

    for count, group in enumerate(sorted(copies, key=rank), start=1):
        for member in group.members:
            others = [other for other in group.members if other != member]
            named = [_called(pictures, other) for other in others[:_SHOWN]]
            more = f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else ""
            detail = f"group {count}: {'equal to' if group.exact else 'looks like'} {', '.join(named)}{more}"
            yield Finding(*pictures.place(member), What.COPY, rank(group)[0], "", detail, count)


def _called(pictures: AuditedPictures, number: int) -> str:
    name, index = pictures.place(number)
    called = f"{name}/{index}" if pictures.audited.names is None else f"{pictures.audited.names[number]}"
    return f"{called} ({pictures.dataset.class_names[pictures.labels[number]]}, {name})"


def _outliers(pictures: AuditedPictures, sample: OutOfSample) -> Iterator[Finding]:
    """The hundredth of the pictures that is farthest from its nearest ones."""
    scores = outlier_scores(sample.features)
    for number in np.argsort(scores, kind="stable")[: ceil(_FARTHEST * len(scores))].tolist():
        yield Finding(*pictures.place(number), What.OUTLIER, float(scores[number]))


def _files(pictures: AuditedPictures, source: object) -> list[Path | None]:
    """The files of the audited pictures, where they can be found."""
    names = pictures.audited.names
    if names is None or not isinstance(source, str | Path):
        return [None] * len(pictures.audited)
    place = locate(source)
    folder = place if place.is_dir() else place.parent
    return [path if (path := folder / name).is_file() else None for name in names]
