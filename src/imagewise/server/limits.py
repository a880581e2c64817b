"""What a server takes on; beyond it a request is refused with a word on why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one worker.

    Attributes:
        body: bytes of a request's body; more is 413.
        pixels: of one picture, by its header, before anything is decoded; more is 413.
        pictures: in one request; more is 413.
        queue: pictures that wait or are being recognised; beyond it 503, to be tried again.
        seconds: till an answer; later is 504.
        body_seconds: till a body has arrived; later is 408.
        header_seconds: till a connection's next request line and headers have arrived; later it is closed.
        drain_seconds: on SIGTERM, how long an idle connection may still send a request.
    """

    body: int = 32 * 2**20
    pixels: int = 50_000_000
    pictures: int = 64
    queue: int = 256
    seconds: float = 30.0
    body_seconds: float = 20.0
    header_seconds: float = 20.0
    drain_seconds: float = 1.0
