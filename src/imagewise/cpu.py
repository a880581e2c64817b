"""The number of processors that this process may use: its affinity, bounded by a container's CPU quota."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePosixPath


def usable_cpus(root: Path = Path("/")) -> int:
    """Processors to plan threads and processes for, at least 1: min(affinity, ceil(quota / period)).

    Args:
        root: folder that holds `proc` and `sys`; tests pass one of their own.
    """
    bounds = [affinity(), *(ceil(quota.processors) for quota in quotas(root))]
    return max(1, min(bounds))


def affinity() -> int:
    """Processors that the scheduler gives this process: `taskset`, `docker run --cpuset-cpus`."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Quota:
    """What a control group above this process allows all of its processes together.

    Attributes:
        processors: processors' worth of time, above 0.
        folder: of the group, where the kernel says how much it has used.
    """

    processors: float
    folder: Path

    def used_seconds(self) -> float | None:
        """Processor time of the group's processes so far; None where the kernel does not say."""
        with suppress(OSError, ValueError):  # version 1
            return int((self.folder / "cpuacct.usage").read_text("utf-8")) / 1e9
        with suppress(OSError, ValueError, KeyError):
            lines = (self.folder / "cpu.stat").read_text("utf-8").splitlines()
            return int(dict(line.split() for line in lines)["usage_usec"]) / 1e6
        return None


def quotas(root: Path = Path("/")) -> Iterator[Quota]:
    """The quota of each control group above this process that has one; none on systems without control groups.

    Version 2 writes `cpu.max` ("QUOTA PERIOD" or "max PERIOD"), version 1 `cpu.cfs_quota_us` (-1: no quota) and
    `cpu.cfs_period_us` (https://docs.kernel.org/admin-guide/cgroup-v2.html, section CPU).
    """
    mounts = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            yield from _read_each(mounts, path, _quota_v2)
        elif "cpu" in controllers.split(","):
            for name in dict.fromkeys((controllers, "cpu", "cpu,cpuacct")):
                yield from _read_each(mounts / name, path, _quota_v1)


def _read_each(mount: Path, path: str, read: Callable[[Path], float | None]) -> Iterator[Quota]:
    """The quota of the group at `path` and of all groups above it, as far as `mount` shows them."""
    group = PurePosixPath(path.lstrip("/"))
    for folder in (group, *group.parents):
        if ".." in folder.parts:  # a group outside of this namespace
            continue
        with suppress(OSError, ValueError, ZeroDivisionError):
            processors = read(mount / folder)
            if processors:
                yield Quota(processors, mount / folder)


def _quota_v2(folder: Path) -> float | None:
    quota, period = (folder / "cpu.max").read_text("utf-8").split()
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    quota = int((folder / "cpu.cfs_quota_us").read_text("utf-8"))
    period = int((folder / "cpu.cfs_period_us").read_text("utf-8"))
    return quota / period if quota > 0 else None
