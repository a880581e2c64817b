"""`imagewise data`: the named sets, and the cache of decoded pictures."""

from __future__ import annotations

import typer

from imagewise.cli_options import Json, Names

data_app = typer.Typer(
    help="Named sets, and the cache of decoded pictures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@data_app.command("list")
def data_list(json_: Json = False) -> None:
    """List the named sets, and where each is."""
    from imagewise.console import print_sets

    print_sets(as_json=json_)


@data_app.command("fetch")
def data_fetch(names: Names) -> None:
    """Download named sets into the cache.

    What is on this machine already is left alone.
    """
    from imagewise.live import DownloadDisplay
    from imagewise.sources.catalog import named_set
    from imagewise.sources.named import fetch

    for name in names:
        named_set(name)  # a misspelt one is refused before the others are fetched
    for name in names:
        with DownloadDisplay() as display:
            path = fetch(name, display)
        print(f"{name}  {path}")


@data_app.command("verify")
def data_verify(names: Names, json_: Json = False) -> None:
    """Check named sets by their hashes.

    Compares the files on this machine to the published hashes. Exit 1 where one is wrong.
    """
    from imagewise.console import print_checks
    from imagewise.sources.named import verify

    checks = [(name, check) for name in names for check in verify(name)]
    print_checks(checks, as_json=json_)
    if not all(check.ok for _, check in checks):
        raise SystemExit(1)


@data_app.command("clear-cache")
def data_clear_cache() -> None:
    """Remove the decoded pictures of your own folders.

    They are decoded again when they are next used. Named sets stay.
    """
    from imagewise.sources.picture_cache import cache_folder, clear

    print(f"freed {clear() / 1e6:.1f} MB in {cache_folder()}")
