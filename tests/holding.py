"""A gate that holds the server's work back, and a clock that stands still, so that tests wait for no time."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from imagewise.framing.decoding import read_picture
from imagewise.server import app
from imagewise.server.inference import pool
from running_servers import PATIENCE


class Gate:
    """Holds decoding back until `opened` is set.

    Attributes:
        reached: set once a picture waits at the gate.
        opened: to be set by the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

        def held(*arguments: Any) -> Any:
            self.reached.set()
            self.opened.wait(PATIENCE)
            return read_picture(*arguments)

        monkeypatch.setattr(pool, "read_picture", held)


class Clock:
    """The clock of inference pools, in seconds; a test sets it forward by `now`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give it to all servers that start from here on in this process."""
        monkeypatch.setattr(app, "InferencePool", partial(pool.InferencePool, clock=self))
