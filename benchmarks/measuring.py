"""One process from start to end: its lines with the time of each, wall time, CPU time, peak memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
IMAGEWISE = str(Path(sys.executable).parent / "imagewise")


@dataclass(frozen=True)
class Process:
    """A finished process.

    Attributes:
        seconds: wall time from its start to its end.
        said_at: wall time from its start to the last line on its standard output.
        cpu_seconds: of all its threads and children.
        megabytes: peak resident memory (2^20 bytes); pages of memory-mapped files count.
        values: what its standard output says, each line that is a JSON object or, where none is, the whole of it.
    """

    seconds: float
    said_at: float
    cpu_seconds: float
    megabytes: float
    values: list[dict[str, Any]]


def run(
    command: Sequence[str],
    cores: int | None = None,
    environment: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> Process:
    """Run to the end, on `cores` cores where that is given.

    Raises:
        RuntimeError: it ended with another code than 0; its last words are in the message.
        TimeoutError: it was stopped after `limit` seconds.
    """
    if cores is not None:
        chosen = ",".join(map(str, sorted(os.sched_getaffinity(0))[:cores]))
        command = ["taskset", "--cpu-list", chosen, *command]
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=os.environ | dict(environment or {})
        )
        assert process.stdout is not None
        lines, said_at = [], 0.0
        over = threading.Event()

        def stop() -> None:
            over.set()
            process.kill()

        timer = threading.Timer(limit or 0.0, stop)
        if limit is not None:
            timer.start()
        try:
            for line in process.stdout:
                lines.append(line.decode())
                said_at = time.perf_counter() - start
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if over.is_set():
            raise TimeoutError(f"{' '.join(command)} was stopped after {limit:.0f} s")
        if process.returncode:
            errors.seek(0)
            words = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    cpu = usage.ru_utime + usage.ru_stime
    return Process(seconds, said_at, cpu, usage.ru_maxrss / 1024, _values(lines))


def _values(lines: list[str]) -> list[dict[str, Any]]:
    found = [value for line in lines if isinstance(value := _parsed(line), dict)]
    whole = _parsed("".join(lines)) if not found else None
    several = whole if isinstance(whole, list) else [whole]
    return found or [value for value in several if isinstance(value, dict)]


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs `benchmarks.<name>`."""
    return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


def machine() -> str:
    """Cores and their kind, memory, GPU where PyTorch would see one, operating system."""
    parts = [f"{len(os.sched_getaffinity(0))} cores ({_processor()})", f"{_memory():.0f} GB"]
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    parts += [line.partition(":")[2].strip() for path in gpus for line in path.read_text().splitlines()[:1]]
    return ", ".join([*parts, f"{platform.system()} {platform.release().partition('-')[0]}"])


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
