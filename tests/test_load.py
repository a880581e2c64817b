"""How many processors other processes leave free, by fake systems: quiet, busy, a container, one without /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagewise.load import SAMPLES, SystemLoad, threads_are_set, threads_for

TICKS = 100  # a second


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


class FakeSystem:
    """A root with `proc` and `sys` whose time passes by `run`; it has as many processors as `busy` has numbers."""

    def __init__(self, root: Path, processors: int = 2) -> None:
        self.root, self.now, self.own = root, 0.0, 0.0
        self.slept = 0
        self._ticks = [[1000, 0, 0, 5000] for _ in range(processors)]
        self._group = 0.0
        self.running = 1
        (root / "proc/self/task/7").mkdir(parents=True)
        (root / "proc/self/task/7/stat").write_text("7 (a (strange) name) R 1 7 7 0 -1")
        self.write()

    def quota(self, text: str) -> None:
        (self.root / "proc/self/cgroup").write_text("0::/\n")
        (self.root / "sys/fs/cgroup").mkdir(parents=True)
        (self.root / "sys/fs/cgroup/cpu.max").write_text(text)
        self.write()

    def run(self, seconds: float, busy: list[float], own: float, group: float = 0.0) -> None:
        """Processors are at work for these parts of the time; `own` of their sum is ours, `group` our container's."""
        for ticks, part in zip(self._ticks, busy, strict=True):
            ticks[0] += round(part * seconds * TICKS)
            ticks[3] += round((1 - part) * seconds * TICKS)
        self.now, self.own, self._group = self.now + seconds, self.own + own * seconds, self._group + group * seconds
        self.write()

    def write(self) -> None:
        lines = ["cpu  1 2 3 4 5 6 7 8 9 0"]
        lines += [f"cpu{n} {user} {nice} {system} {idle} 0 0 0 0 77 0" for n, (user, nice, system, idle) in
                  enumerate(self._ticks)]  # fmt: skip
        (self.root / "proc/stat").write_text("\n".join([*lines, "ctxt 12", f"procs_running {self.running}"]))
        if (self.root / "sys/fs/cgroup").is_dir():
            usage = f"usage_usec {round(self._group * 1e6)}\nuser_usec 1\n"
            (self.root / "sys/fs/cgroup/cpu.stat").write_text(usage)

    def reader(self) -> SystemLoad:
        return SystemLoad(self.root, lambda: self.now, lambda: self.own, self._sleep)

    def _sleep(self, _: float) -> None:
        self.slept += 1


@pytest.fixture
def system(tmp_path: Path) -> FakeSystem:
    return FakeSystem(tmp_path)


@pytest.mark.parametrize(
    ("most", "free", "threads"),
    [
        (2, 2.0, 2),
        (2, 1.75, 2),
        (2, 1.6, 1),
        (2, 0.4, 1),
        (2, 0.0, 1),
        (8, 6.9, 7),
        (4, 7.5, 4),
        (1, 0, 1),
        (8, None, 8),
    ],
)
def test_threads_are_as_many_as_free_processors_but_for_a_desktops_own_work(
    most: int, free: float | None, threads: int
) -> None:
    assert threads_for(most, free) == threads


@pytest.mark.parametrize(
    ("busy", "own", "free"),
    [
        pytest.param([0.02, 0.01], 0.01, 2, id="quiet"),
        pytest.param([1.0, 1.0], 2.0, 2, id="ours alone"),
        pytest.param([1.0, 1.0], 1.0, 1, id="one busy beside us"),
        pytest.param([1.0, 1.0], 0.7, 0.7, id="all busy beside us"),
        pytest.param([1.0, 1.0], 0.0, 0, id="all busy, we wait"),
        pytest.param([0.5, 0.5], 1.1, 2, id="more of our own than the kernel counted"),
    ],
)
def test_what_others_use_is_not_free(system: FakeSystem, busy: list[float], own: float, free: float) -> None:
    reader = system.reader()
    system.run(2.0, busy, own)
    assert reader.free_since() == pytest.approx(free, abs=0.03)


def test_each_answer_is_of_the_time_since_the_last_one(system: FakeSystem) -> None:
    reader = system.reader()
    for busy, free in (([1.0, 1.0], 0.0), ([0.0, 0.0], 2.0), ([1.0, 0.0], 1.0)):
        system.run(2.0, busy, 0.0)
        assert reader.free_since() == pytest.approx(free)


def test_there_is_no_answer_before_the_kernels_ticks_say_something(system: FakeSystem) -> None:
    reader = system.reader()
    for _ in range(2):
        system.run(0.3, [1.0, 0.0], 0.0)
        answers = reader.free_since()
    assert answers == pytest.approx(1.0), "the time before counts all the same"
    assert reader.free_since() is None


def test_work_on_processors_that_are_not_ours_does_not_count(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path, 4)
    reader = system.reader()
    system.run(2.0, [0.0, 0.0, 1.0, 1.0], 0.0)
    assert reader.free_since() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("quota", "own", "group", "free"),
    [
        pytest.param("100000 100000", 0.9, 0.9, 1.0, id="one processor, all ours"),
        pytest.param("100000 100000", 0.4, 1.0, 0.4, id="another process of the container has most of it"),
        pytest.param("150000 100000", 0.5, 1.0, 1.0, id="one and a half"),
        pytest.param("max 100000", 0.4, 1.0, 2.0, id="no quota"),
    ],
)
def test_other_processes_of_a_container_take_from_its_quota(
    system: FakeSystem, quota: str, own: float, group: float, free: float
) -> None:
    system.quota(quota)
    reader = system.reader()
    system.run(2.0, [own, 0.0], own, group)
    assert reader.free_since() == pytest.approx(free, abs=0.03)


@pytest.mark.parametrize(("running", "free"), [(1, 2), (2, 1), (3, 0), (9, 0)])
def test_a_moment_counts_the_tasks_of_others_that_can_run(system: FakeSystem, running: int, free: int) -> None:
    system.running = running
    system.write()
    assert system.reader().free_now() == free
    assert system.slept == (0 if running == 1 else SAMPLES - 1), "a quiet computer costs no time"


def test_our_own_other_threads_are_no_load(system: FakeSystem) -> None:
    for number, state in ((8, "R"), (9, "S")):
        folder = system.root / f"proc/self/task/{number}"
        folder.mkdir()
        (folder / "stat").write_text(f"{number} (worker) {state} 1 7 7 0 -1")
    system.running = 3
    system.write()
    assert system.reader().free_now() == 1


def test_a_task_that_runs_only_for_a_moment_is_no_load(system: FakeSystem) -> None:
    def ends(_: float) -> None:
        system.running = 1
        system.write()

    system.running = 3
    system.write()
    assert SystemLoad(system.root, sleep=ends).free_now() == 2


def test_tasks_for_which_there_are_other_processors_are_no_load(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path, 8)
    for running, free in ((1, 2), (7, 2), (8, 1), (9, 0)):
        system.running = running
        system.write()
        assert system.reader().free_now() == free


@pytest.mark.parametrize(
    ("averages", "now", "since"),
    [
        pytest.param((0.1, 0.1, 0.0), 1.9, 2.0, id="quiet"),
        pytest.param((1.5, 1.0, 0.3), 1.0, 1.0, id="one busy, and half of one is ours"),
        pytest.param((4.0, 4.0, 4.0), 0.0, 0.0, id="all busy"),
        pytest.param((2.0, 0.2, 0.1), 1.8, 0.5, id="work that has just begun, or just ended"),
    ],
)
def test_without_proc_the_load_average_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, averages: tuple[float, ...], now: float, since: float
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: averages, raising=False)
    times = iter([(0.0, 0.0), (2.0, 1.0)])  # on the wall, ours
    clock, own = zip(*times, strict=True)
    reader = SystemLoad(tmp_path, iter(clock).__next__, iter(own).__next__)
    assert reader.free_now() == pytest.approx(now)
    assert reader.free_since() == pytest.approx(since)


@pytest.mark.parametrize("broken", ["missing", "refused", "empty"])
def test_where_nothing_is_known_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def refused() -> tuple[float, float, float]:
        raise OSError

    if broken == "missing":  # Windows
        monkeypatch.delattr(os, "getloadavg", raising=False)
    else:
        monkeypatch.setattr(os, "getloadavg", refused, raising=False)
    if broken == "empty":
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/stat").write_text("\n")
    clock = iter([0.0, 2.0])
    reader = SystemLoad(tmp_path, clock.__next__, lambda: 0.0)
    assert reader.free_now() is None
    assert reader.free_since() is None
    assert threads_for(2, None) == 2


def test_this_system_answers() -> None:
    free = SystemLoad().free_now()
    assert free is None or 0 <= free <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, False),
        ({"OMP_NUM_THREADS": ""}, False),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, False),
        ({"OMP_NUM_THREADS": "2"}, True),
        ({"OPENBLAS_NUM_THREADS": "1"}, True),
        ({"TF_NUM_INTRAOP_THREADS": "4"}, True),
    ],
)
def test_a_number_of_threads_in_the_environment_is_the_users(environment: dict[str, str], found: bool) -> None:
    assert threads_are_set(environment) is found
