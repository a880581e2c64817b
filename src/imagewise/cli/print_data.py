"""Sets of pictures on stdout: the named ones, the checks of their files, and what is in a set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imagewise.cli.console import counted, print_fact, print_json, print_line, print_table
from imagewise.framing.framing import describe_size

if TYPE_CHECKING:
    from imagewise.auditing.findings import Audit
    from imagewise.data.dataset import Dataset, SplitName
    from imagewise.data.named_sets import FileCheck
    from imagewise.data.picture_files.picture_cache import KeptSet

_LISTED_LABELS = 10


def print_sets(*, as_json: bool) -> None:
    """Print the named sets, and where each is."""
    from imagewise.data.named_sets import data_sets

    sets = data_sets()
    if as_json:
        print_json([vars(each) | {"path": each.path and str(each.path)} for each in sets])
        return
    rows: list[tuple[object, ...]] = [("set", "title", "download", "where")]
    for each in sets:
        size = f"{each.download_bytes / 1e6:.0f} MB" if each.download_bytes else "none"
        rows.append((each.name, each.title, size, f"{each.place}: {each.path}" if each.place else "not downloaded"))
    print_table(rows)


def print_cache(kept: Sequence[KeptSet], unpacked: int, features: int, freed: int | None, *, as_json: bool) -> None:
    """Print the sets of decoded pictures that are kept, the bytes of unpacked archives and of features, and what has
    been freed."""
    from datetime import datetime

    from imagewise.paths import cache_dir

    folder, size = cache_dir("pictures"), sum(each.size for each in kept)
    if as_json:
        sets = [vars(each) for each in kept]
        others = {"archives_bytes": unpacked, "features_bytes": features}
        print_json({"folder": str(folder), "bytes": size, "freed": freed, "sets": sets, **others})
        return
    print_fact("folder", folder)
    if freed is not None:
        print_fact("freed", f"{freed / 1e6:,.1f} MB")
    print_fact("kept", f"{counted(len(kept), 'set')}, {size / 1e6:,.1f} MB")
    if unpacked:
        print_fact("archives", f"{unpacked / 1e6:,.1f} MB unpacked in {cache_dir('archives')}")
    if features:
        print_fact("features", f"{features / 1e6:,.1f} MB in {cache_dir('features')}")
    if kept:
        rows = [
            (
                each.name[:12],
                f"{each.pictures:,}",
                describe_size(each.shape),
                f"{each.size / 1e6:,.1f}",
                f"{datetime.fromtimestamp(each.used):%Y-%m-%d %H:%M}",
            )
            for each in kept
        ]
        print_line()
        print_table([("set", "pictures", "size", "MB", "last used"), *rows])


def print_checks(checks: Sequence[tuple[str, FileCheck]], *, as_json: bool) -> None:
    """Print what `data verify` found, one row for each (set, file)."""
    if as_json:
        print_json([{"set": name} | vars(check) for name, check in checks])
        return
    rows = [(f"{name}/{check.file}", "ok" if check.ok else "WRONG", check.detail) for name, check in checks]
    print_table([("file", "state", "detail"), *rows])


def print_dataset(dataset: Dataset, *, as_json: bool, sheet: Path) -> None:
    """Print counts per class and split, size and value range of a set, and the path of its contact sheet."""
    from imagewise.data.contact_sheet import dataset_facts

    facts = dataset_facts(dataset)
    if as_json:
        more = {
            "split_rule": dataset.split_rule.sentence,
            "groups": dataset.groups,
            "fingerprint": dataset.fingerprint,
            "skipped": dataset.skipped,
        }
        print_json(facts.as_dict() | more | {"contact_sheet": str(sheet)})
        return
    classes = counted(len(dataset.class_names), "class", "classes")
    print_line(f"{dataset.name}: {classes}, pictures {describe_size(dataset.shape)}")
    print_line(f"splits: {dataset.split_text}")
    print_line(f"values: {facts.minimum} to {facts.maximum}, mean {facts.mean:.1f}")
    print_line()
    totals = ["total", *(sum(counts.values()) for counts in facts.counts.values())]
    rows = [[name, *(counts[name] for counts in facts.counts.values())] for name in dataset.class_names]
    print_table([["class", *facts.counts], *rows, totals])
    print_line()
    print_fact("contact sheet", sheet)


def print_pictures(dataset: Dataset, split: SplitName) -> None:
    """Print a few pictures of a split, if stdout is a terminal with 24-bit colour and Unicode."""
    from rich.console import Console

    from imagewise.data.contact_sheet import terminal_sheet

    console = Console()
    colours = console.is_terminal and console.color_system == "truecolor" and not console.no_color
    if colours and console.encoding.startswith("utf"):
        console.print(terminal_sheet(dataset, split, console.width))


def print_audit(audit: Audit) -> None:
    """Print what an audit found: a line for each reason, then the pictures whose labels are most suspicious."""
    from imagewise.auditing.findings import What
    from imagewise.display.formatting import percent

    print_line(f"{audit.dataset.name}, {counted(audit.count, 'picture')} of {', '.join(audit.splits)}")
    print_line(f"labels compared with {audit.method}, {percent(audit.accuracy, audit.count)} the same")
    print_line()
    print_table([("found", "pictures"), *((what.heading, audit.counts[what]) for what in What)])
    suspicious = audit.of(What.LABEL)[:_LISTED_LABELS]
    if suspicious:
        print_line()
        print_table(
            [
                ("picture", "label", "seems to be"),
                *((audit.path(each), audit.label(each), each.suggestion) for each in suspicious),
            ]
        )
    print_line()
