"""What the tests of the sources share: an empty home, IDX files, picture files, and a web server that misbehaves."""

from __future__ import annotations

import gzip
import os
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

REAL_DATA = os.environ.get("IMAGEWISE_DATA")


@pytest.fixture(autouse=True)
def _no_sets_on_this_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEWISE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("imagewise.fetch.PAUSE_SECONDS", 0.0)


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """The folder of a real set, with IMAGEWISE_DATA set as outside the tests; skips where it is not there."""

    def folder(name: str) -> Path:
        if not REAL_DATA:
            pytest.skip("IMAGEWISE_DATA is not set")
        path = Path(REAL_DATA, name)
        if not path.exists():
            pytest.skip(f"there is no {path}")
        monkeypatch.setenv("IMAGEWISE_DATA", REAL_DATA)
        return path

    return folder


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def write_idx() -> Callable[..., Path]:
    """Write the four files of a small set: as many pictures as labels, of 5x4 pixels unless told."""

    def write(
        folder: Path,
        train: list[int],
        test: list[int] | None = None,
        *,
        packed: bool = True,
        size: tuple[int, int] = (5, 4),
        seed: int = 0,
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        for part, labels in (("train", train), ("t10k", test)):
            if labels is None:
                continue
            images = rng.integers(0, 256, (len(labels), *size), dtype=np.uint8)
            contents = {f"{part}-images-idx3-ubyte": idx(images)}
            contents[f"{part}-labels-idx1-ubyte"] = idx(np.array(labels, dtype=np.uint8))
            for name, content in contents.items():
                path = folder / (f"{name}.gz" if packed else name)
                path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
        return folder

    return write


@pytest.fixture
def draw() -> Callable[..., Path]:
    """Save a picture of noise; the same seed gives the same picture."""

    def save(path: Path, seed: int = 0, size: tuple[int, int] = (30, 30), mode: str = "RGB") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(noise).convert(mode).save(path)
        return path

    return save


@dataclass
class Mirrors:
    """A server on this machine. Paths are `/mirror/file`; what is not in `files` is a 404.

    Attributes:
        files: content by path.
        cuts: by path, how many bytes to send of each answer before hanging up, one entry an answer.
        deaf: paths whose answers ignore Range.
        statuses: by path, error statuses to answer first, one an answer.
        asked: (path, Range header) of every request.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def mirrors() -> Iterator[Mirrors]:
    """A real HTTP server that resumes, cuts off, lies or fails as the test says."""
    state = Mirrors()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_range = self.headers.get("Range")
            state.asked.append((self.path, asked_range))
            if state.statuses.get(self.path):
                self.send_error(state.statuses[self.path].pop(0))
                return
            if self.path not in state.files:
                self.send_error(404)
                return
            content = state.files[self.path]
            start = 0
            if asked_range and self.path not in state.deaf:
                start = int(asked_range.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cut = state.cuts[self.path].pop(0) if state.cuts.get(self.path) else len(content)
            self.wfile.write(content[start : start + cut])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
