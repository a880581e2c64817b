"""uvicorn's HTTP connections, with a time limit on headers and an end that loses no request.

uvicorn closes idle connections as soon as the server begins to end, and loses the requests that are on their way. Here
an idle connection may send one more request for a moment, which is answered with `Connection: close`.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imagewise.server.http.problems import Problem
from imagewise.server.limits import Limits


class Connection(HttpToolsProtocol):
    """One connection. It builds on private parts of uvicorn: tests/server/test_worker.py names each of them.

    Args:
        arguments, named: as uvicorn passes them to its protocols.
        limits: of the connection's times.
    """

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.limits = limits
        self.access_log = False  # the application logs requests
        self._timer: asyncio.TimerHandle | None = None
        self._draining = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer: headers have to follow."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.limits.header_seconds, self._time_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, whoever closed the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the timer at a request line."""
        super().on_message_begin()
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.header_seconds, self._time_out)

    def on_headers_complete(self) -> None:
        """Stop the timer: from here on the application limits times."""
        self._stop_timer()
        super().on_headers_complete()
        if self._draining:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Answer what comes within a moment, then close. Called by uvicorn when the server begins to end."""
        self._draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(self.limits.drain_seconds, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP. Called by uvicorn."""
        self._refuse(Problem(400, "This is not a valid HTTP request."))

    def _time_out(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._refuse(Problem(408, "The request did not arrive in time."))

    def _refuse(self, problem: Problem) -> None:
        """Answer without the application, and close."""
        response = problem.response(os.urandom(8).hex())
        lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*response.raw_headers, (b"connection", b"close")]]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()
