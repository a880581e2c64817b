"""Structured logs: a JSON object a line on standard error, written a few times a second and when the server ends."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, TextIO

FLUSH_SECONDS = 0.2
_KEPT = 256  # lines; more are written at once


class Log:
    """Lines of `time`, `level`, `event` and what else is known. No picture, no key and no body is ever among them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[str] = []

    def __call__(self, event: str, level: str = "info", **fields: Any) -> None:
        """Note an event."""
        seconds = time.time()
        stamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
        line = {"time": stamp, "level": level, "event": event} | fields
        self._lines.append(json.dumps(line, ensure_ascii=False, default=str))
        if level != "info" or len(self._lines) > _KEPT:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            try:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
            except OSError:
                pass  # a log that cannot be written stops no answer


class IntoLog(logging.Handler):
    """Takes what uvicorn says of itself into our log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One record, one line."""
        self._log("server", level=record.levelname.lower(), message=record.getMessage())
