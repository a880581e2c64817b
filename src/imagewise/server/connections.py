"""uvicorn's HTTP connections, with a clock on slow headers and an end that loses no request.

uvicorn closes idle connections the moment it is told to stop; a request that is on its way then is lost. Here an idle
connection may still send one for a moment, which is answered with `Connection: close`.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imagewise.server.limits import Limits
from imagewise.server.problems import Problem


class Connection(HttpToolsProtocol):
    """One connection."""

    limits = Limits()
    _clock: asyncio.TimerHandle | None = None
    _draining = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Opened: headers have to follow."""
        super().connection_made(transport)
        self._clock = self.loop.call_later(self.limits.header_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed by either side."""
        self._stop_clock()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request line has begun."""
        super().on_message_begin()
        if self._clock is None:
            self._clock = self.loop.call_later(self.limits.header_seconds, self._too_slow)

    def on_headers_complete(self) -> None:
        """From here on the application keeps the time."""
        self._stop_clock()
        super().on_headers_complete()
        if self._draining:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """The server ends: whatever comes within a moment is still answered."""
        self._draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(self.limits.drain_seconds, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP. Called by uvicorn."""
        self._refuse(Problem(400, "This is not a valid HTTP request."))

    def _too_slow(self) -> None:
        self._clock = None
        if not self.transport.is_closing():
            self._refuse(Problem(408, "The request did not arrive in time."))

    def _refuse(self, problem: Problem) -> None:
        """Answer without an application, and close."""
        response = problem.response(os.urandom(8).hex())
        lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
        lines += [name + b": " + value for name, value in [*response.raw_headers, (b"connection", b"close")]]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()


def connection_class(limits: Limits) -> Any:
    """`Connection` held to `limits`."""
    return type("Connection", (Connection,), {"limits": limits})
