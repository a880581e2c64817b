"""Structured logs: one JSON object a line on standard error, written a few times a second and at the server's end."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

FLUSH_SECONDS = 0.2
_MAX_LINES = 256  # with more of them the log is written at once


class Log:
    """Lines of `time`, `level`, `event` and further fields. They never hold a picture, a key or a body.

    Args:
        stream: where to write; None: standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[str] = []

    def __call__(self, event: str, level: str = "info", **fields: Any) -> None:
        """Note an event."""
        seconds = time.time()
        stamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
        line = {"time": stamp, "level": level, "event": event} | fields
        self._lines.append(json.dumps(line, ensure_ascii=False, default=str))
        if level != "info" or len(self._lines) > _MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write the lines noted so far. A log that cannot be written is no reason to fail a request."""
        lines, self._lines = self._lines, []
        if lines and self._stream is not None:  # Python has no standard error after `2>&-`
            with suppress(OSError, ValueError):  # a full disk, a stream that is closed
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()


class LogHandler(logging.Handler):
    """Writes records of the standard library's logging into a `Log`."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        self._log("server", level=record.levelname.lower(), message=record.getMessage())
