"""Servers to measure, each a process of its own, and wrk to load them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEERS = HERE.parent / "peers"


@dataclass(frozen=True)
class Server:
    """A server that is up."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident_megabytes(self) -> float:
        """Of the process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(_resident(int(pid)) for pid in [str(self.process.pid), *children])


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ours(model: Path, port: int, workers: int = 1) -> list[str]:
    options = ["--model", f"digits={model}", "--port", str(port), "--workers", str(workers)]
    return [sys.executable, "-m", "imagewise", "serve", *options]


def plain(peer: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", f"{peer}:app", "--app-dir", str(PEERS), "--port", str(port)]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int, model: Path, picture: bytes, folder: Path) -> Iterator[Server]:
    """A server, from its first answer on till it has ended. Its log goes to a file in `folder`."""
    log = folder / f"{port}.log"
    with log.open("wb") as file:
        environment = os.environ | {"MODEL": str(model)}
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    server = Server(process, port, log)
    try:
        _wait_for(server, picture)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(server: Server, picture: bytes) -> None:
    request = urllib.request.Request(f"{server.address}/predict", picture, {"Content-Type": "image/png"})
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(request) as response:
                json.load(response)["label"]
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server does not answer:\n{server.log.read_text()}")


def wrk(script: str, url: str, connections: int, seconds: int, *arguments: object) -> dict[str, Any]:
    """Load a server; what the script of this folder prints."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk, which makes the load, is not installed: apt-get install -y wrk (or brew install wrk).")
    options = [f"-c{connections}", "-t1", f"-d{seconds}s", "--timeout", "60s", "-s", str(HERE / script)]
    command = [program, *options, url, "--", *map(str, arguments)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, Any] = json.loads(output.splitlines()[-1])
    return measured
