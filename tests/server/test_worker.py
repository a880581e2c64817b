"""A worker's share of the processors, what it leaves alone in its process, and what it takes from uvicorn."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from imagewise.model.model import shipped_model
from imagewise.server import worker
from imagewise.server.http.connections import Connection
from imagewise.server.settings import Settings
from running_servers import digit, in_process, running

SETTINGS = Settings({"digits": shipped_model()})
ON_ONE_PROCESSOR = f"""
import os
from pathlib import Path
from imagewise.server.settings import Settings
from imagewise.server.start import serve

os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
serve(Settings({{"digits": Path({str(shipped_model())!r})}}, port=0))
"""


@pytest.mark.parametrize(("workers", "threads"), [(1, 5), (2, 2), (3, 1), (5, 1), (64, 1)])
def test_workers_share_the_usable_processors(monkeypatch: pytest.MonkeyPatch, workers: int, threads: int) -> None:
    monkeypatch.setattr(worker, "usable_cpus", lambda: 5)
    assert worker.threads_of(Settings({}, workers=workers)) == threads


def nicenesses(process: int) -> list[int]:
    """Niceness of each of its threads."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    # the 19th field, counted behind the name, which may hold spaces (man proc_pid_stat)
    return [int((task / "stat").read_text().rpartition(")")[2].split()[16]) for task in tasks]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_a_server_bound_to_one_processor_recognises_on_one_thread_which_yields_to_the_event_loop() -> None:
    with running(script=ON_ONE_PROCESSOR) as server:
        own = os.getpriority(os.PRIO_PROCESS, server.process.pid)
        found = nicenesses(server.process.pid)
        assert found.count(min(19, own + 5)) == (1 if own < 19 else len(found))  # 19 is the most
        assert own in found
        assert httpx.post(f"{server.address}/predict", content=digit()).json()["label"] == "7"


def of_the_process() -> dict[str, Any]:
    """What a server in a process of its own changes, and one in somebody else's must not."""
    names = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    loggers = {name: logging.getLogger(name) for name in names}
    return {
        "loggers": {n: (found.level, found.propagate, list(found.handlers)) for n, found in loggers.items()},
        "switch interval": sys.getswitchinterval(),
        "frozen": gc.get_freeze_count(),
        "filters": list(warnings.filters),
    }


def test_a_server_in_somebody_else_s_process_changes_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    before = of_the_process()
    with in_process() as address:
        assert httpx.post(f"{address}/predict", content=digit()).status_code == 200
        assert of_the_process() == before
    assert of_the_process() == before
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).warning("heard of %s", name)
        assert f"heard of {name}" in caplog.messages


def test_the_configuration_can_be_sent_to_a_process() -> None:
    sent = pickle.loads(pickle.dumps(worker.uvicorn_config(SETTINGS)))
    assert sent.app.args == (SETTINGS,)


# ---- uvicorn's private parts. If one of these fails, read uvicorn's changes before raising its upper bound.


CALLED_BY_UVICORN = (
    *("connection_made", "connection_lost", "data_received", "eof_received", "pause_writing", "resume_writing"),
    *("on_message_begin", "on_header", "on_headers_complete", "on_body", "on_message_complete", "on_response_complete"),
    *(
        "send_400_response",
        "shutdown",
        "timeout_keep_alive_handler",
        "_start_asgi_task",
        "_unset_keepalive_if_required",
    ),
)


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


def test_connections_find_in_uvicorn_what_they_build_on() -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def main() -> None:
        config = worker.uvicorn_config(SETTINGS)
        config.app, config.factory = answer, False
        config.load()
        connection = Connection(config, ServerState(), {}, asyncio.get_running_loop(), limits=SETTINGS.limits)
        transport = _Transport()
        connection.connection_made(transport)
        assert connection.transport is transport
        assert cast("Any", connection).cycle is None
        connection.data_received(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        cycle = cast("Any", connection.cycle)
        assert (cycle.keep_alive, cycle.response_complete, cycle.response_started) == (True, False, False)
        assert (cycle.disconnected, cycle.message_event.is_set(), list(connection.pipeline)) == (False, True, [])
        await asyncio.gather(*connection.tasks)
        assert cycle.response_complete
        assert transport.written.startswith(b"HTTP/1.1 200 ")
        connection.shutdown()
        assert not transport.is_closing()  # it may still send one request
        connection.data_received(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.gather(*connection.tasks)
        assert transport.written.endswith(b"connection: close\r\n\r\n")
        assert transport.is_closing()
        connection.connection_lost(None)

    asyncio.run(main())
    for name in CALLED_BY_UVICORN:
        assert name in vars(HttpToolsProtocol), f"uvicorn calls no {name} any more"


def test_the_supervisor_finds_in_uvicorn_what_it_builds_on() -> None:
    for owner, names in {
        Multiprocess: (
            "init_processes",
            "keep_subprocess_alive",
            "terminate_all",
            "join_all",
            "handle_signals",
            "handle_int",
            "run",
        ),
        Process: ("target", "server", "always_pong", "terminate", "kill", "join", "start"),
    }.items():
        for name in names:
            assert name in vars(owner), f"uvicorn's {owner.__name__} has no {name} any more"
    process = Process(worker.uvicorn_config(SETTINGS), [])
    assert {"parent_conn", "child_conn", "process", "_server", "config"} <= set(vars(process))
    process.parent_conn.close()
    process.child_conn.close()
