"""Model files that do harm: they are opened apart, the old model stays, and the server's end stays bounded."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imagewise.errors import ModelError
from imagewise.model.model import shipped_model
from imagewise.server.limits import Limits
from imagewise.server.models import read_model_file
from imagewise.server.settings import Settings
from imagewise.server.start import serve
from imagewise.server.trial import try_model
from running_servers import WORDS, digit, interrupt_until_it_ends, model_with, running, wait_until


def endless() -> bytes:
    """The shipped model with a loop behind it that never ends."""
    model = onnx.load(str(shipped_model()))
    graph = model.graph
    last = next(node for node in graph.node if "probabilities" in node.output)
    last.output[list(last.output).index("probabilities")] = "before"
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Softmax", ["state"], ["next"]),
        ],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("state", TensorProto.FLOAT, None)],
        [value("go_on", TensorProto.BOOL, []), value("next", TensorProto.FLOAT, None)],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    graph.node.append(helper.make_node("Loop", ["", "always", "before"], ["probabilities"], body=body))
    return bytes(model.SerializeToString())


def with_metadata(key: str, text: str) -> bytes:
    """The shipped model with another text in its metadata."""
    model = onnx.load(str(shipped_model()))
    next(entry for entry in model.metadata_props if entry.key == f"imagewise.{key}").value = text
    return bytes(model.SerializeToString())


def bad_files() -> dict[str, bytes]:
    huge = {"kind": "photo", "height": 100_000, "width": 100_000, "channels": 1}
    fraction = {"kind": "ink", "height": 28.0, "width": 28, "channels": 1}
    return {
        "deep": with_metadata("class_names", "[" * 100_000 + "]" * 100_000),
        "huge": with_metadata("framing", json.dumps(huge)),
        "a fraction": with_metadata("framing", json.dumps(fraction)),
    }


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def test_after_any_bad_file_the_old_model_answers_the_next_good_one_is_taken_and_sigterm_ends_it(
    tmp_path: Path,
) -> None:
    path = model_with(tmp_path / "m.onnx", class_names=WORDS)
    with running("--model", str(path)) as server, httpx.Client(base_url=server.address, timeout=60) as client:
        for number, content in enumerate(bad_files().values(), 1):
            replace(path, content)
            assert "m.onnx" in server.wait_for("model_not_replaced", number)[number - 1]["reason"]
            assert client.post("/predict", content=digit()).json()["label"] == "seven"
        model_with(path, class_names=[word.upper() for word in WORDS])
        server.wait_for("model_replaced")
        assert client.post("/predict", content=digit()).json()["label"] == "SEVEN"
        assert server.end() == 0
        assert len(server.events("stopped")) == 1


def test_a_model_that_never_ends_is_given_up() -> None:
    with pytest.raises(ModelError, match=r"m\.onnx.*longer than 1\.5 seconds"):
        asyncio.run(try_model(Path("m.onnx"), endless(), 1.5))


def test_an_endless_model_does_not_hang_the_start(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(endless())
    files = {"m": tmp_path / "m.onnx"}
    with pytest.raises(ModelError, match=r"m\.onnx.*longer than 1\.5 seconds"):
        serve(Settings(files, port=0, limits=Limits(model_seconds=1.5)))


def test_a_pipe_or_a_device_is_no_model_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", Path("/dev/zero")):
        with pytest.raises(ModelError, match="not a file"):
            read_model_file(path)


def children(process: int) -> list[int]:
    """Processes that it has started and that run."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else ["Z", "0"]
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) == process:
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read from /proc")
def test_sigterm_ends_a_server_that_is_trying_an_endless_model(tmp_path: Path) -> None:
    path = model_with(tmp_path / "m.onnx")
    with running("--model", str(path)) as server:
        replace(path, endless())
        (trying,) = wait_until(lambda: children(server.process.pid))
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=60).json()["label"] == "7"
        assert server.end() == 0
        wait_until(lambda: not Path(f"/proc/{trying}").exists())


HANGS = """
import time
from pathlib import Path
from imagewise.model.model import Model
from imagewise.server import app, start, worker
from imagewise.server.inference import pool
from imagewise.server.limits import Limits
from imagewise.server.settings import Settings

outputs = Model.outputs
Model.outputs = lambda self, pixels, **named: time.sleep(3600) if pixels.any() else outputs(self, pixels, **named)
app.Application._metrics_page = lambda self, request: time.sleep(3600)
pool._STOP_SECONDS = 0.2
worker._STOP_SECONDS = {stop}
start.serve(Settings({{"digits": Path({path!r})}}, port=0, limits=Limits(seconds={seconds}, drain_seconds=0.1)))
"""


def hanging(seconds: float, stop: float = 30.0) -> str:
    """A server in which recognising hangs, and `/metrics` holds up the event loop. It is ended so many seconds after
    those of an answer and 5 more."""
    return HANGS.format(path=str(shipped_model()), seconds=seconds, stop=stop)


def ask(address: str, path: str) -> None:
    """Send a request and do not wait for its answer."""
    with pytest.raises(httpx.TimeoutException):
        httpx.request("GET" if path == "/metrics" else "POST", f"{address}{path}", content=digit(), timeout=0.3)


def test_sigterm_ends_a_server_whose_model_hangs_and_its_requests_are_answered() -> None:
    with running(script=hanging(0.5)) as server:
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=60).status_code == 504
        assert server.end() == 0


def test_ctrl_c_twice_ends_a_server_whose_model_hangs() -> None:
    with running(script=hanging(3600.0)) as server:
        ask(server.address, "/predict")
        interrupt_until_it_ends(server)
        assert server.process.returncode in (0, -signal.SIGINT)  # by a third one, at once


def test_sigterm_ends_a_server_whose_event_loop_hangs_and_says_so() -> None:
    with running(script=hanging(0.5, stop=-4.5)) as server:
        ask(server.address, "/metrics")
        assert server.end() == 1
        assert len(server.events("killed")) == 1


def test_a_full_pipe_of_the_log_stops_neither_answers_nor_the_end() -> None:
    command = [sys.executable, "-m", "imagewise", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[1]  # and nothing more is read
        try:
            with httpx.Client(base_url=address, timeout=60, transport=httpx.HTTPTransport(retries=5)) as client:
                for number in range(800):  # of which a pipe holds about 300
                    path = f"/{'x' * 200}" if number else "/livez"
                    assert client.get(path).status_code == (404 if number else 200)
                assert client.post("/predict", content=digit()).json()["label"] == "7"
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
