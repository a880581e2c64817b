"""Run the application: one process, or a supervisor with several workers."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imagewise.errors import EngineError, ModelError
from imagewise.server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uvicorn import Config

BACKLOG = 2048
_OPEN_FILES = 2**16
_TURN_SECONDS = 0.0002  # Python's own 5 ms is how long an answer may lie ready while another thread computes


@dataclass(frozen=True)
class Settings:
    """What `imagewise serve` was asked for.

    Attributes:
        files: model files by name.
        host, port: where to listen; port 0 takes a free one.
        workers: processes.
        limits: of each.
        api_key: that requests must bring.
        runs: a folder of training runs to show; None: none.
    """

    files: Mapping[str, Path]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    api_key: str | None = None
    runs: Path | None = None


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; what was accepted till then is answered.

    Raises:
        EngineError: the extra is not installed, or the address is taken.
        ModelError: a file is not a model of ours, or there is no such folder of runs.
    """
    try:
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise EngineError("serving needs more packages: pip install 'imagewise[serve]'.") from error
    _check(settings)
    _allow_many_connections()
    listening = listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"imagewise: http://{host}:{port} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    with listening:
        if settings.workers == 1:
            run_worker(settings, [listening])
        else:
            with tempfile.TemporaryDirectory(prefix="imagewise-metrics-") as folder:
                from imagewise.server.workers import run_workers

                run_workers(settings, listening, folder)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises EngineError where that cannot be."""
    with ExitStack() as undone:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            listening = undone.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except OSError as error:
            reason = f"cannot listen on {host} port {port}: {error.strerror}. Choose another --port."
            raise EngineError(reason) from error
        undone.pop_all()
    listening.setblocking(False)
    listening.set_inheritable(True)
    return listening


def _allow_many_connections() -> None:
    """As many open files as the system lets this user have: the usual 1,024 are taken up by 1,000 idle clients."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _check(settings: Settings) -> None:
    """Raises ModelError here, once and plainly, for what else every worker would fail at."""
    from imagewise.server.run_reading import check_folder
    from imagewise.server.shelf import open_model

    if settings.runs is not None:
        check_folder(settings.runs)
    for name, path in settings.files.items():
        open_model(name, path, 1)


def config_of(settings: Settings) -> Config:
    """uvicorn's own, with our application, connections and log."""
    import uvicorn

    from imagewise.server.application import Application
    from imagewise.server.connections import connection_class
    from imagewise.server.logs import IntoLog, Log

    log = Log()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
    logging.getLogger("uvicorn.error").handlers = [IntoLog(log)]
    logging.getLogger("uvicorn.error").propagate = False
    threads = max(
        1, (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1) // settings.workers
    )
    application = Application(settings.files, settings.limits, settings.api_key, threads, log, settings.runs)
    return uvicorn.Config(
        application,
        http=connection_class(settings.limits),
        ws="none",
        loop="uvloop",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=int(settings.limits.seconds) + 5,
    )


def run_worker(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serve in this process. Raises ModelError where a model cannot be opened."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn's, but a signal that was obeyed is not raised once more: the process ends with 0."""
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.handle_exit)
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """As uvicorn's; what stands by then stays, so that the garbage collector need not look at it ever again."""
            await super().startup(sockets)
            gc.collect()
            gc.freeze()

    sys.setswitchinterval(_TURN_SECONDS)
    server = Server(config_of(settings))
    server.run(sockets)
    if not server.started:
        raise ModelError("the server did not start; what stands above says why.")
