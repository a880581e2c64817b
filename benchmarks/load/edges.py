"""How soon a bad picture is refused, and whether health answers while bodies and connections hang."""

from __future__ import annotations

import gc
import http.client
import io
import resource
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from threading import Event, Thread

import numpy as np
from benchmarks.load.servers import Server, free_port, ours, running
from PIL import Image

TIMES, PROBES, PAUSE, CROWDS = 50, 100, 0.02, 10
IDLE, SLOW = 1000, 50
TURN = (
    0.0002  # seconds: Python's own 5 ms, for which a sending thread may keep the one that measures waiting, would count
)
LARGE = 2 * 2**30
REFUSED, HEALTH = 100.0, 50.0  # milliseconds: the bars


def edges(model: Path, folder: Path, pictures: Sequence[bytes]) -> str:
    """Both tables, of one server."""
    sys.setswitchinterval(TURN)
    gc.collect()
    gc.freeze()  # a collection of all that was imported takes a tenth of a second, here as in the server
    _allow_open_files(IDLE + SLOW + 200)
    port = free_port()
    with running(ours(model, port), port, model, pictures[0], folder) as server:
        refused = [_refused(server, name, content) for name, content in _odd(pictures[0]).items()]
        before = server.resident_megabytes()
        health = [
            _health(server, "nothing else", []),
            _health(server, "a body of 2 GB that says so", [_large(server, announced=True)]),
            _health(server, "a body of 2 GB in chunks", [_large(server, announced=False)]),
            _health(server, f"{SLOW} bodies of a byte every 0.1 s", [_slow(server)]),
            _health(server, f"{IDLE:,} idle connections", [_idle(server)]),
            _health(
                server, "all of these", [_large(server, False), _large(server, True), _slow(server), _idle(server)]
            ),
        ]
        crowd = _crowd(server)
        memory = f"{before:.0f} MB, {server.resident_megabytes():.0f} MB"
    return "\n".join(
        [
            f"| one picture to `/predict`, {TIMES} times | answer | median | longest, at most {REFUSED:g} ms |",
            "|---|---|---|---|",
            *refused,
            "",
            f"| `/livez`, {PROBES} times, during | sent meanwhile | median | longest, at most {HEALTH:g} ms |",
            "|---|---|---|---|",
            *health,
            "",
            f"The first `/livez` behind {IDLE:,} connections opened in one go, which are accepted one by one: {crowd}.",
            f"The server's memory before and after the second table: {memory}.",
        ]
    )


def _odd(png: bytes) -> dict[str, bytes]:
    """What the name says, as the content of a file."""
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 256, (1200, 1600, 3), dtype=np.uint8))
    photograph = _file(noise, "JPEG")
    frames = [Image.new("P", (200, 200), level) for level in range(40)]
    return {
        "an empty file": b"",
        "zero bytes, 1 MB": bytes(10**6),
        "a truncated JPEG of 2 megapixels": photograph[: len(photograph) // 2],
        "a truncated PNG": png[: len(png) // 2],
        "a PNG with a broken chunk": png.replace(b"IDAT", b"IDAX"),
        "a web page": b"<!DOCTYPE html><html><body>404</body></html>" + b"<p>nothing</p>" * 1000,
        "a drawing in SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "an animated GIF of 40 pictures": _file(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "1x1": _file(Image.new("L", (1, 1), 200), "PNG"),
        "20000x1": _file(Image.new("L", (20_000, 1), 255), "PNG"),
        "20000x20000, whole": _bomb(20_000),
        "30000x30000, claimed by a few bytes": _bomb(30_000, rows=0),
        "a folder's leftovers (.DS_Store)": b"\x00\x00\x00\x01Bud1\x00\x00\x10\x00" + bytes(6000),
        "EPS, which would start Ghostscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }


def _file(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _bomb(side: int, rows: int | None = None) -> bytes:
    """A white grey PNG of side x side, which holds `rows` rows (None: all): 400 megapixels in 400 kB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * side
    packed = b"".join(packer.compress(row) for _ in range(side if rows is None else rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _refused(server: Server, name: str, content: bytes) -> str:
    took, statuses = [], set()
    for _ in range(TIMES):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", "/predict", content, {"Content-Type": "image/png"})
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1000)
        statuses.add(str(answer.status))
        connection.close()
    return f"| {name} | {', '.join(sorted(statuses))} | {median(took):.1f} ms | {max(took):.1f} ms |"


# Does what its maker says: sets the first event once it is under way, goes on till the second is set, says what it did.
Beside = Callable[[Event, Event], str]


def _health(server: Server, name: str, beside: list[Beside]) -> str:
    ended, ready, said, took = Event(), [Event() for _ in beside], [""] * len(beside), []

    def begin(place: int, work: Beside) -> None:
        said[place] = work(ready[place], ended)

    threads = [Thread(target=begin, args=each) for each in enumerate(beside)]
    for thread in threads:
        thread.start()
    try:
        if not all(each.wait(30) for each in ready):
            raise SystemExit(f"{name}: not under way after 30 s.")
        for _ in range(PROBES):
            took.append(_livez(server))
            time.sleep(PAUSE)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    _livez(server)  # behind the connections that have just been closed
    return f"| {name} | {'; '.join(filter(None, said))} | {median(took):.1f} ms | {max(took):.1f} ms |"


def _livez(server: Server) -> float:
    """Milliseconds till it has answered on a new connection."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/livez")
    answer = connection.getresponse()
    if (answer.status, answer.read()) != (200, b'{"live":true}'):
        raise SystemExit(f"/livez answered {answer.status}.")
    connection.close()
    return (time.perf_counter() - began) * 1000


def _crowd(server: Server) -> str:
    """How long the request waits that comes behind 1,000 connections opened at once."""
    took = []
    for _ in range(CROWDS):
        with ExitStack() as stack:
            for _ in range(IDLE):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            took.append(_livez(server))
        _livez(server)
    return f"{median(took):.1f} ms, at most {max(took):.1f} ms (n = {CROWDS})"


def _large(server: Server, announced: bool) -> Beside:
    """2 GB from one block of memory, sent on after the refusal as long as the server lets it; then once more."""
    length = f"Content-Length: {LARGE}" if announced else "Transfer-Encoding: chunked"
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode()
    block = bytes(2**20)
    part = block if announced else b"%x\r\n" % len(block) + block + b"\r\n"

    def send(ready: Event, ended: Event) -> str:
        bodies, sent, refused = 0, 0, 0
        ready.set()
        while not ended.is_set():
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as opened:
                bodies += 1
                with suppress(OSError):
                    opened.sendall(head)
                    for _ in range(LARGE // len(block)):
                        if ended.is_set():
                            break
                        opened.sendall(part)
                        sent += len(block)
                with suppress(OSError):  # a reset may take the answer along
                    refused += opened.recv(100).startswith(b"HTTP/1.1 413 ")
        return f"{bodies} bodies, {sent / 2**20:,.0f} MiB, 413 seen {refused} times"

    return send


def _slow(server: Server) -> Beside:
    def send(ready: Event, ended: Event) -> str:
        with ExitStack() as stack:
            senders = []
            for _ in range(SLOW):
                opened = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
                opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
                senders.append(opened)
            ready.set()
            count = 0
            while not ended.wait(0.1):
                for opened in senders:
                    opened.sendall(b"x")
                    count += 1
        return f"{count:,} bytes"

    return send


def _idle(server: Server) -> Beside:
    def hold(ready: Event, ended: Event) -> str:
        with ExitStack() as stack:
            for _ in range(IDLE):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            _livez(server)  # accepted in turn: then these are
            ready.set()
            ended.wait()
        return f"{IDLE:,} connections"

    return hold


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"--edges: this user may not open {count} files (ulimit -Hn).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
