"""Settings of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagewise.server.limits import Limits


@dataclass(frozen=True)
class Settings:
    """Settings of a server, as `imagewise serve` takes them.

    Attributes:
        files: model files by name.
        host, port: address to listen at; port 0 takes a free one.
        workers: number of processes.
        limits: of each worker.
        api_key: key that requests must bring; None: none.
        runs: folder of training runs to show; None: none.
        allowed_hosts: names that clients may call the server by, in addition to those of its address; `*`: any.
        kept_models: folder in which workers keep the models that opened, for those that start later; None: none.
    """

    files: Mapping[str, Path]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    api_key: str | None = None
    runs: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    kept_models: Path | None = None
