"""Structured logs: one JSON object a line on standard error, written by a thread that alone waits for the reader."""

from __future__ import annotations

import json
import logging
import os
import select
import sys
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from io import UnsupportedOperation
from threading import Condition, Thread
from typing import Any, TextIO

FLUSH_SECONDS = 0.2
_MAX_LINES = 256  # with more of them the log is handed on at once
_MAX_WAITING = 2**20  # characters that wait for a reader; more are dropped and counted
_CLOSE_SECONDS = 1.0


class Log:
    """Lines of `time`, `level`, `event` and further fields. They never hold a picture, a key or a body.

    Lines are noted without waiting, and written by a thread: where nobody reads standard error, the server goes on.
    What a client says stands in them as ASCII, with all else escaped, so that it changes no terminal.

    Args:
        stream: where to write; None: standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: list[str] = []
        self._waiting: deque[str] = deque()  # each some lines
        self._size = 0  # characters that wait or are being written
        self._dropped = 0
        self._changed = Condition()
        self._writer: Thread | None = None

    def __call__(self, event: str, level: str = "info", **fields: Any) -> None:
        """Note an event."""
        self._lines.append(_line(event, level, fields))
        if level != "info" or len(self._lines) > _MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Hand the lines noted so far to the thread. If too many wait already, they are dropped."""
        lines, self._lines = self._lines, []
        if not lines or self._stream is None:  # Python has no standard error after `2>&-`
            return
        with self._changed:
            if self._dropped and self._size == 0:
                lines.insert(0, _line("log_dropped", "warning", {"lines": self._dropped}))
                self._dropped = 0
            text = "\n".join(lines) + "\n"
            if self._size and self._size + len(text) > _MAX_WAITING:
                self._dropped += len(lines)
                return
            self._waiting.append(text)
            self._size += len(text)
            if self._writer is None:  # a daemon: it may wait for ever
                self._writer = Thread(target=self._write, name="log", daemon=True)
                self._writer.start()
            self._changed.notify_all()

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Hand on all lines, and wait until they are written, but not longer than that."""
        self.flush()
        with self._changed:
            self._changed.wait_for(lambda: self._size == 0, seconds)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                text = self._waiting.popleft()
            with suppress(OSError, ValueError):  # a full disk, a stream that is closed
                self._write_text(text)
            with self._changed:
                self._size -= len(text)
                self._changed.notify_all()

    def _write_text(self, text: str) -> None:
        """Write past the stream's own buffer, which would be locked while this waits, also for Python's end."""
        assert self._stream is not None
        try:
            descriptor = self._stream.fileno()
        except UnsupportedOperation:  # a stream in memory
            self._stream.write(text)
            self._stream.flush()
            return
        left = memoryview(text.encode())
        while left:
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:  # somebody set the terminal so
                select.select([], [descriptor], [])


def _line(event: str, level: str, fields: dict[str, Any]) -> str:
    stamp = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    line = {"time": stamp, "level": level, "event": event} | fields
    return json.dumps(line, default=str).replace("\x7f", "\\u007f")


class LogHandler(logging.Handler):
    """Writes records of the standard library's logging into a `Log`."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        self._log("server", level=record.levelname.lower(), message=record.getMessage())
