"""How many processors there are to plan for, by fake control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagewise.cpu import usable_cpus


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def system(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A root with `proc/self/cgroup` and files below `sys/fs/cgroup`."""
    contents = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_affinity_counts_where_there_is_no_control_group(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path) == 8


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        pytest.param("0::/\n", {"cpu.max": "200000 100000\n"}, 2, id="v2: two of eight"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, 8, id="v2: no quota"),
        pytest.param("0::/\n", {"cpu.max": "150000 100000\n"}, 2, id="v2: one and a half, rounded up"),
        pytest.param("0::/\n", {"cpu.max": "10000 100000\n"}, 1, id="v2: a tenth is still one"),
        pytest.param("0::/\n", {"cpu.max": "3200000 100000\n"}, 8, id="v2: more than there are"),
        pytest.param("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3, id="v2: above"),
        pytest.param("0::/../x\n", {"cpu.max": "400000 100000\n"}, 4, id="v2: a group out of sight"),
        pytest.param("0::/\n", {"cpu.max": "nonsense\n"}, 8, id="v2: unreadable"),
        pytest.param(
            "4:cpu,cpuacct:/docker/x\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3,
            id="v1: two and a half",
        ),
        pytest.param(
            "4:cpu:/\n1:memory:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            8,
            id="v1: no quota",
        ),
        pytest.param("1:memory:/\n", {"cpu.max": "100000 100000\n"}, 8, id="v1: no cpu controller"),
    ],
)
def test_a_quota_bounds_the_number(tmp_path: Path, groups: str, files: dict[str, str], cpus: int) -> None:
    assert usable_cpus(system(tmp_path, groups, files)) == cpus


def test_a_smaller_affinity_wins_over_a_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert usable_cpus(system(tmp_path, "0::/\n", {"cpu.max": "400000 100000\n"})) == 1


def test_all_processors_count_where_there_is_no_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cpus(tmp_path) == 1
