"""Does it stand: hours of what people send, right and wrong, in a few minutes; a worker killed; the server ended."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import struct
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from benchmarks.load.counting import Client
from benchmarks.load.servers import Server, free_port, ours, running, wrk

FIRST = 60  # seconds, after which memory is looked at for the first time
BODY_LIMIT = 32 * 2**20


def write_bad(folder: Path, picture: bytes) -> int:
    """Bodies that are no pictures, or too large: bad-0, bad-1 ... How many."""
    bad = [
        b"no picture at all",
        picture[: len(picture) // 2],
        picture[:40] + b"\xff" * 20 + picture[60:],
        b"<!DOCTYPE html><html><body>404</body></html>",
        _huge(),
        b"GIF89a" + bytes(20),
        b"\xff\xd8\xff\xe0" + bytes(100),
    ]
    for number, content in enumerate(bad):
        (folder / f"bad-{number}").write_bytes(content)
    return len(bad)


def _huge() -> bytes:
    """A PNG file of a few bytes that claims 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


class _Others(Thread):
    """What wrk's script does not send: forms, explanations, bodies over the limit, connections given up halfway."""

    def __init__(self, server: Server, pictures: Sequence[bytes], ended: Event) -> None:
        super().__init__()
        self._server, self._pictures, self._ended = server, pictures, ended
        self.statuses: Counter[int] = Counter()
        self.unexpected: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._ended.wait(0.05):
            number += 1
            picture = self._pictures[number % len(self._pictures)]
            self._expect(200, "POST", "/predict?explain=input&top=10", picture)
            if number % 5 == 0:
                self._expect(200, "POST", "/predict?explain=occlusion", picture)
                self._expect(200, "POST", "/predict", _form(self._pictures[:8]), "multipart/form-data; boundary=b")
                self._expect(200, "POST", "/segment", picture)
                self._expect(400, "POST", "/predict", b"--c no form", "multipart/form-data; boundary=b")
                self._expect(200, "GET", "/metrics", None)
                self._expect(200, "GET", "/", None)
            if number % 20 == 0:
                self._expect(413, "POST", "/predict", b"", length=BODY_LIMIT + 1)
                self._give_up()

    def _expect(
        self,
        wanted: int,
        method: str,
        path: str,
        body: bytes | None,
        kind: str = "image/png",
        length: int | None = None,
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        try:
            headers = {"Content-Type": kind} | ({"Content-Length": str(length)} if length else {})
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            self.statuses[response.status] += 1
            if response.status != wanted:
                self.unexpected.append(f"{method} {path}: {response.status}, not {wanted}: {content[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            self.unexpected.append(f"{method} {path}: {error!r}")
        finally:
            connection.close()

    def _give_up(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"half")
        connection.close()


def _form(pictures: Sequence[bytes]) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%d.png"\r\n\r\n'
    return b"".join(head % number + content + b"\r\n" for number, content in enumerate(pictures)) + b"--b--\r\n"


def soak(model: Path, folder: Path, pictures: Sequence[bytes], minutes: float) -> str:
    """Mixed load; memory after the first minute and at the end; every answer that is not as it should be."""
    if minutes <= 1:
        raise SystemExit("--soak: more than 1 minute; memory is first looked at after that.")
    bad, port, ended = write_bad(folder, pictures[0]), free_port(), Event()
    statuses: Counter[str] = Counter()
    broken, memory = 0, []
    with running(ours(model, port), port, model, pictures[0], folder) as server:
        others = _Others(server, pictures, ended)
        others.start()
        try:
            for seconds in (FIRST, round(minutes * 60) - FIRST):
                result = wrk("mixed.lua", server.address, 32, seconds, folder, len(pictures), bad)
                statuses.update(result["statuses"])
                broken += result["broken"]
                memory.append(server.resident_megabytes())
        finally:
            ended.set()
            others.join()
        log = server.log
    exit_code = server.process.returncode
    failures = sum(json.loads(line).get("level") == "error" for line in log.read_text().splitlines() if line[:1] == "{")
    for said in others.unexpected[:20]:
        print(said)
    total = sum(statuses.values())
    theirs = sum(count for status, count in statuses.items() if status.startswith("4"))
    faults = sum(count for status, count in statuses.items() if status.startswith("5"))
    errors = faults + broken + len(others.unexpected)
    growth = memory[1] / memory[0] - 1
    found = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    rows = [
        ("requests by wrk, 32 connections", "", f"{total:,} ({found})"),
        ("of them bad", "", f"{theirs / total:.1%}"),
        (
            "other requests: forms, explanations, characters, bodies over the limit",
            "",
            f"{sum(others.statuses.values()):,}",
        ),
        (
            "wrong answers (5xx, broken connections)",
            "0",
            f"{errors}",
        ),
        ("failures in the log", "0", f"{failures}"),
        ("memory after the first minute", "", f"{memory[0]:.1f} MB"),
        ("memory at the end", "<= 1.05 times", f"{memory[1]:.1f} MB ({growth:+.1%})"),
        ("exit code on SIGTERM", "0", f"{exit_code}"),
    ]
    return _table(f"{minutes:g} minutes of mixed load, one worker", rows)


def kill(model: Path, folder: Path, pictures: Sequence[bytes]) -> str:
    """Two workers under load: one is killed, later all are told to end."""
    port = free_port()
    with running(ours(model, port, workers=2), port, model, pictures[0], folder) as server:
        rows = asyncio.run(_kill(server, pictures))
    return _table("two workers, 64 connections", rows)


async def _kill(server: Server, pictures: Sequence[bytes]) -> list[tuple[str, str, str]]:
    while server.log.read_text().count('"event": "ready"') < 2:
        await asyncio.sleep(0.1)  # the first to be up would take all connections
    client = Client(server.port, pictures)
    counts = client.counts
    load = asyncio.create_task(client.run(64))
    await asyncio.sleep(3)
    victim = _workers(server)[0]
    open_on_it = _connections(victim, server.port)
    before, killed = sum(counts.answered.values()), time.monotonic()
    os.kill(victim, signal.SIGKILL)
    await asyncio.sleep(0.5)
    meanwhile = sum(counts.answered.values()) - before
    while len(set(_workers(server)) - {victim}) < 2 and time.monotonic() - killed < 30:
        await asyncio.sleep(0.02)
    replaced = time.monotonic() - killed
    await asyncio.sleep(3)
    lost_by_kill, faults = counts.lost, sum(n for status, n in counts.answered.items() if status != 200)
    refused = counts.refused
    answered_before, sent_before = sum(counts.answered.values()), counts.sent
    client.reconnecting = False
    server.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    await asyncio.wait_for(load, 60)
    exit_code = await asyncio.to_thread(server.process.wait, 60)
    took = time.monotonic() - began
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(counts.answered.items()))
    return [
        ("requests sent; answers by status", "", f"{counts.sent:,}; {statuses}"),
        (
            "worker killed (SIGKILL): requests lost with it, one at most a connection",
            f"<= {open_on_it}",
            f"{lost_by_kill}",
        ),
        ("answers of the other worker in the half second after", "> 0", f"{meanwhile:,}"),
        ("time until a new worker's process runs", "", f"{replaced:.2f} s"),
        ("answers other than 200, connections refused, until then", "0", f"{faults + refused}"),
        (
            "SIGTERM: sent by then without an answer yet, and sent after it",
            "",
            f"{sent_before - answered_before - lost_by_kill}, {counts.sent - sent_before}",
        ),
        ("SIGTERM: accepted requests lost", "0", f"{counts.lost - lost_by_kill}"),
        ("SIGTERM to exit; exit code", "", f"{took:.2f} s; {exit_code}"),
    ]


def _workers(server: Server) -> list[int]:
    """The supervisor's children that serve; not multiprocessing's own helper."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


def _connections(pid: int, port: int) -> int:
    """Sockets that a process holds open with a client on `port`."""
    inodes = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        cells = line.split()
        if cells[1].endswith(f":{port:04X}") and cells[3] == "01":
            inodes.add(f"socket:[{cells[9]}]")
    held = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held += str(entry.readlink()) in inodes
        except OSError:
            continue
    return held


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    return "\n".join([f"| {title} | bar | measured |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
