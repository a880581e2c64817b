"""The table of an audit: what it found about each picture, and what the user decided."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from imagewise.errors import DataError, did_you_mean

Action = Literal["keep", "relabel", "drop"]
ACTIONS: tuple[Action, ...] = get_args(Action)
COLUMNS = ("path", "label", "what", "score", "suggestion", "action", "split", "detail", "pixels")
_NEEDED = ("path", "label", "suggestion", "action")


@dataclass(frozen=True)
class Correction:
    """A row that changes something.

    Attributes:
        line: of the table, from 1.
        path: what the picture is called: as from `picture_path`.
        label: its class when the audit was made.
        action: what to do with it.
        suggestion: the class that it is given by `relabel`.
        pixels: `pixel_digest` of the picture; "" where the table has none.
    """

    line: int
    path: str
    label: str
    action: Action
    suggestion: str
    pixels: str


@dataclass(frozen=True)
class AppliedAudit:
    """Which table was applied to a data set.

    Attributes:
        file: absolute path.
        sha256: of its content.
    """

    file: str
    sha256: str


@dataclass(frozen=True)
class Corrections:
    """A table of corrections.

    Attributes:
        table: which it is.
        rows: those that change something.
    """

    table: AppliedAudit
    rows: tuple[Correction, ...]


def table_text(rows: Iterable[Mapping[str, object]]) -> str:
    """The content of a table with these rows, which have the fields `COLUMNS`."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def read_corrections(path: str | Path) -> Corrections:
    """The corrections in a table that `imagewise audit` wrote and the user changed.

    Raises:
        DataError: there is no such file, it is not such a table, or a row cannot be carried out.
    """
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}). Name the CSV file that `imagewise audit` wrote."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8. Save it as CSV with the encoding UTF-8.") from error
    rows = tuple(_rows(path, text))
    _refuse_contradictions(path, rows)
    return Corrections(AppliedAudit(str(path.resolve()), hashlib.sha256(content).hexdigest()), rows)


def _rows(path: Path, text: str) -> Iterator[Correction]:
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}: lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}. Name the CSV file that "
            "`imagewise audit` wrote."
        )
    for row in reader:
        action = (row["action"] or "keep").strip().lower()
        if action not in ACTIONS:
            raise DataError(
                f"{path}, line {reader.line_num}: unknown action {action!r}.{did_you_mean(action, ACTIONS)} Write "
                "keep, relabel or drop."
            )
        if action == "keep":
            continue
        suggestion = (row["suggestion"] or "").strip()
        if action == "relabel" and not suggestion:
            raise DataError(
                f"{path}, line {reader.line_num}: relabel, but the column suggestion is empty. Write the right class "
                "there."
            )
        yield Correction(
            reader.line_num,
            row["path"] or "",
            row["label"] or "",
            cast(Action, action),
            suggestion,
            row.get("pixels") or "",
        )


def _refuse_contradictions(path: Path, rows: Sequence[Correction]) -> None:
    given: dict[str, Correction] = {}
    for row in rows:
        if row.action == "relabel":
            other = given.setdefault(row.path, row)
            if other.suggestion != row.suggestion:
                raise DataError(
                    f"{path}: {row.path} is relabelled as {other.suggestion!r} in line {other.line} and as "
                    f"{row.suggestion!r} in line {row.line}. Write keep into one of them."
                )
