"""Requests: tokens reach their own host only, proxies are used, and nothing but HTTP is opened."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from hub_servers import HubServer, Reply, serve
from imagewise.connection import ask, origin

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve() as server:
        yield server


@pytest.fixture
def other() -> Iterator[HubServer]:
    with serve() as server:
        yield server


def body(url: str, **options: dict[str, str]) -> bytes:
    with ask(url, {"User-Agent": "test", "Range": "bytes=2-"}, **options) as response:  # type: ignore[arg-type]
        return response.read()


def test_a_token_is_sent_to_its_own_host_and_through_redirects_on_it(hub: HubServer) -> None:
    hub.replies = {"/old": [Reply(status=307, headers={"Location": "/new"})], "/new": [Reply(b"0123")]}
    assert body(f"{hub.url}/old", tokens={origin(hub.url): "secret"}) == b"23"
    assert [request.headers.get("Authorization") for request in hub.asked] == ["Bearer secret"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_is_not_sent_to_another_host_that_the_hub_redirects_to(
    hub: HubServer, other: HubServer, status: int
) -> None:
    hub.replies = {"/a": [Reply(status=status, headers={"Location": f"{other.url}/stored"})]}
    other.replies = {"/stored": [Reply(b"0123")]}
    assert body(f"{hub.url}/a", tokens={origin(hub.url): "secret"}) == b"23"
    assert hub.asked[0].headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in other.asked[0].headers
    assert "secret" not in str(other.asked)
    assert other.asked[0].headers["Range"] == "bytes=2-"


def test_another_host_that_redirects_to_the_hub_does_not_see_its_token(hub: HubServer, other: HubServer) -> None:
    other.replies = {"/a": [Reply(status=302, headers={"Location": f"{hub.url}/b"})]}
    hub.replies = {"/b": [Reply(b"0123")]}
    body(f"{other.url}/a", tokens={origin(hub.url): "secret"})
    assert "Authorization" not in other.asked[0].headers


def test_every_answer_is_heard_with_its_address(hub: HubServer, other: HubServer) -> None:
    hub.replies = {"/a": [Reply(status=302, headers={"Location": f"{other.url}/b", "X-Linked-ETag": "1"})]}
    other.replies = {"/b": [Reply(b"0123", headers={"ETag": "2"})]}
    heard: list[tuple[str, HTTPMessage]] = []
    ask(f"{hub.url}/a", {}, heard=lambda *answer: heard.append(answer)).close()
    assert [url for url, _ in heard] == [f"{hub.url}/a", f"{other.url}/b"]
    assert [headers["X-Linked-ETag"] or headers["ETag"] for _, headers in heard] == ["1", "2"]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_an_http_proxy_of_the_environment_is_used(hub: HubServer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, hub.url)
    hub.replies = {"http://weights.invalid/a": [Reply(b"0123")]}
    assert body("http://weights.invalid/a") == b"23"


def test_a_redirect_goes_through_the_proxy_too(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    hub.replies = {
        "http://weights.invalid/a": [Reply(status=302, headers={"Location": "http://stored.invalid/b"})],
        "http://stored.invalid/b": [Reply(b"0123")],
    }
    assert body("http://weights.invalid/a", tokens={origin("http://weights.invalid"): "secret"}) == b"23"
    assert [request.headers.get("Authorization") for request in hub.asked] == ["Bearer secret", None]


def test_an_https_proxy_gets_a_tunnel_to_ask_for_and_not_the_token(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", hub.url)
    with pytest.raises(OSError, match="Tunnel connection failed: 502"):
        body("https://weights.invalid/a", tokens={origin("https://weights.invalid"): "secret"})
    assert [(request.method, request.path) for request in hub.asked] == [("CONNECT", "weights.invalid:443")]
    assert "secret" not in str(hub.asked)


def test_hosts_in_no_proxy_are_asked_directly(
    hub: HubServer, other: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    hub.replies = {"/a": [Reply(b"0123")]}
    assert body(f"{hub.url}/a") == b"23"
    assert not other.asked


def test_only_http_is_opened(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("private")
    with pytest.raises(URLError, match="unknown url type"):
        ask((tmp_path / "file").as_uri(), {})
    for place in ("ftp://127.0.0.1/a", (tmp_path / "file").as_uri()):
        hub.replies = {"/a": [Reply(status=302, headers={"Location": place})]}
        with pytest.raises(URLError, match=r"unknown url type|Redirection to url") as refused:
            ask(f"{hub.url}/a", {})
        if isinstance(refused.value, HTTPError):
            refused.value.close()


def test_a_circle_of_redirects_ends(hub: HubServer) -> None:
    hub.replies = {"/a": [Reply(status=302, headers={"Location": "/a"})]}
    with pytest.raises(HTTPError, match="infinite loop") as refused:
        ask(f"{hub.url}/a", {})
    refused.value.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Example.org/a", "https://example.org:443"),
        ("https://example.org:443", "https://example.org:443"),
        ("http://example.org", "http://example.org:80"),
        ("https://user@example.org:8443/x?y", "https://example.org:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected
