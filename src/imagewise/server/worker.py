"""One process that serves: uvicorn with our application, connections and log."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Timer
from types import FrameType
from typing import Any, cast

import uvicorn

from imagewise.cpu import usable_cpus
from imagewise.errors import ModelError
from imagewise.server.app import Application
from imagewise.server.http.connections import Connection
from imagewise.server.logs import Log, LogHandler
from imagewise.server.settings import Settings

_STOP_SECONDS = 10.0  # after the time in which requests are answered
_FORCED_SECONDS = 2.0  # after a second Ctrl-C
_SWITCH_SECONDS = 0.0002  # Python's own 5 ms is how long a finished answer may wait while another thread computes


class Config(uvicorn.Config):
    """uvicorn's configuration, without its changes to the logging of the whole process."""

    def configure_logging(self) -> None:
        """Do nothing: `prepare_process` does it, in processes that are ours."""


def uvicorn_config(settings: Settings) -> Config:
    """Configuration of a worker. It can be pickled, and making it changes nothing."""
    return Config(
        partial(make_application, settings),
        factory=True,
        http=cast("Any", partial(Connection, limits=settings.limits)),
        ws="none",
        loop="uvloop",
        lifespan="on",
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=int(settings.limits.seconds) + 5,
    )


def make_application(settings: Settings) -> Application:
    """The application of a worker, which gets its share of the processors."""
    return Application(settings, threads_of(settings), Log())


def threads_of(settings: Settings) -> int:
    """Number of threads that recognise in each worker."""
    return max(1, usable_cpus() // settings.workers)


class Server(uvicorn.Server):
    """uvicorn's server, as a process of ours runs it. However busy or hung it is, a signal ends it in bounded time."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end at the first signal; hurry at a second Ctrl-C."""
        super().handle_exit(sig, frame)
        graceful = (self.config.timeout_graceful_shutdown or 0) + _STOP_SECONDS
        end_process_after(_FORCED_SECONDS if self.force_exit else graceful)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT. uvicorn would raise them again at the end; here the process ends with 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then freeze all objects, so that the garbage collector need not look at them again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()


def end_process_after(seconds: float) -> None:
    """End this process then with 1, whatever its threads do, unless it has ended."""

    def end() -> None:
        log = Log()
        log("killed", level="error", process=os.getpid(), reason="It did not end in time.")
        log.close()
        os._exit(1)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()


def prepare_process() -> None:
    """Change what belongs to the whole process: how threads take turns, and where logs and warnings go."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    handler = LogHandler(Log())
    logging.getLogger().handlers = [handler]  # else Python writes to standard error itself, and waits for its reader
    logging.captureWarnings(capture=True)
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


def run_worker(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serve in this process until SIGTERM or SIGINT. Raises ModelError if the application cannot start."""
    prepare_process()
    server = Server(uvicorn_config(settings))
    with suppress(SystemExit):  # raised by uvicorn if the application cannot start
        server.run(sockets)
    if not server.started:
        raise ModelError("the server did not start. The reason is above.")
