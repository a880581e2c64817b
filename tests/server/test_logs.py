"""The log: a JSON object a line, and no failure of its own."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest

from imagewise.server.logs import Log
from running_servers import wait_until


def test_an_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log("request", path="/a\nb", status=200)
    log.close()
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert list(found) == ["time", "level", "event", "path", "status"]
    assert found["path"] == "/a\nb"


def test_an_error_is_written_at_once() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log("failure", level="error")
    wait_until(lambda: stream.getvalue().count("\n") == 1)


def test_a_stream_that_is_closed_or_missing_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    log = Log(stream)
    log("failure", level="error")
    log.close()
    monkeypatch.setattr(sys, "stderr", None)  # as Python sets it after `2>&-`
    Log()("failure", level="error")


def test_no_character_of_a_client_changes_the_terminal() -> None:
    stream = io.StringIO()
    log = Log(stream)
    strange = "\x1b[2J\x7f\u009b\u202e\u2028\ud800é"
    log("request", path=strange)
    log.close()
    assert stream.getvalue().rstrip("\n").isprintable()
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["path"] == strange


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_was_dropped_is_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        log = Log(stream)
        for number in range(20_000):
            log("request", number=number, padding="x" * 200)
        log.close(seconds=0.01)
        got = b""
        while b"log_dropped" not in got or not got.endswith(b"\n"):
            got += os.read(reading, 2**20)
            log("later", level="warning")
        lines = [json.loads(line) for line in got.decode().splitlines()]
        log.close()
    numbers = [line["number"] for line in lines if line["event"] == "request"]
    assert numbers == list(range(len(numbers)))
    assert 256 < len(numbers) < 20_000
    dropped = next(line for line in lines if line["event"] == "log_dropped")
    assert dropped["lines"] >= 20_000 - len(numbers)
