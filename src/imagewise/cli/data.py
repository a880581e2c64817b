"""`imagewise show`, and `imagewise data`: the named sets and the cache of decoded pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewise.cli.framework.command import Command, Group
from imagewise.cli.options import Columns, Data, GroupBy, Json, NearCopies, Offline, Strict, examples, parse_columns

ShownSplit = Annotated[
    Literal["train", "validation", "test"] | None,
    typer.Option("--split", help="Split that the contact sheet shows.  [default: train]"),
]
SheetFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The contact sheet, a PNG.  [default: DATA-contact-sheet.png]",
        rich_help_panel="Output",
    ),
]
Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Named sets; see `imagewise data list`.")]

ClearCache = Annotated[bool, typer.Option("--clear", help="Delete all of them. They are decoded again when used.")]
CacheLimit = Annotated[
    str | None,
    typer.Option("--limit", metavar="SIZE", help="Keep at most this much, e.g. 2GB; delete what was used longest ago."),
]

commands = typer.Typer()
data_commands = typer.Typer(
    cls=Group,
    help="Manage the named sets and the cache of decoded pictures.",
    epilog=examples("data list", "data fetch mnist", "data verify mnist"),
    no_args_is_help=True,
)
commands.add_typer(data_commands, name="data")


@commands.command(cls=Command, epilog=examples("show mnist", "show flowers/ --split test --out flowers.png"))
def show(
    data: Data,
    split: ShownSplit = None,
    out: SheetFile = None,
    offline: Offline = False,
    strict: Strict = False,
    group_by: GroupBy = None,
    near_copies: NearCopies = True,
    columns: Columns = None,
    json_: Json = False,
) -> None:
    """Look at a set.

    Prints counts, sizes and value range, and writes a labelled contact sheet.
    """
    from imagewise.atomic import atomic_writer
    from imagewise.cli.print_data import print_dataset, print_pictures
    from imagewise.data.contact_sheet import contact_sheet
    from imagewise.data.groups.grouping import Grouping
    from imagewise.data.loading import open_data
    from imagewise.display.notices import print_notices
    from imagewise.display.progress import DownloadDisplay
    from imagewise.framing.own_pictures import save_own

    with DownloadDisplay() as display:
        dataset = open_data(
            data,
            offline=offline,
            strict=strict,
            columns=parse_columns(columns),
            progress=display,
            grouping=Grouping(group_by, near_copies),
        )
    print_notices(dataset.notices, dataset.skipped)
    first, *_ = dataset.splits
    chosen = split or first
    path = out or Path(f"{Path(dataset.name).stem}-contact-sheet.png")
    sheet = contact_sheet(dataset, chosen)
    with atomic_writer(path) as file:
        save_own(sheet, file)
    print_dataset(dataset, as_json=json_, sheet=path)
    if not json_:
        print_pictures(dataset, chosen)


@data_commands.command("list", cls=Command, epilog=examples("data list", "data list --json"))
def data_list(json_: Json = False) -> None:
    """List the named sets, and where each is."""
    from imagewise.cli.print_data import print_sets

    print_sets(as_json=json_)


@data_commands.command("fetch", cls=Command, epilog=examples("data fetch mnist", "data fetch kmnist cifar10"))
def data_fetch(names: Names) -> None:
    """Download named sets into the cache.

    Sets that are on this machine already are not downloaded again.
    """
    from imagewise.cli.console import print_line
    from imagewise.data.catalog import named_set
    from imagewise.data.named_sets import fetch
    from imagewise.display.progress import DownloadDisplay

    for name in names:
        named_set(name)  # refuses a misspelt name before the others are downloaded
    for name in names:
        with DownloadDisplay() as display:
            path = fetch(name, display)
        print_line(f"{name}  {path}")


@data_commands.command("verify", cls=Command, epilog=examples("data verify mnist"))
def data_verify(names: Names, json_: Json = False) -> None:
    """Check named sets by their hashes.

    Compares the files on this machine with the published hashes. Exits with 1 if a file is wrong.
    """
    from imagewise.cli.print_data import print_checks
    from imagewise.data.named_sets import verify

    checks = [(name, check) for name in names for check in verify(name)]
    print_checks(checks, as_json=json_)
    if not all(check.ok for _, check in checks):
        raise SystemExit(1)


@data_commands.command(
    "cache", cls=Command, epilog=examples("data cache", "data cache --limit 2GB", "data cache --clear")
)
def data_cache(clear: ClearCache = False, limit: CacheLimit = None, json_: Json = False) -> None:
    """List the decoded pictures that are kept, or delete some.

    imagewise keeps at most 20 GB; the sets that were used longest ago make room. Unpacked archives, at most 50 GB, and
    features of pictures, at most 10 GB, are kept beside them; --clear deletes them too. Named sets are listed by
    `imagewise data list`.
    """
    from imagewise.backbones.computing import feature_cache
    from imagewise.cli.print_data import print_cache
    from imagewise.data.picture_files import picture_cache
    from imagewise.data.sources import archives

    if clear and limit is not None:
        raise typer.BadParameter("--clear and --limit cannot be combined; choose one.")
    freed = None
    if clear:
        freed = picture_cache.clear() + archives.clear() + feature_cache.clear()
    elif limit is not None:
        freed = picture_cache.limit(_bytes(limit))
    kept, others = picture_cache.kept_sets(), (archives.kept_bytes(), feature_cache.kept_bytes())
    print_cache(kept, *others, freed, as_json=json_)


def _bytes(text: str) -> int:
    """`500MB`, `2 GB`, `1.5G` in bytes. Raises BadParameter."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise typer.BadParameter(f"--limit {text!r} is not a size. Write 500MB or 2GB.")
    factor: int = 1000 ** " KMGT".index(found[2].upper() or " ")
    return round(float(found[1]) * factor)


@data_commands.command("clear-cache", cls=Command, epilog=examples("data clear-cache"))
def data_clear_cache() -> None:
    """Delete the decoded copies of your own pictures, their features, and unpacked archives.

    imagewise decodes, computes and unpacks again when you next use them. Named sets stay.
    """
    from imagewise.backbones.computing import feature_cache
    from imagewise.cli.console import print_line
    from imagewise.data.picture_files import picture_cache
    from imagewise.data.sources import archives
    from imagewise.paths import cache_dir

    freed = picture_cache.clear() + archives.clear() + feature_cache.clear()
    folders = [str(cache_dir(name)) for name in ("pictures", "archives", "features")]
    print_line(f"freed {freed / 1e6:.1f} MB in {', '.join(folders[:-1])} and {folders[-1]}")
