"""A web server on this machine that answers as a test says: statuses, headers, redirects, cuts; also as a proxy."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """One answer. Without a status it is 200, or 206 where a range is asked for.

    Attributes:
        cut: how many bytes of the body to send before hanging up; None for all of it.
    """

    body: bytes = b""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(frozen=True)
class Request:
    """What was asked. The path is a whole address where the server is a proxy, and host:port for CONNECT."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class HubServer:
    """The server's replies and what it was asked.

    Attributes:
        replies: by path; the first is used up by a request, the last one stays.
    """

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def of(self, path: str) -> Reply:
        replies = self.replies.get(path, [Reply(status=404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]


@contextmanager
def serve() -> Iterator[HubServer]:
    state = HubServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(Request(self.command, self.path, dict(self.headers)))
            reply = state.of(self.path)
            body, status, headers = reply.body, reply.status or 200, dict(reply.headers)
            if reply.status is None and (asked := self.headers.get("Range")):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    body, status = b"", 416
                else:
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                    body, status = body[start:], 206
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: reply.cut])

        def do_CONNECT(self) -> None:
            state.asked.append(Request(self.command, self.path, dict(self.headers)))
            self.send_error(502)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
