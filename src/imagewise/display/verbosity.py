"""How much a command says on stderr: errors only (`--quiet`), what matters, or every detail (`--verbose`).

The level is that of the logger `imagewise.cli`: the standard library's place for it, set again for each command line.
"""

from __future__ import annotations

import logging
from enum import IntEnum

_LOGGER = "imagewise.cli"


class Verbosity(IntEnum):
    """What is said: everything of this level and above."""

    DETAILS = logging.DEBUG
    NOTICES = logging.INFO
    ERRORS = logging.ERROR


def set_verbosity(level: Verbosity) -> None:
    """Say what is of this level and above from here on."""
    logging.getLogger(_LOGGER).setLevel(level)


def says(level: Verbosity) -> bool:
    """Whether lines of this level are printed."""
    return level >= (logging.getLogger(_LOGGER).level or Verbosity.NOTICES)


def is_set_to(level: Verbosity) -> bool:
    """Whether this very level was set."""
    return logging.getLogger(_LOGGER).level == level
