"""Servers to ask: `imagewise serve` as people start it, or uvicorn with our application in this process."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import uvicorn
from PIL import Image, ImageDraw

from imagewise.model.model import shipped_model
from imagewise.server.app import Application
from imagewise.server.limits import Limits
from imagewise.server.settings import Settings
from imagewise.server.start import listen
from imagewise.server.worker import make_application, uvicorn_config

PATIENCE = 60.0  # seconds till a test gives up; none of them needs it, even on a busy machine
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ADDRESS = re.compile(r"imagewise: (http://\S+)")


class RunningServer:
    """A process of `imagewise serve`.

    Args:
        arguments: of the command.
        env: environment variables to add.
        script: Python code to run in the place of the command; it has to print the line with the address.

    Attributes:
        address: `http://host:port`.
        process: to send signals to.
    """

    def __init__(self, *arguments: str, env: Mapping[str, str] | None = None, script: str | None = None) -> None:
        command = [sys.executable, "-m", "imagewise", "serve", "--port", "0", *arguments]
        if script is not None:
            command = [sys.executable, "-c", script]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | dict(env or {})
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        found = wait_until(lambda: self._found_address() or self.process.poll() is not None)
        assert isinstance(found, str), self.lines
        self.address = found
        self.wait_for("ready")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def _found_address(self) -> str | None:
        return next((found[1] for line in self.lines if (found := _ADDRESS.match(line))), None)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log of that event."""
        lines = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The first `count` of them, or more."""
        wait_until(lambda: len(self.events(name)) >= count or self.process.poll() is not None)
        assert len(self.events(name)) >= count, self.lines
        return self.events(name)

    def end(self) -> int:
        """SIGTERM, then the exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit status, once it has ended."""
        try:
            return self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self._reader.join(PATIENCE)
            assert self.process.stderr is not None
            self.process.stderr.close()


@contextmanager
def running(
    *arguments: str, env: Mapping[str, str] | None = None, script: str | None = None
) -> Iterator[RunningServer]:
    server = RunningServer(*arguments, env=env, script=script)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
        server.wait()


@contextmanager
def application_in_process(
    limits: Limits | None = None,
    api_key: str | None = None,
    files: Mapping[str, Path] | None = None,
    runs: Path | None = None,
) -> Iterator[tuple[str, Application]]:
    """A server in this process, for limits that no option sets: its address, and the application itself."""
    settings = Settings(files or {"digits": shipped_model()}, limits=limits or Limits(), api_key=api_key, runs=runs)
    application = make_application(settings)
    config = uvicorn_config(settings)
    config.app = lambda: application
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        assert server.started
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", application
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def in_process(
    limits: Limits | None = None,
    api_key: str | None = None,
    files: Mapping[str, Path] | None = None,
    runs: Path | None = None,
) -> Iterator[str]:
    """The address of a server in this process, for limits that no option sets."""
    with application_in_process(limits, api_key, files, runs) as (address, _):
        yield address


def interrupt_until_it_ends(server: RunningServer) -> None:
    """Ctrl-C again and again: two at once would be one for the system."""

    def has_ended() -> bool:
        server.process.send_signal(signal.SIGINT)
        return server.process.poll() is not None

    wait_until(has_ended)


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".js": "text/javascript"}

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def static_server(folder: Path) -> Iterator[str]:
    """The address of a folder, served by a server that knows nothing of imagewise."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def wait_until(condition: Callable[[], Any]) -> Any:
    """What `condition` returns once that is true."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came to pass")


def digit(number: int = 7, side: int = 28) -> bytes:
    """A PNG of a digit made of straight strokes."""
    strokes = {1: [(0.5, 0.15), (0.5, 0.85)], 7: [(0.28, 0.2), (0.7, 0.2), (0.42, 0.85)]}[number]
    picture = Image.new("L", (side, side), 255)
    points = [(x * side, y * side) for x, y in strokes]
    ImageDraw.Draw(picture).line(points, fill=0, width=max(2, side // 12), joint="curve")
    return encoded(picture)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8))


def model_with(path: Path, **metadata: Any) -> Path:
    """The shipped model with other entries in its metadata, written to `path` as a whole."""
    model = onnx.load(str(shipped_model()))
    for entry in model.metadata_props:
        name = entry.key.removeprefix("imagewise.")
        if name in metadata:
            entry.value = json.dumps(metadata[name])
    new = path.with_suffix(".new")
    new.write_bytes(model.SerializeToString())
    new.replace(path)
    return path


def queue_of(client: httpx.Client) -> float:
    """How many pictures wait or are under way, by /metrics."""
    found = re.search(r"^imagewise_queue (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found
    return float(found[1])
