"""Several workers behind one listening socket, each replaced when it dies."""

from __future__ import annotations

import os
import signal
import socket
import time
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any

from imagewise.server.logs import Log
from imagewise.server.metrics import FOLDER, forget

if TYPE_CHECKING:
    from types import FrameType

    from imagewise.server.serving import Settings

_LOOK_SECONDS = 0.2
_SOON = 5.0  # seconds: a worker that ends sooner than this is replaced only after as long a rest


def run_workers(settings: Settings, listening: socket.socket, folder: str) -> None:
    """Keep `settings.workers` processes at work until SIGTERM or SIGINT, then wait for all of them to end.

    Args:
        settings: of each worker.
        listening: the socket that they all accept from; a worker that dies takes only its own connections along.
        folder: where they keep their metrics.
    """
    os.environ[FOLDER] = folder
    log, context, ending = Log(), get_context("spawn"), False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)

    def start() -> tuple[Any, float]:
        process = context.Process(target=_work, args=(settings, [listening]))
        process.start()
        log("worker_started", process=process.pid)
        log.flush()
        return process, time.monotonic()

    workers = [start() for _ in range(settings.workers)]
    while not ending:
        time.sleep(_LOOK_SECONDS)
        for place, (process, began) in enumerate(workers):
            if process.is_alive() or ending:
                continue
            if time.monotonic() - began < _SOON and process.exitcode:
                time.sleep(_LOOK_SECONDS)
            log("worker_died", level="warning", process=process.pid, exit_code=process.exitcode)
            forget(process.pid, folder)
            workers[place] = start()
    for process, _ in workers:
        process.terminate()
    for process, _ in workers:
        process.join()


def _work(settings: Settings, sockets: list[socket.socket]) -> None:
    """In the worker's own process. It ends, gracefully, when its supervisor is gone."""
    from imagewise.server.serving import run_worker

    def follow() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=follow, daemon=True).start()
    run_worker(settings, sockets)
