"""Several workers: one that dies, hangs or cannot start, a supervisor that is gone, and the end of all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from imagewise.model.model import shipped_model
from imagewise.server.supervisor import pause_before
from request_load import Load
from running_servers import PATIENCE, WORDS, digit, interrupt_until_it_ends, model_with, queue_of, running, wait_until

KEY = "correct horse battery staple"
SCRIPT = """
from pathlib import Path
from imagewise.server import start, supervisor
from imagewise.server.limits import Limits
from imagewise.server.settings import Settings

{before}
start.serve(Settings({{"digits": Path({path!r})}}, port=0, workers=2, limits=Limits({limits})))
"""


def script(path: Path | None = None, limits: str = "", before: str = "") -> str:
    """A server of two workers, started from Python for what no option sets."""
    return SCRIPT.format(path=str(path or shipped_model()), limits=limits, before=before)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


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


def test_a_worker_that_hangs_is_replaced() -> None:
    with running(script=script(limits="start_seconds=30.0, hung_seconds=1.5")) as server:
        hung = server.wait_for("ready", 2)[0]["process"]
        os.kill(hung, signal.SIGSTOP)
        wait_until(lambda: hung in {line["process"] for line in server.events("worker_died")})
        wait_until(lambda: len({line["process"] for line in server.events("ready")} - {hung}) >= 2)
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=PATIENCE).json()["label"] == "7"
        assert server.end() == 0


def test_a_worker_that_hangs_does_not_keep_the_service_from_ending() -> None:
    kill_after_a_second = "supervisor._KILL_SECONDS = -4.0"  # and 5 that uvicorn waits for its own server
    with running(script=script(limits="seconds=0.0", before=kill_after_a_second)) as server:
        hung = server.wait_for("ready", 2)[0]["process"]
        os.kill(hung, signal.SIGSTOP)
        assert server.end() == 0
        assert not is_alive(hung)


@pytest.fixture
def _hangup_ends_processes() -> Iterator[None]:
    """SIGHUP as in a terminal: a test run under nohup ignores it, and so would the processes that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_hangup_ends_processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])  # the second one when a terminal is closed
def test_workers_end_when_their_supervisor_is_killed(number: signal.Signals) -> None:
    with running("--workers", "2") as server:
        workers = [line["process"] for line in server.wait_for("ready", 2)]
        server.process.send_signal(number)
        wait_until(lambda: not any(map(is_alive, workers)))
        assert len(server.events("stopped")) == 2


UNCHECKED = """
import sys
from imagewise.cli.app import main
from imagewise.server import start

start._check = lambda settings: None  # as if the file broke right after it
sys.argv = ["imagewise", "serve", "--port", "0", "--workers", sys.argv[1], "--model", sys.argv[2]]
main()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_cannot_start_stop_the_service_with_a_message_and_exit_code_2(
    tmp_path: Path, workers: int
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_text("no model")
    command = [sys.executable, "-c", UNCHECKED, str(workers), str(broken)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert "broken.onnx: not a model file" in done.stderr
    assert "imagewise: error: " in done.stderr.splitlines()[-1]
    assert done.stderr.count('"worker_started"') < 10  # each place is tried again, but less and less often


def test_a_worker_that_cannot_start_is_tried_again_while_the_other_answers(tmp_path: Path) -> None:
    path = tmp_path / "digits.onnx"
    whole = shipped_model().read_bytes()
    path.write_bytes(whole)
    nothing_kept = "supervisor.pause_before = lambda failures: 0.2; start.replace = lambda settings, **_: settings"
    with running(script=script(path, before=nothing_kept)) as server:
        first, second = (line["process"] for line in server.wait_for("ready", 2))
        path.write_text("no model")
        wait_until(lambda: {line["reason"] for line in server.events("model_not_replaced")})
        os.kill(first, signal.SIGKILL)
        server.wait_for("worker_died", 2)  # the killed one, and one that could not start
        assert {line["exit_code"] for line in server.events("worker_died")[1:]} == {3}
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=PATIENCE).json()["label"] == "7"
        path.write_bytes(whole)
        server.wait_for("ready", 3)
        assert is_alive(second)
        assert server.end() == 0


def test_workers_that_die_while_the_file_is_broken_serve_what_it_held_before(tmp_path: Path) -> None:
    path = model_with(tmp_path / "digits.onnx", class_names=WORDS)
    with running("--workers", "2", "--model", str(path)) as server:
        both = [line["process"] for line in server.wait_for("ready", 2)]
        path.write_text("no model")
        server.wait_for("model_not_replaced", 2)
        for process in both:
            os.kill(process, signal.SIGKILL)
        server.wait_for("ready", 4)
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=PATIENCE).json()["label"] == "seven"
        path.unlink()
        model_with(path, class_names=[word.upper() for word in WORDS])
        assert len({line["version"] for line in server.wait_for("model_replaced", 2)}) == 1
        assert httpx.post(f"{server.address}/predict", content=digit(), timeout=PATIENCE).json()["label"] == "SEVEN"
        assert server.end() == 0


def test_ctrl_c_twice_ends_a_service_whose_workers_hang() -> None:
    with running("--workers", "2") as server:
        hung = [line["process"] for line in server.wait_for("ready", 2)]
        for process in hung:
            os.kill(process, signal.SIGSTOP)
        interrupt_until_it_ends(server)
        assert server.process.returncode in (0, -signal.SIGINT)  # by a third one, at once
        assert not any(map(is_alive, hung))


def test_attempts_to_start_are_ever_further_apart() -> None:
    assert [pause_before(failures) for failures in range(10)] == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pause_before(10_000) == 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_ends_with_0_and_all_of_its_workers_with_it(number: signal.Signals) -> None:
    with running("--workers", "2") as server:
        workers = [line["process"] for line in server.wait_for("ready", 2)]
        server.process.send_signal(number)
        assert server.wait() == 0
        assert not any(map(is_alive, workers))
        assert len(server.events("stopped")) == 2
