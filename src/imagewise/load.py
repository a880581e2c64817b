"""How many processors other processes leave free: it decides how many threads should wait for each other.

Threads that share a computation wait for each other thousands of times a second. If another process holds the
processor of one of them, all wait until the scheduler gives it back: an epoch of 3 s then takes 10 to 100 s.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Protocol

from imagewise.cpu import Quota, affinity, quotas

TOLERANCE = 0.3  # of a processor: a desktop's own small work takes no thread from us
SHORTEST = 0.5  # seconds between two readings whose difference says something: ticks are up to 10 ms long
SAMPLES, SAMPLE_SECONDS = 4, 0.003  # of a moment; the least of them counts, so that a short task does not


_NUMBERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


class LoadReader(Protocol):
    """Tells how many processors are free for this process; None where nothing is known.

    A fake for tests:

        class Quiet:
            def free_now(self) -> float | None: return 8.0
            def free_since(self) -> float | None: return 8.0
    """

    def free_now(self) -> float | None:
        """Processors that no other process wants at this moment."""
        ...

    def free_since(self) -> float | None:
        """Processors that others have left free on average since the last answer, or since the reader was made."""
        ...


def threads_for(most: int, free: float | None) -> int:
    """How many threads to use, 1 to `most`, where `free` processors are free."""
    return most if free is None else max(1, min(most, floor(free + TOLERANCE)))


def threads_are_set(environment: Mapping[str, str]) -> bool:
    """Whether the user has said how many threads libraries take: then the load is not asked."""
    return any(environment.get(name) for name in _NUMBERS)


class SystemLoad:
    """What the operating system says: Linux by /proc and control groups, others by their load average, if any.

    Args:
        root: folder that holds `proc` and `sys`; tests pass one of their own.
        clock, own_time: seconds on the wall, and of this process on all processors.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.perf_counter,
        own_time: Callable[[], float] = time.process_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root, self._clock, self._own_time, self._sleep = root, clock, own_time, sleep
        self._last = self._read()

    def free_now(self) -> float | None:
        """See `LoadReader`. Takes about a millisecond on a quiet computer, ten on a busy one.

        Counts the tasks that can run, so that other processes of a container count as those of the whole computer do.
        """
        wanted = self._wanted_by_others()
        for _ in range(SAMPLES - 1):
            if not wanted:
                break
            self._sleep(SAMPLE_SECONDS)
            wanted = min(wanted, self._wanted_by_others() or 0)
        if wanted is not None:
            return _left(affinity(), wanted - _processors_elsewhere(self._last))
        averages = _load_averages()  # the lower one: work that ended a minute ago is still in the shorter one
        return None if averages is None else _left(affinity(), min(averages[:2]))

    def free_since(self) -> float | None:
        """See `LoadReader`. None, too, less than half a second after the last answer."""
        last, now = self._last, self._read()
        seconds = now.time - last.time
        if seconds < SHORTEST:
            return None
        self._last = now
        own = (now.own - last.own) / seconds
        bounds = [
            _left(quota.processors, (now.groups[quota] - used) / seconds - own)
            for quota, used in last.groups.items()
            if quota in now.groups
        ]
        shares = [_share(last.clocks[name], now.clocks[name]) for name in _usable(last) if name in now.clocks]
        averages = _load_averages()
        if shares:
            bounds.append(_left(len(shares), sum(shares) - own))
        elif averages is not None:
            bounds.append(_left(affinity(), averages[0] - own))
        return min(bounds, default=None)

    def _read(self) -> _Reading:
        used = {quota: quota.used_seconds() for quota in quotas(self._root)}
        groups = {quota: seconds for quota, seconds in used.items() if seconds is not None}
        return _Reading(self._clock(), self._own_time(), self._clocks(), groups)

    def _clocks(self) -> dict[str, _Clock]:
        """Of each processor, by the kernel's name: `cpu0`."""
        lines = [line.split() for line in _lines(self._root / "proc/stat")]
        return {
            name: _Clock.of([int(field) for field in fields])
            for name, *fields in filter(None, lines)
            if name.startswith("cpu") and name != "cpu"
        }

    def _wanted_by_others(self) -> int | None:
        """Tasks of other processes that run or could run at this moment; None where /proc does not say."""
        running = [line.split()[1] for line in _lines(self._root / "proc/stat") if line.startswith("procs_running ")]
        if not running:
            return None
        states = [_lines(path) for path in (self._root / "proc/self/task").glob("*/stat")]
        own = sum(lines[0].rpartition(")")[2].split()[0] == "R" for lines in states if lines)
        return max(0, int(running[0]) - max(1, own))


@dataclass(frozen=True)
class _Clock:
    """Ticks of a processor: at work, and all."""

    work: int
    all: int

    @classmethod
    def of(cls, fields: list[int]) -> _Clock:
        """From user, nice, system, idle, iowait, irq, softirq and steal; guests, after them, count as user already.

        A processor that the host takes away (steal) is not free, whoever has it.
        """
        counted = fields[:8]
        return cls(sum(counted) - sum(counted[3:5]), sum(counted))


@dataclass(frozen=True)
class _Reading:
    """Counters at a time.

    Attributes:
        time, own: seconds on the wall, and of this process on all processors.
        clocks: of each processor; none where there is no /proc.
        groups: seconds of all processes of each control group that has a quota.
    """

    time: float
    own: float
    clocks: Mapping[str, _Clock]
    groups: Mapping[Quota, float]


def _left(processors: float, used: float) -> float:
    """What is left of these processors; all of them where others seem to use less than nothing."""
    return max(0.0, processors - max(0.0, used))


def _share(before: _Clock, after: _Clock) -> float:
    """The part of the time between two readings that a processor was at work, 0 to 1."""
    return (after.work - before.work) / max(1, after.all - before.all)


def _usable(reading: _Reading) -> list[str]:
    """The processors that this process may use, of those that /proc shows."""
    if not hasattr(os, "sched_getaffinity"):
        return list(reading.clocks)
    return [name for name in reading.clocks if int(name.removeprefix("cpu")) in os.sched_getaffinity(0)]


def _processors_elsewhere(reading: _Reading) -> int:
    """Processors that others may use and this process may not."""
    return len(reading.clocks) - len(_usable(reading))


def _load_averages() -> tuple[float, float, float] | None:
    """Of 1, 5 and 15 minutes, where the system keeps them."""
    try:
        return os.getloadavg()
    except (AttributeError, OSError):  # Windows; a system that will not say
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
