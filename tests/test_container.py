"""Containerfile, compose.yaml and prometheus.yml: read and held to their rules. Nothing here builds or runs them."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from imagewise.cli import app
from imagewise.server.limits import Limits

ROOT = Path(__file__).parent.parent
INSTRUCTIONS = {
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
}  # fmt: skip  https://docs.docker.com/reference/dockerfile/


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str

    def words(self) -> list[str]:
        """JSON where it is JSON, else split as a shell does; without --options."""
        rest = re.sub(r"^(--\S+\s+)+", "", self.text)
        return json.loads(rest) if rest.startswith("[") else shlex.split(rest)

    def options(self) -> dict[str, str]:
        return dict(re.findall(r"(?:^|\s)--([a-z-]+)=(\S+)", self.text.partition("CMD")[0]))


def instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    parts = [line.strip().split(None, 1) for line in joined.splitlines()]
    return [Instruction(name, " ".join(rest[0].split()) if rest else "") for name, *rest in parts]


def image_faults(image: str) -> list[str]:
    name, _, tag = image.rpartition("/")[2].partition(":")
    return [] if tag and tag != "latest" and name else [f"{image}: not pinned"]


def faults(text: str) -> list[str]:
    """What is wrong with a Containerfile."""
    found: list[str] = []
    stages: list[str] = []
    user = ""
    parsed = instructions(text)
    if parsed[0].name not in ("FROM", "ARG"):
        found.append("does not begin with FROM")
    for each in parsed:
        if each.name not in INSTRUCTIONS:
            found.append(f"unknown instruction {each.name}")
        elif each.name == "FROM":
            image, *rest = each.words()
            found += [] if image in stages else image_faults(image)
            stages += rest[1:2]
            user = ""
        elif each.name == "USER":
            user = each.text
        elif each.name == "ADD":
            found.append("ADD does more than copy; COPY")
        elif each.name == "COPY":
            *sources, _ = each.words()
            stage = each.options().get("from")
            if stage is not None:
                found += [] if stage in stages else [f"no stage {stage}"]
            else:
                found += [f"{s}: is not there" for s in sources if not (ROOT / s).exists()]
        elif each.name == "RUN":
            found += [f"extra {e}" for e in re.findall(r"\.\[([^]]*)\]", each.text) if e != "serve"]
    if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user):
        found.append("the last stage runs as root, or as a name that Kubernetes cannot judge")
    names = [each.name for each in parsed]
    found += [f"no {name}" for name in ("HEALTHCHECK", "ENTRYPOINT", "EXPOSE") if names.count(name) != 1]
    if not any("[serve]" in each.text for each in parsed if each.name == "RUN"):
        found.append("does not install the extra serve")
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "Containerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((ROOT / "compose.yaml").read_text()))


def the(name: str, text: str) -> Instruction:
    (found,) = [each for each in instructions(text) if each.name == name]
    return found


def test_the_container_file_has_no_fault(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("EXPOSE", "EXPOSES", "unknown instruction EXPOSES"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("USER 10001:10001", "USER 0", "runs as root"),
        ("USER 10001:10001\n", "", "runs as root"),
        ("python:3.11-slim-bookworm AS", "python:latest AS", "not pinned"),
        ("python:3.11-slim-bookworm AS", "python AS", "not pinned"),
        ("COPY src ", "COPY sources ", "sources: is not there"),
        ("--from=build", "--from=built", "no stage built"),
        (".[serve]", ".[serve,train]", "extra serve,train"),
        (".[serve]", ".", "does not install the extra serve"),
        ("COPY src", "ADD src", "ADD"),
        ("HEALTHCHECK", "LABEL", "no HEALTHCHECK"),
    ],
)
def test_a_fault_in_it_would_be_seen(text: str, right: str, wrong: str, fault: str) -> None:
    assert right in text
    assert any(fault in found for found in faults(text.replace(right, wrong)))


def test_what_is_copied_is_not_ignored(text: str) -> None:
    rules = [r for r in (ROOT / ".dockerignore").read_text().splitlines() if r and not r.startswith("#")]

    def ignored(path: str) -> bool:
        last = False
        for rule in rules:
            if fnmatch.fnmatch(path, rule.removeprefix("!")):
                last = not rule.startswith("!")
        return last

    sources = [
        source
        for each in instructions(text)
        if each.name == "COPY" and "from" not in each.options()
        for source in each.words()[:-1]
    ]
    assert "src" in sources
    assert [source for source in sources if ignored(source)] == []
    assert ignored(".venv")
    assert ignored("shared")


def test_it_listens_where_it_says_and_with_options_that_there_are(text: str, compose: dict[str, Any]) -> None:
    entry = the("ENTRYPOINT", text).words()
    assert entry[:2] == ["imagewise", "serve"]
    assert entry[entry.index("--host") + 1] == "0.0.0.0"
    assert entry[entry.index("--port") + 1] == the("EXPOSE", text).text
    arguments = [*entry[1:], *compose["services"]["imagewise"]["command"], "--model", "/nowhere/none.onnx"]
    result = CliRunner().invoke(app, arguments)
    assert "No such option" not in result.output  # it fails for the model, which is not there
    assert "none.onnx" in f"{result.output}{result.exception}"


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


def check_of(where: str, text: str, compose: dict[str, Any]) -> list[str]:
    if where == "compose.yaml":
        kind, *command = compose["services"]["imagewise"]["healthcheck"]["test"]
        assert kind == "CMD"
        return cast("list[str]", command)
    return cast("list[str]", json.loads(the("HEALTHCHECK", text).text.partition("CMD ")[2]))


@pytest.mark.parametrize("where", ["Containerfile", "compose.yaml"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_ready_from_not_ready(
    where: str, status: int, healthy: bool, server: HTTPServer, text: str, compose: dict[str, Any]
) -> None:
    program, *arguments = check_of(where, text, compose)
    assert program == "python"
    assert "127.0.0.1:8000/readyz" in arguments[-1]
    server.status = status  # type: ignore[attr-defined]
    arguments[-1] = arguments[-1].replace(":8000", f":{server.server_port}")
    assert (subprocess.run([sys.executable, *arguments], capture_output=True).returncode == 0) is healthy


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text[:-1])


def test_every_service_is_pinned_read_only_checked_and_without_rights(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"imagewise", "prometheus"}
    for name, service in compose["services"].items():
        assert image_faults(service["image"]) == [], name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        check = service["healthcheck"]
        assert check["test"][0] == "CMD", name
        assert seconds(check["timeout"]) < seconds(check["interval"]), name
        assert not service.get("privileged"), name


def test_ports_are_those_of_the_container_and_open_to_this_machine_only(text: str, compose: dict[str, Any]) -> None:
    for service, inside in (("imagewise", the("EXPOSE", text).text), ("prometheus", "9090")):
        (port,) = compose["services"][service]["ports"]
        host, outer, inner = port.split(":")
        assert (host, inner) == ("127.0.0.1", inside)
        assert outer.isdecimal()


def test_volumes_are_there_and_models_cannot_be_written(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert volume.endswith(":ro")
                assert source == "./models" or (ROOT / source).is_file(), volume
            else:
                assert source in compose["volumes"], volume
    assert "/tmp" in compose["services"]["imagewise"]["tmpfs"]  # the workers' metrics


def test_the_build_is_of_this_folder_and_version(compose: dict[str, Any]) -> None:
    service = compose["services"]["imagewise"]
    assert service["build"] == {"context": ".", "dockerfile": "Containerfile"}
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert service["image"].endswith(f":{version[1]}")


def test_it_is_given_the_time_to_answer_what_it_accepted(compose: dict[str, Any]) -> None:
    assert seconds(compose["services"]["imagewise"]["stop_grace_period"]) > Limits().seconds + 5


def test_prometheus_asks_the_service_where_it_listens(text: str) -> None:
    config = yaml.safe_load((ROOT / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"imagewise:{the('EXPOSE', text).text}"]}]
    assert job["metrics_path"] == "/metrics"
