"""Lines, tables, JSON and CSV on stdout, and errors on stderr. Whatever a name holds, it can be printed."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagewise.display.lines import counted as counted
from imagewise.display.lines import log as log
from imagewise.display.lines import printable as printable
from imagewise.display.verbosity import Verbosity, says


def accept_all_characters() -> None:
    """Have stdout escape the characters that its encoding lacks, instead of raising UnicodeEncodeError."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _switch_to_utf_8() -> None:
    """Have stdout write UTF-8 from here on: the encoding of JSON and CSV does not depend on the machine."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_error(message: str) -> None:
    """Print `imagewise: error: MESSAGE` on stderr; the message may have several lines."""
    for line in f"imagewise: error: {message}".splitlines():
        log(line, Verbosity.ERRORS)


def print_environment() -> None:
    """With `--verbose`: the versions and folders that a command works with."""
    if not says(Verbosity.DETAILS):
        return
    import platform
    from importlib.metadata import version

    from imagewise.paths import cache_dir, data_dir, weights_dir

    system = f"Python {platform.python_version()}, {platform.platform()}"
    log(f"imagewise {version('imagewise')}, onnxruntime {version('onnxruntime')}, {system}", Verbosity.DETAILS)
    log(f"cache   {cache_dir()}", Verbosity.DETAILS)
    log(f"data    IMAGEWISE_DATA={data_dir() or '(not set)'}", Verbosity.DETAILS)
    log(f"weights IMAGEWISE_WEIGHTS={weights_dir() or '(not set)'}", Verbosity.DETAILS)


def open_page(path: Path) -> None:
    """Open a page in the browser; print a line if no browser opens."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        log(f"note: no browser was found. Open {path} in a browser.")


def print_line(text: object = "") -> None:
    """Print one line on stdout, in which names are escaped."""
    print(printable(text))


def print_fact(name: str, value: object, *, to_stderr: bool = False) -> None:
    """Print `model       runs/x/model.onnx`: a name and its value in two columns; on stderr if stdout is JSON."""
    line = f"{printable(name):<10}  {printable(value)}"
    if to_stderr:
        log(line)
    else:
        print(line)


def print_json(value: object) -> None:
    """Print indented JSON in UTF-8; only what would steer a terminal is escaped."""
    _switch_to_utf_8()
    for line in json.dumps(value, indent=2, ensure_ascii=False).split("\n"):
        print_line(line)


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns, numbers to the right. The first row is the header."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    numeric = [all(_is_number(row[column]) for row in cells[1:]) for column in range(len(widths))]
    for row in cells:
        parts = (c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True))
        print("  ".join(parts).rstrip())


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[\d.,]+(e[-+]?\d+)?%?|-", cell))


def print_csv_row(cells: Iterable[object]) -> None:
    """Print a row of CSV in UTF-8. Names are exact in a file or pipe, and escaped on a terminal."""
    _switch_to_utf_8()
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    values = [printable(cell) if on_terminal else str(cell) for cell in cells]
    row = io.StringIO()
    if any("\r" in value for value in values):  # it ends a row for readers, but the writer does not quote it by itself
        csv.writer(row, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(values)
    else:
        csv.writer(row, lineterminator="\n").writerow(values)
    print(row.getvalue(), end="")


def shortened(names: Sequence[object], shown: int = 20) -> str:
    """The first `shown` names and the number of those left out."""
    rest = len(names) - shown
    return ", ".join(map(str, names[:shown])) + (f" and {rest:,} more" if rest > 0 else "")
