"""What is too much is refused with a word on why, and nothing else suffers."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from holding import Clock, Gate
from imagewise.server import predict_api, worker
from imagewise.server.limits import Limits
from running_servers import PATIENCE, digit, encoded, in_process, noise, queue_of, wait_until

SMALL = Limits(body=100_000, pixels=10_000, pictures=3, queue=3, drain_seconds=0.1)
IMPATIENT = Limits(body_seconds=1.0, header_seconds=1.0, drain_seconds=0.1)


@pytest.fixture
def address() -> Iterator[str]:
    with in_process(SMALL) as found:
        yield found


@pytest.fixture
def impatient() -> Iterator[str]:
    """Of a server that soon gives up on slow senders."""
    with in_process(IMPATIENT) as found:
        yield found


@contextmanager
def connection(address: str) -> Iterator[socket.socket]:
    url = urlsplit(address)
    with socket.create_connection((url.hostname, url.port), timeout=20) as opened:
        yield opened


def everything(opened: socket.socket) -> bytes:
    """Till the server closes."""
    parts = []
    while part := opened.recv(2**16):
        parts.append(part)
    return b"".join(parts)


def detail(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["detail"])


def test_a_body_that_says_it_is_too_large_is_refused_before_any_of_it_is_sent(address: str) -> None:
    with connection(address) as opened:
        opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\n\r\n")
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert "larger than" in detail(answer)


def test_a_body_that_does_not_say_is_refused_once_it_is_too_large(address: str) -> None:
    with connection(address) as opened:
        opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            opened.sendall(b"2710\r\n" + bytes(10_000) + b"\r\n")
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [100_001, 5_000_000, 80_000_000])
def test_who_sends_on_regardless_still_gets_to_see_the_answer(address: str, size: int) -> None:
    answer = httpx.post(f"{address}/predict", content=bytes(size), timeout=20)
    assert answer.status_code == 413
    assert httpx.post(f"{address}/predict", content=digit()).status_code == 200


def test_a_body_that_stops_coming_is_given_up(impatient: str) -> None:
    with connection(impatient) as opened:
        opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + bytes(10))
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "did not arrive in time" in detail(answer)


def test_a_body_that_drips_is_given_up(impatient: str) -> None:
    with connection(impatient) as opened:
        opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        opened.settimeout(0.05)
        answer = b""
        for _ in range(200):
            opened.sendall(b"x")
            try:
                answer = opened.recv(2**16)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("start", [b"", b"POST /predict HTTP/1.1\r\nHo"])
def test_headers_that_do_not_come_are_given_up(impatient: str, start: bytes) -> None:
    with connection(impatient) as opened:
        opened.sendall(start)
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert "did not arrive in time" in detail(answer)


@pytest.mark.parametrize(
    "nonsense", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\na b: c\r\n\r\n"]
)
def test_what_is_no_http_is_told_so_in_the_shape_of_all_errors(address: str, nonsense: bytes) -> None:
    with connection(address) as opened:
        opened.sendall(nonsense)
        answer = everything(opened)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in answer
    assert "HTTP" in detail(answer)


def test_an_idle_connection_between_two_requests_is_no_slow_sender(impatient: str) -> None:
    url = urlsplit(impatient)
    idle = http.client.HTTPConnection(str(url.hostname), url.port, timeout=20)
    with closing(idle):
        idle.request("GET", "/livez")
        assert idle.getresponse().read() == b'{"live":true}'
        opened = idle.sock
        with connection(impatient) as slow:  # opened later, and given up before the idle one is asked again
            assert everything(slow).startswith(b"HTTP/1.1 408 ")
        idle.request("GET", "/livez")
        assert idle.getresponse().read() == b'{"live":true}'
        assert idle.sock is opened


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("decoded")

    content = encoded(Image.new("L", (101, 100)))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    answer = httpx.post(f"{address}/predict", content=content)
    assert (answer.status_code, "101x100" in answer.json()["detail"]) == (413, True)


def test_too_many_pictures_in_a_form_are_refused(address: str) -> None:
    for count, status in ((3, 200), (4, 413), (5, 413), (40, 413)):
        files = [("pictures", (f"{number}.png", digit())) for number in range(count)]
        assert httpx.post(f"{address}/predict", files=files).status_code == status


def test_beyond_the_queue_it_is_503_and_a_retry_then_succeeds(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    with httpx.Client(base_url=address, timeout=20) as client, ThreadPoolExecutor(SMALL.queue) as pool:
        waiting = [pool.submit(client.post, "/predict", content=digit()) for _ in range(SMALL.queue)]
        wait_until(lambda: queue_of(client) == SMALL.queue)
        refused = client.post("/predict", content=digit())
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "too many" in refused.json()["detail"]
        assert client.get("/livez").status_code == 200
        gate.opened.set()
        assert [answer.result().json()["label"] for answer in waiting] == ["7"] * SMALL.queue
        assert client.post("/predict", content=digit()).status_code == 200
        wait_until(lambda: queue_of(client) == 0)


def test_a_form_that_does_not_fit_the_queue_leaves_nothing_behind_in_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    with httpx.Client(base_url=address, timeout=20) as client, ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(client.post, "/predict", content=digit())
        wait_until(lambda: queue_of(client) == 1)
        files = [("pictures", (f"{number}.png", digit())) for number in range(3)]
        form = pool.submit(client.post, "/predict", files=files)
        wait_until(lambda: queue_of(client) == 3)
        gate.opened.set()
        assert (waiting.result().status_code, form.result().status_code) == (200, 503)
        wait_until(lambda: queue_of(client) == 0)


def test_what_takes_too_long_is_504_and_the_next_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.install(monkeypatch)
    gate = Gate(monkeypatch)
    limits = Limits(seconds=0.3, drain_seconds=0.1)
    with (
        in_process(limits) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        ThreadPoolExecutor(1) as senders,
    ):
        late = senders.submit(client.post, "/predict", content=digit())
        assert gate.reached.wait(PATIENCE)
        clock.now += 1
        answer = late.result()
        assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
        assert "0.3 seconds" in answer.json()["detail"]
        gate.opened.set()
        assert client.post("/predict", content=digit()).json()["label"] == "7"


def test_work_that_takes_too_long_is_504_never_begins_and_leaves_the_queue_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(predict_api, "read", lambda *arguments: begun.append(arguments))
    monkeypatch.setattr(worker, "usable_cpus", lambda: 1)
    clock = Clock()
    clock.install(monkeypatch)
    gate = Gate(monkeypatch)
    framed = {"name": "pictures", "datatype": "UINT8", "shape": [1, 28, 28, 1], "data": [0] * 784}
    with (
        in_process(Limits(drain_seconds=0.1)) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        ThreadPoolExecutor(3) as senders,
    ):
        first = senders.submit(client.post, "/predict", content=digit())
        assert gate.reached.wait(PATIENCE)
        late = [
            senders.submit(client.post, "/segment", content=digit()),
            senders.submit(client.post, "/v2/models/digits/infer", json={"inputs": [framed]}),
        ]
        wait_until(lambda: queue_of(client) == 3)
        clock.now += Limits().seconds + 1
        assert {answer.result().status_code for answer in (first, *late)} == {504}
        gate.opened.set()
        wait_until(lambda: queue_of(client) == 0)
        assert client.post("/predict", content=digit()).json()["label"] == "7"
        assert queue_of(client) == 0
    assert begun == []


def test_pictures_that_wait_together_are_recognised_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "usable_cpus", lambda: 1)
    gate = Gate(monkeypatch)
    with (
        in_process(SMALL) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        ThreadPoolExecutor(3) as senders,
    ):
        first = senders.submit(client.post, "/predict", content=digit(1))
        assert gate.reached.wait(PATIENCE)
        waiting = [senders.submit(client.post, "/predict", content=digit(number)) for number in (7, 1)]
        wait_until(lambda: queue_of(client) == 3)
        gate.opened.set()
        assert [answer.result().json()["label"] for answer in (first, *waiting)] == ["1", "7", "1"]
        assert _batches(client) == [2, 3]  # runs of the network: the first picture, then the two that waited


def _batches(client: httpx.Client) -> list[float]:
    text = client.get("/metrics").text
    return [float(re.findall(rf"imagewise_batch_size_{name} (\S+)", text)[0]) for name in ("count", "sum")]


def test_health_answers_while_bodies_and_connections_hang(address: str) -> None:
    with connection(address) as slow, connection(address) as large:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\nx")
        large.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\n\r\n" + bytes(50_000)
        )
        idle = [connection(address) for _ in range(200)]
        for entered in idle:
            entered.__enter__()
        try:
            assert httpx.get(f"{address}/livez").json() == {"live": True}
            assert httpx.post(f"{address}/predict", content=digit()).json()["label"] == "7"
        finally:
            for entered in idle:
                entered.__exit__(None, None, None)


def test_a_client_that_goes_away_disturbs_nobody(address: str) -> None:
    for _ in range(5):
        with connection(address) as opened:
            opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        with connection(address) as opened:
            body = encoded(noise(90, 70))
            opened.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
    with httpx.Client(base_url=address) as client:
        wait_until(lambda: queue_of(client) == 0)
        assert 'status="500"' not in client.get("/metrics").text
        assert client.post("/predict", content=digit()).json()["label"] == "7"
