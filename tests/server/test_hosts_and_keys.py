"""Names that the server answers to, origins of pages that may ask it, and keys."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.errors import EngineError
from imagewise.server.http import keys
from imagewise.server.http.hosts import HostCheck
from imagewise.server.http.keys import KeyGuard
from imagewise.server.http.problems import Problem
from running_servers import PATIENCE, digit, in_process, running

KEY = "correct horse battery staple"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with in_process() as found:
        yield found


@pytest.mark.parametrize("path", ["/api/models", "/", "/livez", "/v2"])
def test_a_name_that_an_attacker_made_resolve_to_this_machine_is_refused(address: str, path: str) -> None:
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b"):
        answer = httpx.get(f"{address}{path}", headers={"Host": host})
        assert answer.status_code == 421, host
        assert "digits" not in answer.text
    assert "--allowed-host" in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "127.1.2.3", "[::1]:80", "localhost."])
def test_names_of_this_machine_are_answered(address: str, host: str) -> None:
    assert httpx.get(f"{address}/livez", headers={"Host": host}).status_code == 200


def test_a_request_needs_one_host(address: str) -> None:
    url = httpx.URL(address)
    for lines, status in (
        (b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.0\r\n\r\n", b"200"),
    ):
        with socket.create_connection((url.host, url.port), timeout=PATIENCE) as opened:
            opened.sendall(lines)
            assert opened.recv(2**16).split()[1] == status, lines


def test_a_post_from_a_page_of_another_origin_is_not_worked_on(address: str) -> None:
    own = address.removeprefix("http://")
    for origin in ("http://evil.example", "null", "http://localhost:1", f"http://{own}.evil.example", "", "file://"):
        answer = httpx.post(f"{address}/predict", content=digit(), headers={"Origin": origin})
        assert answer.status_code == 403, origin
    assert httpx.post(f"{address}/predict", content=digit(), headers={"Origin": address}).json()["label"] == "7"


BOUND = [
    ("127.0.0.1", (), "192.168.1.5", False),
    ("::1", (), "127.0.0.1", True),
    ("localhost", (), "127.0.0.1:8000", True),
    ("0.0.0.0", (), "192.168.1.5:8000", True),
    ("0.0.0.0", (), socket.gethostname(), True),
    ("0.0.0.0", (), "evil.example", False),
    ("::", (), "[2001:db8::1]:80", True),
    ("192.168.1.5", (), "192.168.1.5", True),
    ("192.168.1.5", (), "192.168.1.6", False),
    ("shop.example", (), "shop.example", True),
    ("127.0.0.1", ("shop.example",), "Shop.Example:443", True),
    ("127.0.0.1", ("shop.example",), "other.shop.example", False),
    ("127.0.0.1", ("*",), "whatever.example", True),
]


@pytest.mark.parametrize(("bound", "more", "host", "answered"), BOUND)
def test_hosts_are_checked_against_what_was_bound(bound: str, more: tuple[str, ...], host: str, answered: bool) -> None:
    scope: dict[str, Any] = {"http_version": "1.1", "headers": [(b"host", host.encode())]}
    check = HostCheck(bound, more)
    if answered:
        check.check(scope)
    else:
        with pytest.raises(Problem):
            check.check(scope)


def test_a_name_is_allowed_by_an_option_and_so_are_its_pages() -> None:
    with running("--allowed-host", "shop.example", "--allowed-host", "other.example") as server:
        headers = {"Host": "shop.example", "Origin": "https://shop.example"}
        for origin in ("https://shop.example", "https://other.example:8443"):
            answer = httpx.post(f"{server.address}/predict", content=digit(), headers=headers | {"Origin": origin})
            assert answer.json()["label"] == "7"
        assert httpx.get(f"{server.address}/livez", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("key", ["", "  ", " key", "key\n", "schlüssel", "a\x00b"])
def test_a_key_that_is_empty_or_that_no_request_can_send_is_refused_at_the_start(key: str) -> None:
    if "\x00" in key:
        with pytest.raises(EngineError):
            keys.check_key(key)
        return
    result = CliRunner().invoke(app, ["serve", "--port", "0"], env={"IMAGEWISE_API_KEY": key})
    assert result.exit_code == 2
    assert "IMAGEWISE_API_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_keys_wait_longer_and_longer_and_the_right_one_never() -> None:
    waited: list[float] = []
    now = [0.0]

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def wrong(guard: KeyGuard, given: str = "guess") -> None:
        with pytest.raises(Problem):
            await guard.check(given)

    async def main() -> None:
        guard = KeyGuard(KEY, lambda: now[0], sleep)
        for _ in range(20):
            await wrong(guard)
        assert waited == []
        for _ in range(40):
            await wrong(guard)
        assert waited == [*map(float, range(1, 11)), *[10.0] * 30]
        await guard.check(KEY)
        await wrong(guard, "")  # no guess
        assert len(waited) == 40
        now[0] += 15
        await wrong(guard)
        assert len(waited) == 40

    asyncio.run(main())


def test_while_wrong_keys_wait_the_right_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_FREE", 1)
    monkeypatch.setattr(keys, "_LONGEST", 2.0)
    with in_process(api_key=KEY) as address, ThreadPoolExecutor(4) as senders, httpx.Client(timeout=PATIENCE) as client:
        guesses = [
            senders.submit(client.post, f"{address}/predict", content=digit(), headers={"X-API-Key": f"{KEY}{number}"})
            for number in range(4)
        ]
        answer = client.post(f"{address}/predict", content=digit(), headers={"X-API-Key": KEY})
        assert answer.json()["label"] == "7"
        assert not all(guess.done() for guess in guesses)
        assert {guess.result().status_code for guess in guesses} == {401}
