"""Several workers behind one listening socket: uvicorn's supervisor, with metrics and a bounded number of restarts."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import time
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess, Process

from imagewise.errors import ModelError
from imagewise.server.logs import Log
from imagewise.server.metrics import FOLDER, mark_worker_dead
from imagewise.server.worker import Config, Server, prepare_process, uvicorn_config

if TYPE_CHECKING:
    from imagewise.server.settings import Settings

_ENDING = {number for number, name in SIGNALS.items() if name in ("INT", "TERM", "BREAK")}
_LONGEST_PAUSE = 60.0  # seconds between two attempts to start a worker
_LOOK_SECONDS = 0.1
_KILL_SECONDS = 5.0  # after the time that a worker has to end in


class Worker(Process):
    """A worker process, with the state that its supervisor keeps of it.

    Args:
        config: of its server.
        sockets: that it accepts connections from.
        start_failures: number of workers that failed to start in its place, one after the other.

    Attributes:
        ready: whether its server has started.
        restart_at: when its successor is started, by time.monotonic(); None while it runs.
    """

    def __init__(self, config: Config, sockets: list[socket.socket], start_failures: int) -> None:
        super().__init__(config, sockets)
        self.start_failures = start_failures
        self.ready = False
        self.restart_at: float | None = None
        self._began = time.monotonic()
        self._asked: float | None = None  # when the ping was sent that is not answered yet

    @property
    def server(self) -> Server:
        """The server that runs in this process."""
        if not isinstance(self._server, Server):
            self._server = Server(self.config)
        return self._server

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, in the worker's own process. It ends gracefully when its supervisor has ended."""
        prepare_process()
        Thread(target=_follow_parent, daemon=True).start()
        assert not self.server.started  # it is made here, before two threads ask for it
        super().target(sockets)

    def is_well(self, start_seconds: float, hung_seconds: float) -> bool:
        """Whether it runs and answers in time. Never waits for it, unlike uvicorn's `is_alive`."""
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            if self._asked is not None and self.parent_conn.poll():
                self.ready = self.parent_conn.recv()
                self._asked = None
            if self._asked is None:
                self.parent_conn.send(b"ping")
                self._asked = time.monotonic()
        if not self.ready:
            late = time.monotonic() - self._began > start_seconds
        else:
            late = self._asked is not None and time.monotonic() - self._asked > hung_seconds
        return self.process.is_alive() and not late


class Supervisor(Multiprocess):
    """Keeps workers running until SIGTERM or SIGINT.

    A worker that dies or hangs is replaced. One that cannot start is tried again after 1, 2, 4 ... 60 seconds while
    another one runs; when none does, the service stops.

    Args:
        settings: of the server.
        listening: the socket that all workers accept from; a worker that dies takes only its own connections along.
        folder: where the workers keep their metrics.
    """

    def __init__(self, settings: Settings, listening: socket.socket, folder: str) -> None:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        super().__init__(uvicorn_config(settings), [listening])
        for number in SIGNALS.keys() - _ENDING:  # uvicorn adds, removes and restarts workers by them: not ours
            signal.signal(number, handlers[number] or signal.SIG_DFL)
        self._limits = settings.limits
        self._folder = folder
        self._log = Log()
        self.gave_up = False
        self._hurry = False

    def handle_int(self) -> None:
        """Begin to end at the first Ctrl-C; hurry at the second one. Called by uvicorn."""
        self._hurry = self.should_exit.is_set()
        super().handle_int()

    def init_processes(self) -> None:
        """Start all workers."""
        self.processes = [self._start(0) for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Look at each worker once: note deaths, end those that hang, start successors that are due."""
        if self.should_exit.is_set():
            return
        for place, worker in enumerate(self.processes):
            assert isinstance(worker, Worker)
            if worker.restart_at is None and not worker.is_well(self._limits.start_seconds, self._limits.hung_seconds):
                self._bury(worker)
            if worker.restart_at is not None and worker.restart_at <= time.monotonic() and not self.gave_up:
                self.processes[place] = self._start(worker.start_failures)

    def join_all(self) -> None:
        """Wait until all workers have ended. Kill those that take longer than uvicorn lets its own server take, and all
        of them at a second Ctrl-C."""
        ends = time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + _KILL_SECONDS
        for worker in self.processes:
            while worker.process.is_alive() and time.monotonic() < ends and not self._hurry:
                worker.process.join(_LOOK_SECONDS)
                self.handle_signals()
            worker.kill()
            worker.join()
        self._log.close()

    def _start(self, start_failures: int) -> Worker:
        assert isinstance(self.config, Config)
        worker = Worker(self.config, self.sockets, start_failures)
        worker.start()
        self._log("worker_started", process=worker.pid)
        self._log.flush()
        return worker

    def _bury(self, worker: Worker) -> None:
        worker.kill()  # it may hang
        worker.join()
        assert worker.pid is not None
        mark_worker_dead(worker.pid, self._folder)
        self._log("worker_died", level="warning", process=worker.pid, exit_code=worker.exitcode)
        worker.start_failures = 0 if worker.ready else worker.start_failures + 1
        worker.restart_at = time.monotonic() + pause_before(worker.start_failures)
        if not worker.ready and all(isinstance(w, Worker) and w.restart_at is not None for w in self.processes):
            self.gave_up = True
            self.should_exit.set()


def pause_before(start_failures: int) -> float:
    """Seconds to wait before a worker is started again in a place where the last attempts failed."""
    return min(_LONGEST_PAUSE, 2.0 ** (min(start_failures, 32) - 1)) if start_failures else 0.0


def run_workers(settings: Settings, listening: socket.socket, folder: str) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT; see `Supervisor`.

    Raises:
        ModelError: no worker can start.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = folder  # of the workers, who inherit it
    prepare_process()
    supervisor = Supervisor(settings, listening, folder)
    supervisor.run()
    if supervisor.gave_up:
        raise ModelError("no worker can start. The reason is above.")


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
