"""Containerfile and compose.yaml agree with the code and with each other. Nothing here builds or runs them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.server.limits import Limits

ROOT = Path(__file__).parent.parent
CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICE: dict[str, Any] = COMPOSE["services"]["imagewise"]


def instructions(name: str) -> list[str]:
    """What stands after each `NAME` of the Containerfile, in order."""
    return [line.split(None, 1)[1] for line in CONTAINERFILE.splitlines() if line.startswith(f"{name} ")]


def test_the_server_runs_without_rights_and_is_reached_from_this_machine_only() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions("USER")[-1])  # by number, as Kubernetes' runAsNonRoot asks
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_it_installs_this_version_of_the_server_from_files_that_are_sent_to_the_build() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert SERVICE["image"].endswith(f":{version[1]}")
    (install,) = (run for run in instructions("RUN") if "pip install" in run)
    assert "--constraint constraints.txt" in install
    assert re.findall(r"\.\[([^]]*)\]", install) == ["serve"]
    copied = [name for copy in instructions("COPY") if "--from" not in copy for name in shlex.split(copy)[:-1]]
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(sent)
    assert all((ROOT / name).exists() for name in copied)


def test_it_starts_with_options_that_there_are_and_listens_where_it_says(tmp_path: Path) -> None:
    program, *entry = json.loads(instructions("ENTRYPOINT")[0])
    assert (program, entry[0]) == ("imagewise", "serve")
    assert entry[entry.index("--host") + 1] == "0.0.0.0"
    port = entry[entry.index("--port") + 1]
    assert instructions("EXPOSE") == [port]
    assert SERVICE["ports"] == [f"127.0.0.1:8000:{port}"]
    prometheus = yaml.safe_load((ROOT / "prometheus.yml").read_text("utf-8"))
    assert prometheus["scrape_configs"][0]["static_configs"] == [{"targets": [f"imagewise:{port}"]}]
    missing = tmp_path / "missing.onnx"
    result = CliRunner().invoke(app, [*entry, *SERVICE["command"], "--model", str(missing)])
    assert result.exit_code == 2
    assert str(missing) in result.stderr  # the options were taken; the first thing wrong is the model


def test_it_is_given_the_time_to_answer_what_it_accepted() -> None:
    assert float(SERVICE["stop_grace_period"].removesuffix("s")) > Limits().seconds + 5


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/readyz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def health_check(where: str) -> list[str]:
    if where == "compose.yaml":
        return cast("list[str]", SERVICE["healthcheck"]["test"][1:])
    return cast("list[str]", json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2]))


@pytest.mark.parametrize("where", ["Containerfile", "compose.yaml"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_ready_from_not_ready(
    where: str, status: int, healthy: bool, server: HTTPServer
) -> None:
    program, *arguments = health_check(where)
    assert program == "python"
    assert ":8000/" in arguments[-1]
    server.status = status  # type: ignore[attr-defined]
    # the check gives up after 2 s, which a busy machine may take
    arguments[-1] = arguments[-1].replace(":8000", f":{server.server_port}").replace("timeout=2", "timeout=60")
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    assert (done.returncode == 0) is healthy, done.stderr
