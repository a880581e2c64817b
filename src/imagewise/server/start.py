"""Start of a server: check the settings, listen, then run one worker here or several under a supervisor."""

from __future__ import annotations

import socket
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from imagewise.errors import EngineError
from imagewise.installing import install_command
from imagewise.server.settings import Settings

BACKLOG = 2048
_OPEN_FILES = 2**16


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C, and answer the requests that were accepted by then.

    Raises:
        EngineError: the extra is not installed, the address is taken, or no request can send the API key.
        ModelError: a file is not a model of ours, there is no such folder of runs, or no worker can start.
    """
    try:
        import uvicorn  # noqa: F401
    except ImportError as error:
        command = install_command("serve")
        raise EngineError(f"serving needs more packages. Install them with: {command}") from error
    with tempfile.TemporaryDirectory(prefix="imagewise-serve-") as folder:
        settings = replace(settings, kept_models=Path(folder) / "models")
        _check(settings)
        _allow_many_connections()
        listening = listen(settings.host, settings.port)
        port = listening.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"imagewise: http://{host}:{port} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        with listening:
            if settings.workers == 1:
                from imagewise.server.worker import run_worker

                run_worker(settings, [listening])
            else:
                from imagewise.server.supervisor import run_workers

                run_workers(settings, listening, str(Path(folder) / "metrics"))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Raises EngineError if the address is taken or unknown."""
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
    """Raise the number of open files to what this user may have: 1,000 idle clients take up the usual 1,024."""
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
    """Find here what every worker would fail at, and keep the models for them. Raises EngineError, ModelError."""
    import asyncio

    from imagewise.server.http.keys import check_key
    from imagewise.server.models import ModelOpener
    from imagewise.server.pages.run_reading import check_folder

    if settings.api_key is not None:
        check_key(settings.api_key)
    if settings.runs is not None:
        check_folder(settings.runs)
    opener = ModelOpener(seconds=settings.limits.model_seconds, folder=settings.kept_models)
    for name, path in settings.files.items():
        asyncio.run(opener.try_file(name, path))
