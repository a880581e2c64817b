"""uvicorn's HTTP connections, with bounds on what a client sends and on its times, and an end that loses no request.

The parser under uvicorn (httptools) collects headers and trailers without any bound, and uvicorn waits for ever for a
client that does not read. Here each phase of a connection has a time, each part of a request a size. Clients that have
sent a request and closed their sending side are answered.

uvicorn closes idle connections as soon as the server begins to end, and loses the requests that are on their way. Here
an idle connection may send one more request for a moment, which is answered with `Connection: close`.
"""

from __future__ import annotations

import asyncio
import os
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imagewise.server.http.problems import Problem
from imagewise.server.limits import Limits

_PIECE = 2**14  # bytes that the parser gets at once; the sizes of heads are known with this precision
_SLOWEST = 1024  # bytes a second that a client has to read of a long answer


class _Phase(Enum):
    """What the client is sending."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class Connection(HttpToolsProtocol):
    """One connection. It builds on private parts of uvicorn: tests/server/test_worker.py names each of them.

    Args:
        arguments, named: as uvicorn passes them to its protocols.
        limits: of the connection's times and heads.
    """

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.limits = limits
        self.access_log = False  # the application logs requests
        self._phase = _Phase.IDLE
        self._overhead = 0  # bytes since the head began, or since the last byte of the body
        self._body_size = 0
        self._timer: asyncio.TimerHandle | None = None  # until the client has sent what it has to
        self._reading: asyncio.TimerHandle | None = None  # until the client has read what it has to
        self._draining = False
        self._running: Any = None  # the request that the application works on; `cycle` is the newest one
        self._lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer: headers have to follow."""
        super().connection_made(transport)
        self._start_timer(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, whoever closed the connection."""
        self._lose()
        self._stop_timer()
        if self._reading is not None:
            self._reading.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came in small pieces, so that no part of a request can grow beyond its bound."""
        for start in range(0, len(data), _PIECE):
            piece = data if len(data) <= _PIECE else data[start : start + _PIECE]
            self._overhead += len(piece)
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._phase is not _Phase.IDLE and self._overhead > self.limits.head:
                self._refuse(Problem(431, f"The headers are larger than {self.limits.head // 1024} KiB."))
                return
        if self._phase is _Phase.IDLE and self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start_timer(self.limits.header_seconds)  # empty lines, after which a request has to follow

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection until the answer is sent, if the request is complete. `nc -N` ends its requests so."""
        if self._phase is not _Phase.IDLE or self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False  # of the last one, where several wait
        return self.scheme == "http"  # TLS has no half-closed connections

    def on_message_begin(self) -> None:
        """Start the timer at a request line."""
        super().on_message_begin()
        self._phase = _Phase.HEAD
        self._overhead = 0
        if self._timer is None:
            self._start_timer(self.limits.header_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Trailers, which follow a body, are dropped: nobody reads them."""
        if self._phase is _Phase.BODY:
            return
        super().on_header(name, value)
        if len(self.headers) == self.limits.headers + 1:
            self._refuse(Problem(431, f"The request has more than {self.limits.headers} headers."))

    def on_headers_complete(self) -> None:
        """Stop the timer: from here on the application limits times."""
        self._stop_timer()
        self._phase = _Phase.BODY
        self._overhead = self._body_size = 0
        if self.transport.is_closing():
            return
        super().on_headers_complete()
        if self._draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, also if it is answered already; then only as much as a body may have."""
        if self.transport.is_closing():
            return
        self._overhead = 0
        self._body_size += len(body)
        if self._body_size > self.limits.body and self.cycle.response_complete:
            self._close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request has arrived."""
        self._phase = _Phase.IDLE
        self._stop_timer()
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Limit the time for the rest of a body that was answered before it had arrived, and for reading the end."""
        super().on_response_complete()
        if self._lost:
            return
        if self.transport.is_closing():
            self._close()
        elif self._phase is _Phase.BODY and not self.pipeline:
            self._start_timer(self.limits.body_seconds)

    def pause_writing(self) -> None:
        """Start to look at whether the client reads. Called by the transport when much is unread."""
        super().pause_writing()
        self._look_again(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop that. Called by the transport when little is unread."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        super().resume_writing()
        if self.transport.is_closing() and (unread := self.transport.get_write_buffer_size()):
            self._look_again(unread)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection. Called by uvicorn."""
        if not self.transport.is_closing():
            self._close()

    def shutdown(self) -> None:
        """Answer what comes within a moment, then close. Called by uvicorn when the server begins to end."""
        self._draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(self.limits.drain_seconds, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self._close()

    def _close(self) -> None:
        """Close once the client has read what was sent, or soon if it does not read."""
        self.transport.close()
        if self._reading is None and self.transport.get_write_buffer_size():
            self._look_again(self.transport.get_write_buffer_size())

    def _lose(self) -> None:
        """Keep the application from writing what nobody receives: uvloop raises an error then. Requests that wait
        behind the running one are not begun."""
        self._lost = True
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Note which request is worked on. Called by uvicorn."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _look_again(self, unread: int) -> None:
        def look() -> None:
            left = self.transport.get_write_buffer_size()
            if left and unread - left < self.limits.read_seconds * _SLOWEST:
                self._lose()
                self.transport.abort()
            elif left:
                self._look_again(left)

        self._reading = self.loop.call_later(self.limits.read_seconds, look)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._time_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP. Called by uvicorn."""
        if not self.transport.is_closing():
            self._refuse(Problem(400, "This is not a valid HTTP request."))

    def _time_out(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._refuse(Problem(408, "The request did not arrive in time."))

    def _refuse(self, problem: Problem) -> None:
        """Answer without the application, and close. Where that would be taken for another request's answer, close
        only."""
        answered = self.cycle is None or self.cycle.response_complete
        if self._phase is _Phase.BODY:
            free = not (answered or self.cycle.response_started or self.pipeline)
            self.cycle.disconnected = True  # so that the application does not answer, too
            self.cycle.message_event.set()
        else:
            free = answered
        if free:
            response = problem.response(os.urandom(8).hex())
            lines = [b"HTTP/1.1 %d %s" % (problem.status, HTTPStatus(problem.status).phrase.encode())]
            lines += [name + b": " + value for name, value in [*response.raw_headers, (b"connection", b"close")]]
            self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self._close()
