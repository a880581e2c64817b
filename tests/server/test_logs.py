"""The log: a JSON object a line, and no failure of its own."""

from __future__ import annotations

import io
import json
import sys

import pytest

from imagewise.server.logs import Log


def test_an_event_is_one_line_of_json() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log("request", path="/a\nb", status=200)
    log.flush()
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert list(found) == ["time", "level", "event", "path", "status"]
    assert found["path"] == "/a\nb"


def test_an_error_is_written_at_once() -> None:
    stream = io.StringIO()
    Log(stream)("failure", level="error")
    assert stream.getvalue().count("\n") == 1


def test_a_stream_that_is_closed_or_missing_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    Log(stream)("failure", level="error")
    monkeypatch.setattr(sys, "stderr", None)  # as Python sets it after `2>&-`
    Log()("failure", level="error")
