"""Training runs as their folders tell of them, while they train too. Only read; nothing that is broken stops it."""

from __future__ import annotations

import csv
import io
import os
import platform
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagewise.errors import ModelError
from imagewise.history import EpochRecord
from imagewise.server import lenient

RECORD, HISTORY, MODEL = "run.json", "history.csv", "model.onnx"
COLUMNS = tuple(field.name for field in fields(EpochRecord))
Row = list[float | None]
_LARGEST = 16 * 2**20  # bytes of a file: more is none of ours
_QUIET_SECONDS = 3600.0  # nothing written for so long, and for so many of its longest epoch: taken for dead
_QUIET_EPOCHS = 20


@dataclass(frozen=True)
class RunFiles:
    """What lay in a run's folder at one time.

    Attributes:
        name: the folder's.
        record: run.json; empty where it is missing or broken.
        history: rows of `COLUMNS`, whole ones only; None for what was not measured or is not finite.
        written: when the last of both was, in seconds since 1970.
        has_model: model.onnx lies there.
        problems: what could not be read, in sentences.
    """

    name: str
    record: dict[str, Any]
    history: list[Row]
    written: float
    has_model: bool
    problems: tuple[str, ...]


def check_folder(folder: Path) -> None:
    """Raises ModelError where this is no folder of runs."""
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        why = "there is no such folder" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise ModelError(
            f"--runs {folder}: {why}. Name the folder that holds the runs, as `imagewise train` makes `runs`."
        ) from error
    if (folder / RECORD).exists():
        raise ModelError(f"--runs {folder} is a run itself. Name the folder that holds it: {folder.resolve().parent}.")


class RunsFolder:
    """The runs in a folder, read again only where their files have changed.

    Args:
        path: the folder; runs are folders right in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[str, tuple[Any, RunFiles]] = {}

    def all(self) -> list[RunFiles]:
        """Of all that hold a run, the one that was started last first. Raises OSError where the folder is gone."""
        with os.scandir(self.path) as entries:
            names = [entry.name for entry in entries if _can_be_shown(entry)]
        self._read = {name: kept for name, kept in self._read.items() if name in names}
        runs = [run for run in map(self._run, names) if run is not None]
        return sorted(runs, key=lambda run: (lenient.text(run.record.get("started")) or "", run.name), reverse=True)

    def get(self, name: str) -> RunFiles | None:
        """One run. The name is looked for among those that are there; no path is ever made of a request's text."""
        with os.scandir(self.path) as entries:
            found = any(entry.name == name and _can_be_shown(entry) for entry in entries)
        return self._run(name) if found else None

    def _run(self, name: str) -> RunFiles | None:
        """None where the folder holds no run, or has just gone."""
        folder = self.path / name
        stamps = [_stamp(folder / file) for file in (RECORD, HISTORY, MODEL)]
        if stamps[0] is None and stamps[1] is None:
            self._read.pop(name, None)
            return None
        kept = self._read.get(name)
        if kept is None or kept[0] != stamps:
            written = max(stamp[0] / 1e9 for stamp in stamps[:2] if stamp is not None)
            kept = (stamps, _read(folder, name, written, stamps[2] is not None))
            self._read[name] = kept
        return kept[1]


def state_of(run: RunFiles) -> tuple[str, str | None]:
    """`training`, `finished`, `interrupted` or `unknown`, and a sentence where that is not what run.json says."""
    status = run.record.get("status")
    if status in ("finished", "interrupted"):
        return status, None
    if status != "running":
        return "unknown", None
    alive = _is_alive(lenient.mapping(run.record.get("process")))
    if alive is False:
        return (
            "interrupted",
            f"Its process has ended without a word. Go on with it: imagewise train --resume DIR/{run.name}",
        )
    longest = max((row[-1] or 0.0 for row in run.history), default=0.0)
    quiet = time.time() - run.written
    if alive is None and quiet > max(_QUIET_SECONDS, _QUIET_EPOCHS * longest):
        return "interrupted", "It has written nothing for long and is taken for ended."
    return "training", None


def summary(run: RunFiles) -> dict[str, Any]:
    """A run in a row: plain values, None for what is not known (yet)."""
    record, recipe = run.record, lenient.mapping(run.record.get("recipe"))
    results = lenient.mapping(record.get("results"))
    state, note = state_of(run)
    best = max(((row[4], -row[0]) for row in run.history if row[4] is not None and row[0] is not None), default=None)
    test = lenient.metrics(results.get("test"))
    return {
        "name": run.name,
        "state": state,
        "recipe": lenient.text(recipe.get("name")),
        "data": lenient.text(lenient.mapping(record.get("data")).get("name")),
        "engine": lenient.text(record.get("engine")),
        "device": lenient.text(record.get("device")),
        "started": lenient.text(record.get("started")),
        "finished": lenient.text(record.get("finished")),
        "written": datetime.fromtimestamp(run.written, UTC).isoformat(timespec="seconds"),
        "epochs": len(run.history),
        "planned_epochs": lenient.number(recipe.get("epochs")),
        "validation_accuracy": best[0] if best else None,
        "best_epoch": -best[1] if best else None,
        "model_epoch": lenient.number(results.get("best_epoch")),
        "test_accuracy": test["accuracy"] if test else None,
        "seconds": sum(row[-1] or 0.0 for row in run.history),
        "has_model": run.has_model,
        "problems": [*run.problems, *([note] if note else [])],
    }


def details(run: RunFiles, after: int) -> dict[str, Any]:
    """All of a run; of its history what follows the first `after` rows (all of them, where there are fewer)."""
    record = run.record
    results = lenient.mapping(record.get("results"))
    first = after if after <= len(run.history) else 0
    return summary(run) | {
        "settings": lenient.flat(record.get("recipe")),
        "versions": lenient.flat(record.get("versions")),
        "counts": lenient.flat(lenient.mapping(record.get("data")).get("counts")),
        "fingerprint": lenient.text(lenient.mapping(record.get("data")).get("fingerprint")),
        "validation": lenient.metrics(results.get("validation")),
        "test": lenient.metrics(results.get("test")),
        "columns": list(COLUMNS),
        "first": first,
        "history": run.history[first:],
    }


def read_record(folder: Path) -> dict[str, Any]:
    """A run's record; empty where there is none that can be read."""
    try:
        return lenient.mapping(lenient.parse(_content(folder / RECORD)))
    except (OSError, ValueError):
        return {}


def _can_be_shown(entry: os.DirEntry[str]) -> bool:
    try:
        entry.name.encode()
        return not entry.name.startswith(".") and entry.is_dir()
    except (OSError, UnicodeEncodeError):  # gone, or a name of bytes that are no text
        return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(folder: Path, name: str, written: float, has_model: bool) -> RunFiles:
    problems: list[str] = []
    record: dict[str, Any] = {}
    try:
        parsed = lenient.parse(_content(folder / RECORD))
        record = lenient.mapping(parsed)
        if not record:
            problems.append(f"{RECORD} holds no run.")
    except OSError as error:
        problems.append(f"{RECORD} cannot be read: {_why(error)}.")
    except ValueError as error:
        problems.append(f"{RECORD} is damaged: {lenient.text(str(error))}.")
    history: list[Row] = []
    try:
        history, problem = read_history(_content(folder / HISTORY))
        problems += [problem] if problem else []
    except FileNotFoundError:
        pass  # before its first epoch is over a run has none
    except OSError as error:
        problems.append(f"{HISTORY} cannot be read: {_why(error)}.")
    except ValueError as error:
        problems.append(f"{HISTORY} is damaged: {lenient.text(str(error))}.")
    return RunFiles(name, record, history, written, has_model, tuple(problems))


def _content(path: Path) -> bytes:
    """Raises OSError, and ValueError for what is too large."""
    if not path.is_file() and path.exists():
        raise ValueError("it is not a file")  # a named pipe would be waited for
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST // 2**20} MiB")
    return content


def _why(error: OSError) -> str:
    return "it is missing" if isinstance(error, FileNotFoundError) else error.strerror or str(error)


def read_history(content: bytes) -> tuple[list[Row], str | None]:
    """The whole rows of a history.csv, and what is wrong with the rest.

    Raises:
        ValueError: it has other columns than ours, or is no text.
    """
    whole, newline, rest = content.rpartition(b"\n")
    lines = csv.reader(io.StringIO(whole.decode("utf-8") + "\n" if newline else "", newline=""))
    rows: list[Row] = []
    try:
        heads = next(lines, [])
        if newline and tuple(heads) != COLUMNS:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        for cells in lines:
            if len(cells) != len(COLUMNS):
                return rows, f"{HISTORY}, line {lines.line_num}: it has {len(cells)} values, not {len(COLUMNS)}."
            rows.append([int(cells[0]), *(lenient.number(float(cell)) if cell else None for cell in cells[1:])])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    except ValueError as error:
        if not rows:
            raise
        return rows, f"{HISTORY}, line {lines.line_num}: {lenient.text(str(error))}."
    return rows, f"The last line of {HISTORY} is not whole yet." if rest else None


def _is_alive(process: dict[str, Any]) -> bool | None:
    """Whether the process that trains is there; None where this machine cannot tell."""
    number = process.get("id")
    if process.get("host") != platform.node() or not isinstance(number, int) or number < 1 or os.name != "posix":
        return None
    try:
        os.kill(number, 0)  # asks, no more
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; none that there could be
        return True if number < 2**31 else None
    return True
