"""A server's life: logs, figures, keys, models replaced, workers killed, and its end under load."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from imagewise import __version__
from imagewise.server.limits import Limits
from imagewise.server.openapi import openapi
from imagewise.server.page_files import CSP
from running_servers import WORDS, RunningServer, digit, in_process, model_with, queue_of, running, wait_until

KEY = "correct horse battery staple"
DOCUMENT = openapi(__version__, Limits())


class Load:
    """Clients that ask without a pause, each on its own connection, till they are told to end or the server goes.

    Attributes:
        labels: of all answers.
        failures: of what was sent and never answered, or answered with anything but 200.
    """

    def __init__(self, address: str, clients: int = 6, headers: dict[str, str] | None = None) -> None:
        self.labels: list[str] = []
        self.failures: list[str] = []
        self._url = urlsplit(address)
        self._headers = headers or {}
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.labels) > 20)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def join(self) -> None:
        """Wait till the server has said goodbye to every client."""
        for thread in self._threads:
            thread.join(20)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(str(self._url.hostname), self._url.port, timeout=20)
        connection.connect()
        picture = digit()
        try:
            while not self._ends.is_set():
                connection.request("POST", "/predict", body=picture, headers=self._headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status == 200:
                    self.labels.append(body["label"])
                else:
                    self.failures.append(f"{answer.status} {body}")
                if answer.headers["connection"] == "close":
                    return
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        finally:
            connection.close()


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


def test_nothing_of_a_picture_or_a_query_is_in_the_log(client: httpx.Client, server: RunningServer) -> None:
    headers = {"X-API-Key": "hush-hush", "X-Request-ID": "log-1"}
    client.post("/predict?top=4", files={"a": ("my-secret-name.png", digit())}, headers=headers)
    client.post("/predict", content=b"my secret diary", headers={"X-Request-ID": "log-2"})
    wait_until(lambda: {"log-1", "log-2"} <= {line["request"] for line in server.events("request")})
    text = "".join(server.lines)
    for word in ("secret", "hush", "top=4", "IHDR", "label"):
        assert word not in text


def test_metrics_count_requests_errors_batches_and_the_queue(client: httpx.Client) -> None:
    def value(name: str, labels: str = "") -> float:
        found = re.search(rf"^imagewise_{name}{re.escape(labels)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = [
        ("requests_total", '{endpoint="/predict",status="200"}'),
        ("requests_total", '{endpoint="/predict",status="422"}'),
        ("request_seconds_count", '{endpoint="/predict"}'),
        ("batch_size_sum", ""),
    ]
    before = [value(*name) for name in names]
    client.post("/predict", content=digit())
    client.post("/predict", content=digit())
    client.post("/predict", content=b"none")
    assert [value(*name) - had for name, had in zip(names, before, strict=True)] == [2, 1, 3, 2]
    assert value("queue") == 0
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=")


def test_metrics_call_each_endpoint_by_its_address_and_hold_no_times_of_creation(client: httpx.Client) -> None:
    asked = [
        "/",
        "/livez",
        "/readyz",
        "/static/app.js",
        "/static/none.js",
        "/v2/models/digits",
        "/predict",
        "/none-such",
    ]
    for path in asked:
        client.get(path)
    version = client.get("/v2/models/digits").json()["versions"][0]
    client.get(f"/v2/models/digits/versions/{version}")
    client.post("/predict", content=digit())
    text = client.get("/metrics").text
    names = set(re.findall(r'endpoint="([^"]*)"', text))
    wanted = {"/", "/livez", "/readyz", "/static/{name}", "/v2/models/{model}", "/predict", "other"}
    assert wanted <= names
    templates = {path.split("/versions/")[0] for path in DOCUMENT["paths"]} | wanted | {"/docs", "/openapi.json"}
    assert names <= templates  # one that is drawn from requests would grow without end
    assert re.search(r'requests_total\{endpoint="/predict",status="405"\}', text)
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
        "/static/..%2fshelf.py",
        "/static/%2e%2e/shelf.py",
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
            sender.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + bytes(5000))
        for _ in range(1000):
            opened.enter_context(socket.create_connection((url.hostname, url.port), timeout=10))
        for _ in range(3):
            assert httpx.get(f"{server.address}/livez", timeout=10).json() == {"live": True}
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=10).json()["label"] == "7"
        opened.close()
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0


def test_a_killed_worker_is_replaced_while_others_answer() -> None:
    with running("--workers", "2", env={"IMAGEWISE_API_KEY": KEY}) as server:
        first, second = (line["process"] for line in server.wait_for("ready", 2))
        headers = {"X-API-Key": KEY}
        assert httpx.get(f"{server.address}/model").status_code == 401
        with Load(server.address, clients=8, headers=headers) as load:
            os.kill(first, signal.SIGKILL)
            died = server.wait_for("worker_died")[0]
            assert (died["process"], died["exit_code"]) == (first, -signal.SIGKILL)
            answers = [httpx.post(f"{server.address}/predict", content=digit(), headers=headers) for _ in range(10)]
            assert {answer.status_code for answer in answers} == {200}
            replaced = server.wait_for("ready", 3)[2]["process"]
            assert replaced not in (first, second)
            assert all("Remote" in failure or "Reset" in failure for failure in load.failures)
            assert len(load.failures) < 8
            counted = len(load.labels)
        with httpx.Client(base_url=server.address, headers=headers) as client:
            wait_until(lambda: queue_of(client) == 0)
            text = client.get("/metrics").text
        total = re.search(r'^imagewise_requests_total\{endpoint="/predict",status="200"\} (\S+)$', text, re.MULTILINE)
        assert total is not None
        assert float(total[1]) >= counted + 10
        assert server.end() == 0
        assert len(server.events("worker_started")) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_recognisers_yield_to_the_event_loop(server: RunningServer) -> None:
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    # the 19th field, counted behind the name, which may hold spaces (man proc_pid_stat)
    niceness = [int((task / "stat").read_text().rpartition(")")[2].split()[16]) for task in tasks]
    own = os.getpriority(os.PRIO_PROCESS, server.process.pid)
    assert niceness.count(min(19, own + 5)) >= 1
    assert own in niceness
