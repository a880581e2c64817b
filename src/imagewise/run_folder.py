"""The folder that a run leaves, and takes up again: model.onnx, history.csv, run.json, report.html, checkpoint."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from imagewise.atomic import reason, write_atomically
from imagewise.checkpoint import Checkpoint
from imagewise.errors import ModelError, OutputError
from imagewise.history import EpochRecord, history_csv

FORMAT = 1


@dataclass(frozen=True)
class RunFolder:
    """One run's files. Each is written whole or not at all."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """A folder for a new run: made now, and tried, so that nobody trains for an hour in vain.

        Raises:
            OutputError: it cannot be written to, or holds a run already.
        """
        folder = cls(path)
        try:
            if folder.record_path.exists() or folder.model_path.exists():
                raise OutputError(
                    f"{path} already holds a run. Choose another folder (--out), or go on with it (--resume {path})."
                )
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path) as file:
                file.write(bytes(4096))
        except OSError as error:
            raise OutputError(
                f"cannot write to {path}: {reason(error)}. Choose another folder with --out DIR."
            ) from error
        return folder

    def abandon(self) -> None:
        """Take the record away of a run that ended with nothing to keep, so that the folder can be used again."""
        if not self.checkpoint_path.exists():
            with suppress(OSError):  # other files of the user's may lie there
                self.record_path.unlink(missing_ok=True)
                self.path.rmdir()

    @classmethod
    def default_path(cls, data: str, recipe: str) -> Path:
        """`runs/<data>-<recipe>-<time>`, with a number behind it where that exists."""
        stem = f"{Path(data).name or 'data'}-{recipe}-{datetime.now():%Y%m%d-%H%M%S}"
        path, number = Path("runs") / stem, 2
        while path.exists():
            path, number = Path("runs") / f"{stem}-{number}", number + 1
        return path

    @property
    def model_path(self) -> Path:
        """The model file."""
        return self.path / "model.onnx"

    @property
    def record_path(self) -> Path:
        """Everything needed to repeat the run."""
        return self.path / "run.json"

    @property
    def report_path(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def checkpoint_path(self) -> Path:
        """The state after the last whole epoch."""
        return self.path / "checkpoint.safetensors"

    def write_history(self, history: Sequence[EpochRecord]) -> None:
        """history.csv, a row an epoch."""
        write_atomically(self.path / "history.csv", history_csv(history))

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        checkpoint.write(self.checkpoint_path)

    def read_checkpoint(self) -> Checkpoint:
        """Raises ModelError where there is none."""
        return Checkpoint.read(self.checkpoint_path)

    def write_record(self, record: dict[str, Any]) -> None:
        """run.json."""
        write_atomically(self.record_path, json.dumps({"format": FORMAT} | record, indent=2, ensure_ascii=False))

    def read_record(self) -> dict[str, Any]:
        """What `write_record` wrote. Raises ModelError where it is missing, damaged or newer."""
        try:
            record = json.loads(self.record_path.read_text("utf-8"))
            known = record["format"] == FORMAT
        except OSError as error:
            raise ModelError(f"{self.path} holds no run (no run.json); name the folder that --out made.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{self.record_path}: damaged ({error!r}); start a new run.") from error
        if not known:
            raise ModelError(f"{self.record_path}: made by a newer imagewise; upgrade, or start a new run.")
        return dict(record)
