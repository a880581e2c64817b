"""Limits of a server. A request beyond them is refused with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from imagewise.server.trial import MODEL_SECONDS


@dataclass(frozen=True)
class Limits:
    """Limits of one worker.

    Attributes:
        body: bytes of a request's body; more: 413.
        pixels: of one picture by its header, before anything is decoded; more: 413.
        memory: bytes that decoding one picture may take, by its kind and size; more: JPEG files are decoded at half
            their size, others are refused with 413.
        large: bytes beyond which a picture counts as large; one large picture is decoded at a time.
        pictures: in one request; more: 413.
        queue: pictures that wait or are being recognised; more: 503, to be tried again.
        large_queue: large pictures that wait or are being decoded; more: 503.
        seconds: until an answer; later: 504.
        head: bytes of a request's line and headers, and of its trailers; more: 431, and the connection is closed.
        headers: in one request; more: 431.
        body_seconds: until a body has arrived; later: 408.
        header_seconds: until a connection's next request line and headers have arrived; later: 408, and it is closed.
        read_seconds: in which a client that does not read its answer has to read some of it; else it is cut off.
        drain_seconds: after SIGTERM, in which an idle connection may still send a request.
        model_seconds: until a new model file has been opened and run; one that takes longer is not taken.
        start_seconds: until a worker has started; one that takes longer is killed and tried again.
        hung_seconds: until a worker answers its supervisor; one that takes longer is killed and replaced.
    """

    body: int = 32 * 2**20
    pixels: int = 50_000_000
    memory: int = 400_000_000
    large: int = 30_000_000
    pictures: int = 64
    queue: int = 256
    large_queue: int = 128
    seconds: float = 30.0
    head: int = 2**16
    headers: int = 128
    body_seconds: float = 20.0
    header_seconds: float = 20.0
    read_seconds: float = 20.0
    drain_seconds: float = 1.0
    model_seconds: float = MODEL_SECONDS
    start_seconds: float = 120.0
    hung_seconds: float = 30.0
