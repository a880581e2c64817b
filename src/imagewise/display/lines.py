"""Lines on stderr. Whatever a name holds, it can be printed.

Names of classes and files come from other people. Printed raw, one could move the cursor, hide text or, if it is not
UTF-8, end the command. `printable` writes such characters as escapes; everything that prints a name goes through it.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress

from imagewise.display.verbosity import Verbosity, says

# control characters, line and paragraph separators, bidirectional embeddings and isolates, lone surrogates
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object) -> str:
    r"""`str(text)` on one line. What would steer a terminal or has no bytes in UTF-8 becomes `\n` or `\u001b`.

    Both kinds of escapes mean the same character in JSON and TOML.
    """
    return _UNSAFE.sub(lambda found: _SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", str(text))


def log(line: str, level: Verbosity = Verbosity.NOTICES) -> None:
    """Print a line on stderr, in which names are escaped, unless `--quiet` keeps back what is of this level.

    No command ends because stderr is closed or its disk full.
    """
    if says(level) and sys.stderr is not None:
        with suppress(OSError, ValueError):  # ValueError: closed
            print(printable(line), file=sys.stderr, flush=True)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 picture`, `1,437 pictures`; `plural` if it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
