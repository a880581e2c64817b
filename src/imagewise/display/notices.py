"""What the user should know about a data set: as lines of a command, or as warnings of Python."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from imagewise.display.lines import counted, log
from imagewise.display.verbosity import Verbosity, says
from imagewise.errors import ImagewiseWarning

SKIPPED_SHOWN = 10


class Note(str):
    """A notice of an ordinary choice, such as that of an input size: it is shown, but it is no reason for a warning."""

    __slots__ = ()


def print_notices(notices: Sequence[str], skipped: Sequence[tuple[str, str]], all_in: str | None = None) -> None:
    """Print what the user should know about a data set, and which pictures were left out.

    Args:
        notices: one line each.
        skipped: (path, reason) of each picture that was left out; the first 10 are listed, with `--verbose` all.
        all_in: the file that lists all of them.
    """
    for notice in notices:
        log(f"note: {notice}")
    if not skipped:
        return
    log(f"note: left out {counted(len(skipped), 'picture')} that cannot be read (--strict refuses damaged pictures):")
    shown = len(skipped) if says(Verbosity.DETAILS) else SKIPPED_SHOWN
    for path, reason in skipped[:shown]:
        log(f"  {path}: {reason}")
    if len(skipped) > shown:
        log(f"  and {len(skipped) - shown:,} more; {f'{all_in} lists' if all_in else '--verbose prints'} all")


def warn_of(notices: Sequence[str], skipped: Sequence[tuple[str, str]] = ()) -> None:
    """Warn of each notice that is not a `Note`, and once of all pictures that were left out.

    The warnings point at the line of the user's program that called imagewise.
    """
    for notice in notices:
        if not isinstance(notice, Note):
            warn(notice)
    if skipped:
        listed = [f"  {path}: {reason}" for path, reason in skipped[:SKIPPED_SHOWN]]
        if len(skipped) > SKIPPED_SHOWN:
            listed.append(f"  and {len(skipped) - SKIPPED_SHOWN:,} more; `.skipped` lists all")
        first = f"left out {counted(len(skipped), 'picture')} that cannot be read (strict=True refuses them):"
        warn("\n".join([first, *listed]))


def warn(message: str) -> None:
    """Warn of something, at the line of the user's program that called imagewise."""
    warnings.warn(message, ImagewiseWarning, stacklevel=_users_level())


def _users_level() -> int:
    """The `stacklevel` of the first frame outside imagewise, as `warn` counts it."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "imagewise":
        level, frame = level + 1, frame.f_back
    return level
