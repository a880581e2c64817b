"""results.csv: one row a measured value, only ever added to. A table shows each subject's newest session.

A session is what belongs together, by default one day; measured in pieces, its values add up. After a change that
should be measured again, name another (`--session NAME`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import floor, log10
from pathlib import Path
from statistics import mean, median, stdev

from benchmarks.measuring import machine

from imagewise.training.record import installed_versions

PEERS = ("scikit-learn", "jax")


@dataclass(frozen=True)
class Row:
    """One value.

    Attributes:
        part: the harness's part that measured it.
        subject: what was measured; `figure` and `unit` say what of it.
        run: the seed, or the number of the repetition.
        value: a number, or text where the figure is a course over time.
    """

    session: str
    made: str
    part: str
    subject: str
    run: int
    figure: str
    unit: str
    value: str
    machine: str
    versions: str


class Results:
    """The file, and the session that rows are added under."""

    def __init__(self, path: Path, session: str | None = None) -> None:
        self._path = path
        self._session = session or f"{datetime.now(UTC):%Y-%m-%d}"
        self._machine = machine()
        known = installed_versions() | {name: v for name in PEERS if (v := _version(name))}
        self._versions = ", ".join(f"{name} {number}" for name, number in known.items())

    def add(self, part: str, subject: str, run: int, values: Mapping[tuple[str, str], float | str | None]) -> None:
        """Append values, by (figure, unit). None, a figure that was not reached, is kept as an empty value."""
        made = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        new = not self._path.exists()
        with self._path.open("a", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
            if new:
                writer.writeheader()
            for (figure, unit), value in values.items():
                text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
                about = (self._session, made, part, subject, run, figure, unit, text, self._machine, self._versions)
                writer.writerow(asdict(Row(*about)))

    def newest(self, part: str) -> dict[str, list[Row]]:
        """Subject to the rows of its newest session, in the order in which subjects first came."""
        if not self._path.exists():
            return {}
        with self._path.open(newline="") as file:
            rows = [_row(record) for record in csv.DictReader(file) if record["part"] == part]
        sessions = {row.subject: row.session for row in rows}
        return {
            subject: [row for row in rows if row.subject == subject and row.session == session]
            for subject, session in sessions.items()
        }


def _row(record: dict[str, str]) -> Row:
    run = int(record.pop("run"))
    return Row(run=run, **record)


@dataclass(frozen=True)
class Figure:
    """Several values of one thing; `missing` are the runs that did not reach it."""

    values: tuple[float, ...]
    missing: int = 0

    @classmethod
    def of(cls, rows: list[Row], figure: str) -> Figure:
        found = [row.value for row in rows if row.figure == figure]
        values = tuple(float(value) for value in found if value)
        return cls(values, len(found) - len(values))

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def median(self) -> float:
        return median(self.values)

    def text(self, digits: int = 3) -> str:
        """`mean ± std`, to `digits` significant digits of the mean; without ± for a single value."""
        if not self.values:
            return "not reached" if self.missing else ""
        average = mean(self.values)
        places = max(0, digits - 1 - floor(log10(abs(average)))) if average else 0
        spread = f" ± {stdev(self.values):,.{places}f}" if self.n > 1 else ""
        missed = f" ({self.missing} of {self.n + self.missing} not)" if self.missing else ""
        return f"{average:,.{places}f}{spread}{missed}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
