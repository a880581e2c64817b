"""The folder of a run: model.onnx, history.csv, run.json, report.html, checkpoint.safetensors."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from imagewise.atomic import reason, write_atomically
from imagewise.errors import ModelError, OutputError
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord, history_csv
from imagewise.training.record import RunRecord


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
                    f"{path} already holds a run. Choose another folder (--out), or resume it (--resume {path})."
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
        """Remove the record of a run that ended with nothing to keep, so that the folder can be used again."""
        if not self.holds_result:
            with suppress(OSError):  # the user may keep other files there
                self.record_path.unlink(missing_ok=True)
                self.path.rmdir()

    @property
    def holds_result(self) -> bool:
        """Whether there is something to keep: a checkpoint to resume from, or a model."""
        return self.checkpoint_path.exists() or self.model_path.exists()

    @property
    def ended_in_first_epoch(self) -> bool:
        """Whether no epoch was finished: there is neither a checkpoint nor a history."""
        return not self.checkpoint_path.exists() and not (self.path / "history.csv").exists()

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
        """Write history.csv, a row an epoch."""
        write_atomically(self.path / "history.csv", history_csv(history))

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        checkpoint.write(self.checkpoint_path)

    def read_checkpoint(self) -> Checkpoint:
        """The latest checkpoint. Raises ModelError if the folder has no checkpoint."""
        return Checkpoint.read(self.checkpoint_path)

    def write_record(self, record: RunRecord) -> None:
        """Write run.json."""
        write_atomically(self.record_path, record.to_json())

    def read_record(self) -> RunRecord:
        """The record that `write_record` wrote. Raises ModelError where it is missing, damaged or newer."""
        try:
            content = self.record_path.read_bytes()
        except OSError as error:
            raise ModelError(f"{self.path} holds no run (no run.json); name the folder that --out made.") from error
        return RunRecord.read(content, str(self.record_path))
