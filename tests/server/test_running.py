"""A server's life: logs, figures, keys, models replaced, workers killed, and its end under load."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from imagewise.server.pages.files import CSP
from request_load import Load
from running_servers import (
    PATIENCE,
    WORDS,
    RunningServer,
    application_in_process,
    digit,
    in_process,
    model_with,
    running,
    wait_until,
)

KEY = "correct horse battery staple"


def test_it_is_live_and_ready(client: httpx.Client) -> None:
    assert client.get("/livez").json() == {"live": True}
    assert client.get("/readyz").json() == {"ready": True}


def test_a_request_s_id_is_in_its_answer_and_in_the_log(client: httpx.Client, server: RunningServer) -> None:
    assert client.get("/livez", headers={"X-Request-ID": "mine.1"}).headers["x-request-id"] == "mine.1"
    drawn = client.get("/livez").headers["x-request-id"]
    other = client.get("/livez", headers={"X-Request-ID": "a\tb; DROP"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", drawn)
    assert re.fullmatch("[0-9a-f]{16}", other)
    assert drawn != other
    wait_until(lambda: {"mine.1", drawn, other} <= {line["request"] for line in server.events("request")})
    line = next(line for line in server.events("request") if line["request"] == drawn)
    assert (line["method"], line["path"], line["status"], line["level"]) == ("GET", "/livez", 200, "info")
    assert line["milliseconds"] >= 0


def test_nothing_of_a_picture_or_a_query_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"X-API-Key": "hush-hush", "X-Request-ID": "log-1"}
    with in_process() as address, httpx.Client(base_url=address, timeout=20) as client:
        client.post("/predict?top=4", files={"a": ("my-secret-name.png", digit())}, headers=headers)
        client.post("/predict", content=b"my secret diary", headers={"X-Request-ID": "log-2"})
    text = capsys.readouterr().err
    assert {"log-1", "log-2"} <= {json.loads(line).get("request") for line in text.splitlines()}
    for word in ("secret", "hush", "top=4", "IHDR", "label"):
        assert word not in text


def value(metrics: str, name: str, labels: str = "") -> float:
    found = re.search(rf"^imagewise_{name}{re.escape(labels)} (\S+)$", metrics, re.MULTILINE)
    assert found, (name, labels)
    return float(found[1])


def test_metrics_count_requests_errors_batches_and_the_queue() -> None:
    with in_process() as address, httpx.Client(base_url=address, timeout=20) as client:
        client.post("/predict", content=digit())
        client.post("/predict", content=digit())
        client.post("/predict", content=b"none")
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert value(answer.text, "requests_total", '{endpoint="/predict",status="200"}') == 2
    assert value(answer.text, "requests_total", '{endpoint="/predict",status="422"}') == 1
    assert value(answer.text, "request_seconds_count", '{endpoint="/predict"}') == 3
    assert value(answer.text, "batch_size_sum") == 2
    assert value(answer.text, "queue") == 0


def test_metrics_call_each_endpoint_by_the_address_of_its_route(runs: Path) -> None:
    asked = {
        "/": "/",
        "/livez": "/livez",
        "/readyz": "/readyz",
        "/v2/health/live": "/v2/health/live",
        "/static/app.js": "/static/{name}",
        "/static/none.js": "/static/{name}",
        "/v2/models/digits": "/v2/models/{model}",
        "/models/digits": "/models/{model}",
        "/runs/first": "/runs/{run}",
        "/predict": "/predict",
        "/none-such": "other",
    }
    with (
        application_in_process(runs=runs) as (address, application),
        httpx.Client(base_url=address, timeout=20) as client,
    ):
        for path in asked:
            client.get(path)
        client.post("/predict", content=digit())
        version = client.get("/v2/models/digits").json()["versions"][0]
        client.get(f"/v2/models/digits/versions/{version}")
        text = client.get("/metrics").text
        templates = {route.path for route in application.routes}
    names = set(re.findall(r'endpoint="([^"]*)"', text))
    assert names == set(asked.values())
    assert names <= templates | {"other"}
    assert value(text, "requests_total", '{endpoint="/v2/models/{model}",status="200"}') == 3
    assert value(text, "requests_total", '{endpoint="/predict",status="405"}') == 1
    for word in ("none-such", "none.js", "digits", version):  # such labels would grow without end
        assert word not in text


def test_metrics_hold_no_times_of_creation() -> None:
    with in_process() as address:
        httpx.get(f"{address}/livez")
        text = httpx.get(f"{address}/metrics").text
    assert value(text, "requests_total", '{endpoint="/livez",status="200"}') == 1
    assert "_created" not in text


def test_the_page_lets_nothing_in_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert any(name.endswith(".js") for name in named)
    for answer in (page, *(client.get(str(page.url.join(name))) for name in named)):
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in CSP
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert not re.search(r"<script>|<style>|style=|\son\w+=|https?://", page.text)


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/index.html",
        "/static/none.js",
        "/static/..%2fmodels.py",
        "/static/%2e%2e/models.py",
        "/%2f%2fetc",
    ],
)
def test_no_other_file_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    with in_process(api_key=KEY) as address:
        yield address


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"X-API-Key": KEY}]
)
def test_with_the_key_requests_are_answered(locked: str, headers: dict[str, str]) -> None:
    assert httpx.post(f"{locked}/predict", content=digit(), headers=headers).json()["label"] == "7"


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": ""}, {"X-API-Key": KEY[:-1]}, {"X-API-Key": KEY + "x"}, {"Authorization": f"Basic {KEY}"}],
)
def test_without_the_key_they_are_not(locked: str, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/predict"), ("GET", "/model"), ("GET", "/metrics"), ("GET", "/nothing")):
        answer = httpx.request(method, f"{locked}{path}", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert KEY not in answer.text
    assert httpx.post(f"{locked}/predict", headers={b"X-API-Key": b"\xff\xfe"}).status_code == 401


def test_the_page_and_health_need_no_key(locked: str) -> None:
    for path in ("/", "/static/app.js", "/livez", "/readyz"):
        assert httpx.get(f"{locked}{path}").status_code == 200


def test_a_model_replaced_on_disk_answers_from_then_on_and_no_request_is_dropped(tmp_path: Path) -> None:
    path = model_with(tmp_path / "changing.onnx", class_names=WORDS)
    with running("--model", str(path)) as server, Load(server.address) as load:
        path.with_suffix(".bad").write_bytes(b"no model")
        path.with_suffix(".bad").replace(path)
        assert "not a model file" in server.wait_for("model_not_replaced")[0]["reason"]
        model_with(path, class_names=[word.upper() for word in WORDS])
        version = server.wait_for("model_replaced")[0]["version"]
        counted = len(load.labels)
        wait_until(lambda: len(load.labels) > counted + 50)
        load.__exit__()
        assert load.failures == []
        assert set(load.labels) == {"seven", "SEVEN"}
        assert load.labels[-1] == "SEVEN"
        assert httpx.post(f"{server.address}/predict", content=digit()).json()["version"] == version


def test_sigterm_under_load_loses_no_request_and_ends_with_0(tmp_path: Path) -> None:
    with running() as server, Load(server.address, clients=8) as load:
        server.process.send_signal(signal.SIGTERM)
        load.join()
        assert server.wait() == 0
        assert load.failures == []
        answered = [line for line in server.events("request") if line["status"] == 200]
        assert len(answered) == len(load.labels) > 20
        assert len(server.events("stopped")) == 1


@contextmanager
def open_files(most: int) -> Iterator[None]:
    """How many files this process, and what it starts, may have open."""
    had, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < most:
        pytest.skip(f"this user may not open {most} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (had, hard))


def test_health_answers_beside_large_and_slow_bodies_and_1000_idle_connections_and_ctrl_c_ends_it() -> None:
    with open_files(512):  # of which a server makes more, where it may
        server = RunningServer()
    url = urlsplit(server.address)
    with open_files(2048), ExitStack() as ended, ExitStack() as opened:
        ended.callback(lambda: server.process.poll() is None and server.end())
        for size in (9999, 2**31):
            sender = opened.enter_context(socket.create_connection((url.hostname, url.port), timeout=10))
            sender.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + bytes(5000)
            )
        for _ in range(1000):
            opened.enter_context(socket.create_connection((url.hostname, url.port), timeout=10))
        for _ in range(3):
            assert httpx.get(f"{server.address}/livez", timeout=10).json() == {"live": True}
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=10).json()["label"] == "7"
        opened.close()
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0


def test_ctrl_c_twice_ends_it_though_a_request_is_not_complete() -> None:
    with running() as server:
        url = urlsplit(server.address)
        with socket.create_connection((url.hostname, url.port), timeout=PATIENCE) as opened:
            opened.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n")
            httpx.get(f"{server.address}/livez")
            server.process.send_signal(signal.SIGINT)
            wait_until(lambda: not listens(server.address))
            server.process.send_signal(signal.SIGINT)
            assert server.wait() == 0


def listens(address: str) -> bool:
    url = urlsplit(address)
    try:
        socket.create_connection((url.hostname, url.port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True
