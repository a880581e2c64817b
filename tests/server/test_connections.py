"""Bounds of a connection: what a client sends without end, does not send, or does not read."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from imagewise.server.limits import Limits
from running_servers import RunningServer, digit, in_process, running, wait_until

IMPATIENT = Limits(header_seconds=1.0, body_seconds=1.0, read_seconds=0.5, drain_seconds=0.1, body=200_000)
START = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


def connect(address: str) -> socket.socket:
    url = urlsplit(address)
    return socket.create_connection((url.hostname, url.port), timeout=20)


def everything(opened: socket.socket) -> bytes:
    """Until the server closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := opened.recv(2**16):
            parts.append(part)
    return b"".join(parts)


def memory(process: int) -> int:
    """MiB that it has in memory."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    with in_process(IMPATIENT) as address:
        yield address


@pytest.fixture(scope="module")
def own_server() -> Iterator[RunningServer]:
    """A process whose memory is looked at."""
    with running() as server:
        yield server


ENDLESS = {
    "one header": (START + b"X: ", b"x" * 2**20),
    "headers": (START, (b"X: " + b"y" * 1000 + b"\r\n") * 1000),
    "short headers": (START, b"a:b\r\n" * 200_000),
    "an address": (b"GET /", b"x" * 2**20),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", (b"X: " + b"y" * 1000 + b"\r\n") * 1000),
    "one trailer": (CHUNKED + b"0\r\nX: ", b"x" * 2**20),
    "the extension of a chunk": (CHUNKED + b"1;", b"x" * 2**20),
}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", ENDLESS)
def test_600_mib_of_headers_or_trailers_are_refused_after_a_few_and_take_no_memory(
    own_server: RunningServer, name: str
) -> None:
    start, more = ENDLESS[name]
    with connect(own_server.address) as opened:
        opened.sendall(CHUNKED + b"0\r\n\r\n")  # whatever the first request takes is there before
        warmed = b""
        while not warmed.endswith(b"}"):
            warmed += opened.recv(2**16)
        before = memory(own_server.process.pid)
        sent = 0
        with suppress(BrokenPipeError, ConnectionResetError):
            opened.sendall(start)
            while sent < 600 * 2**20:
                opened.sendall(more)
                sent += len(more)
        answer = everything(opened)
    assert sent < 20 * 2**20  # what the buffers of the system took
    assert answer.startswith(b"HTTP/1.1 431 ") or not answer  # the system may drop it with what was not read
    assert memory(own_server.process.pid) - before < 8


def test_a_request_with_too_many_headers_says_so(impatient: str) -> None:
    with connect(impatient) as opened:
        opened.sendall(START + b"a: b\r\n" * 200 + b"\r\n")
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"more than 128 headers" in answer


def test_headers_and_trailers_of_a_usual_size_are_taken_in_whatever_pieces(impatient: str) -> None:
    picture = digit()
    head = START + b"Cookie: " + b"c" * 30_000 + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = head + b"%x\r\n" % len(picture) + picture + b"\r\n0\r\nX-Trailer: " + b"t" * 3000 + b"\r\n\r\n"
    with connect(impatient) as opened:
        for pieces in (1, 7, 100):
            size = len(request) // pieces
            for start in range(0, len(request), size):
                opened.sendall(request[start : start + size])
            assert opened.recv(2**16).startswith(b"HTTP/1.1 200 ")
        opened.sendall(request * 3)  # at once
        opened.shutdown(socket.SHUT_WR)
        assert everything(opened).count(b"HTTP/1.1 200 ") == 3


def test_a_client_that_closes_its_sending_side_is_answered(impatient: str) -> None:
    picture = digit()
    for _ in range(10):
        with connect(impatient) as opened:
            opened.sendall(START + b"Content-Length: %d\r\n\r\n" % len(picture) + picture)
            opened.shutdown(socket.SHUT_WR)
            answer = everything(opened)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"label":"7"' in answer


def test_a_client_that_closes_its_sending_side_in_the_midst_of_a_request_is_let_go(impatient: str) -> None:
    for start in (b"", START, START + b"Content-Length: 99\r\n\r\nx"):
        with connect(impatient) as opened:
            opened.sendall(start)
            opened.shutdown(socket.SHUT_WR)
            assert everything(opened) == b""


def test_empty_lines_do_not_keep_a_connection(impatient: str) -> None:
    with connect(impatient) as opened:
        opened.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = opened.recv(2**16)
        opened.settimeout(0.05)
        with suppress(ConnectionError):
            while b"HTTP/1.1 408 " not in answer:
                opened.sendall(b"\r\n")
                with suppress(TimeoutError):
                    answer += opened.recv(2**16)
    assert answer.count(b"HTTP/1.1 200 ") == 1


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_body_that_is_answered_already_does_not_go_on_for_ever(impatient: str, pause: float) -> None:
    """At once it is too much, with pauses too slow."""
    part = b"800\r\n" + bytes(2048) + b"\r\n" if not pause else b"1\r\nx\r\n"
    with connect(impatient) as opened:
        opened.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = opened.recv(2**16)
        opened.settimeout(pause or 20)
        with suppress(ConnectionError):
            while True:
                opened.sendall(part)
                if pause:
                    with suppress(TimeoutError):
                        more = opened.recv(2**16)
                        answer += more
                        if not more:
                            break
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 ")


def connections_to(address: str) -> int:
    """How many of the connections to the server it has not given up, by the system."""
    port = f":{urlsplit(address).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(port) and line[3] == "01" and line[9] != "0" for line in lines)


@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="connections are read from /proc")
def test_clients_that_never_read_are_cut_off_after_a_while(impatient: str) -> None:
    opened = [socket.socket() for _ in range(20)]
    try:
        for each in opened:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.settimeout(20)
            each.connect(("127.0.0.1", urlsplit(impatient).port))
            each.setblocking(False)
        asked = b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
        wait_until(lambda: connections_to(impatient) == len(opened))  # once they are accepted

        def all_cut_off() -> bool:
            for each in opened:
                with suppress(BlockingIOError, ConnectionError):
                    each.send(asked)
            return connections_to(impatient) == 0

        wait_until(all_cut_off)
    finally:
        for each in opened:
            each.close()


def test_a_client_that_goes_away_with_many_requests_unanswered_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answered() -> int:
        text = httpx.get(f"{address}/metrics").text
        found = re.search(r'requests_total\{endpoint="/docs",status="200"\} (\d+)', text)
        return int(found[1]) if found else 0

    def stuck() -> bool:
        before = answered()
        time.sleep(0.1)
        return 0 < before == answered()

    with in_process(Limits(drain_seconds=0.1)) as address:
        with connect(address) as opened:
            opened.sendall(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3000)
            # until nothing fits into the buffers any more: an answer waits to be written
            wait_until(stuck)
            before = answered()
        httpx.get(f"{address}/livez")
        assert answered() < 3000
        assert answered() <= before + 2  # those behind it are not begun
    text = capsys.readouterr().err
    assert '"failure"' not in text
    assert '"event": "server"' not in text


def test_a_client_that_reads_slowly_gets_all_of_it(impatient: str) -> None:
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(20)
        opened.connect(("127.0.0.1", urlsplit(impatient).port))
        opened.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := opened.recv(1024):
            answer += part
            os.sched_yield()
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length
    assert len(body) == int(length[1])
