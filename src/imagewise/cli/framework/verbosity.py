"""The options `--quiet` and `--verbose`, which every command has."""

from __future__ import annotations

import typer

from imagewise.display.verbosity import Verbosity, is_set_to, set_verbosity


def be_quiet(wanted: bool) -> None:
    """Callback of `--quiet`."""
    if wanted:
        _refuse_both(Verbosity.DETAILS)
        set_verbosity(Verbosity.ERRORS)


def be_verbose(wanted: bool) -> None:
    """Callback of `--verbose`."""
    if wanted:
        _refuse_both(Verbosity.ERRORS)
        set_verbosity(Verbosity.DETAILS)


def _refuse_both(other: Verbosity) -> None:
    if is_set_to(other):
        raise typer.BadParameter("--quiet and --verbose cannot be combined; choose one.")
