"""Training runs as recorded in their folders, also while they train. Nothing is written; damaged files are reported."""

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
from imagewise.server.pages.head_shapes import HeadFit
from imagewise.server.pages.json_values import by_dotted_names, finite, parse_json, sendable, sendable_text
from imagewise.server.pages.shapes import Run, RunState, RunSummary, Score
from imagewise.server.stamps import file_stamp
from imagewise.training.history import EpochRecord, selection_key
from imagewise.training.record import RunProcess, RunRecord, RunResults

RECORD, HISTORY, MODEL = "run.json", "history.csv", "model.onnx"
COLUMNS = tuple(field.name for field in fields(EpochRecord))
Row = list[float | None]
_LARGEST = 16 * 2**20  # bytes of a file: imagewise writes no larger ones
_QUIET_SECONDS = 3600.0  # nothing written for so long, and for so many of its longest epoch: the run counts as stopped
_QUIET_EPOCHS = 20


@dataclass(frozen=True)
class RunFiles:
    """The content of a run's folder at one time.

    Attributes:
        name: the folder's.
        record: run.json; empty where it is missing or broken.
        history: rows of `COLUMNS`, whole ones only; None for what was not measured or is not finite.
        written: when the last of both was, in seconds since 1970.
        has_model: the folder contains model.onnx.
        problems: the files that could not be read, in sentences.
    """

    name: str
    record: RunRecord
    history: list[Row]
    written: float
    has_model: bool
    problems: tuple[str, ...]


def check_folder(folder: Path) -> None:
    """Raises ModelError if this is not a folder of runs."""
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        why = "no such folder" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise ModelError(
            f"--runs {folder}: {why}. Name the folder that contains the runs; `imagewise train` writes to `runs`."
        ) from error
    if (folder / RECORD).exists():
        raise ModelError(
            f"--runs {folder} is a run itself. Name the folder that contains it: {folder.resolve().parent}."
        )


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
        return sorted(runs, key=lambda run: (run.record.started or "", run.name), reverse=True)

    def get(self, name: str) -> RunFiles | None:
        """One run. The name is looked for among those that are there; no path is ever made of a request's text."""
        with os.scandir(self.path) as entries:
            found = any(entry.name == name and _can_be_shown(entry) for entry in entries)
        return self._run(name) if found else None

    def _run(self, name: str) -> RunFiles | None:
        """None where the folder holds no run, or has just gone."""
        folder = self.path / name
        stamps = [file_stamp(folder / file) for file in (RECORD, HISTORY, MODEL)]
        if stamps[0] is None and stamps[1] is None:
            self._read.pop(name, None)
            return None
        kept = self._read.get(name)
        if kept is None or kept[0] != stamps:
            written = max(stamp[0] / 1e9 for stamp in stamps[:2] if stamp is not None)
            kept = (stamps, _read(folder, name, written, stamps[2] is not None))
            self._read[name] = kept
        return kept[1]


def state_of(run: RunFiles) -> tuple[RunState, str | None]:
    """The state of a run, and a sentence if it is not what run.json says."""
    status = run.record.status
    if status in ("finished", "interrupted"):
        return status, None
    if status != "running":
        return "unknown", None
    alive = _is_alive(run.record.process)
    if alive is False:
        return "interrupted", f"Training stopped unexpectedly. Resume: imagewise train --resume DIR/{run.name}"
    longest = max((row[-1] or 0.0 for row in run.history), default=0.0)
    quiet = time.time() - run.written
    if alive is None and quiet > max(_QUIET_SECONDS, _QUIET_EPOCHS * longest):
        return "interrupted", "No update for a long time; probably stopped."
    return "training", None


def summary(run: RunFiles) -> RunSummary:
    """A run in a few fields; None for what is not known, or not yet."""
    return RunSummary(**_summary(run))


def details(run: RunFiles, after: int) -> Run:
    """A run with its history after the first `after` rows; with all of it, if it has fewer."""
    record, results = run.record, run.record.results or RunResults()
    first = after if after <= len(run.history) else 0
    return Run(
        **_summary(run),
        settings=by_dotted_names(sendable(record.recipe.as_dict())),
        versions=record.versions,
        counts=record.data.counts,
        fingerprint=record.data.fingerprint,
        validation=Score.of(results.validation),
        test=Score.of(results.test),
        head=HeadFit.of(record.head),
        columns=list(COLUMNS),
        first=first,
        history=run.history[first:],
    )


def _summary(run: RunFiles) -> dict[str, Any]:
    record, results = run.record, run.record.results or RunResults()
    state, note = state_of(run)
    best, head = _best(run), record.head
    backbone = record.backbone or (head.backbone if head else None)
    of_head = results.validation.accuracy if head and results.validation else None
    return {
        "name": run.name,
        "state": state,
        "recipe": record.recipe.name,
        "data": record.data.name,
        "backbone": backbone.shown_name if backbone else None,
        "trains": "head" if record.recipe.trains == "head" else "network",
        "engine": record.engine,
        "device": record.device,
        "started": record.started,
        "finished": record.finished,
        "written": datetime.fromtimestamp(run.written, UTC).isoformat(timespec="seconds"),
        "epochs": len(run.history),
        "planned_epochs": record.recipe.epochs,
        "validation_accuracy": best[4] if best else of_head,
        "validation_count": record.data.counts.get("validation"),
        "best_epoch": int(best[0]) if best and best[0] is not None else None,
        "model_epoch": results.best_epoch,
        "test_accuracy": results.test.accuracy if results.test else None,
        "test_count": results.test.count if results.test else None,
        "seconds": sum(row[-1] or 0.0 for row in run.history) + (head.total_seconds if head else 0.0),
        "has_model": run.has_model,
        "problems": [*run.problems, *([note] if note else [])],
    }


def _best(run: RunFiles) -> Row | None:
    """The row of the best epoch by validation; None if no epoch was validated.

    A run that kept its best epoch has recorded it. Otherwise the rows are compared as training compares its epochs;
    they are rounded to six digits.
    """
    validated = [row for row in run.history if row[4] is not None]
    recorded = run.record.results.best_epoch if run.record.results and run.record.recipe.keep == "best" else None
    kept = next((row for row in validated if row[0] == recorded), None)
    return kept or max(validated, key=lambda row: selection_key(row[4], row[3], row[1]), default=None)


def read_record(folder: Path) -> RunRecord:
    """A run's record; an empty one if it is missing or cannot be read."""
    try:
        values = sendable(parse_json(_content(folder / RECORD)))
    except (OSError, ValueError):
        return RunRecord()
    return RunRecord.of_any(values) if isinstance(values, dict) else RunRecord()


def _can_be_shown(entry: os.DirEntry[str]) -> bool:
    try:
        entry.name.encode()
        return not entry.name.startswith(".") and entry.is_dir()
    except (OSError, UnicodeEncodeError):  # gone, or a name of bytes that are no text
        return False


def _read(folder: Path, name: str, written: float, has_model: bool) -> RunFiles:
    problems: list[str] = []
    record = RunRecord()
    try:
        values = sendable(parse_json(_content(folder / RECORD)))
        if not isinstance(values, dict) or not values:
            problems.append(f"{RECORD} does not describe a run.")
        else:
            record = RunRecord.of_any(values)
    except OSError as error:
        problems.append(f"{RECORD} cannot be read: {_why(error)}.")
    except ValueError as error:
        problems.append(f"{RECORD} is damaged: {sendable_text(str(error))}.")
    history: list[Row] = []
    try:
        history, problem = read_history(_content(folder / HISTORY))
        problems += [problem] if problem else []
    except FileNotFoundError:
        pass  # before its first epoch is over a run has none
    except OSError as error:
        problems.append(f"{HISTORY} cannot be read: {_why(error)}.")
    except ValueError as error:
        problems.append(f"{HISTORY} is damaged: {sendable_text(str(error))}.")
    return RunFiles(name, record, history, written, has_model, tuple(problems))


def _content(path: Path) -> bytes:
    """Raises OSError, and ValueError for what is too large."""
    if not path.is_file() and path.exists():
        raise ValueError("it is not a file")  # a named pipe would be waited for
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MiB")
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
            rows.append([int(cells[0]), *(finite(float(cell)) if cell else None for cell in cells[1:])])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    except ValueError as error:
        if not rows:
            raise
        return rows, f"{HISTORY}, line {lines.line_num}: {sendable_text(str(error))}."
    return rows, f"The last line of {HISTORY} is incomplete." if rest else None


def _is_alive(process: RunProcess) -> bool | None:
    """Whether the process that trains is there; None where this machine cannot tell."""
    number = process.id
    if process.host != platform.node() or number is None or number < 1 or os.name != "posix":
        return None
    try:
        os.kill(number, 0)  # asks, no more
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; none that there could be
        return True if number < 2**31 else None
    return True
