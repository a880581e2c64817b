"""What all tests share: Hypothesis without a clock or chance between runs, the last lines printed, a tiny data set."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from typer.main import get_command

from imagewise.data.catalog import NamedSet
from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.data.sources.digits import load_digits
from imagewise.framing.framing import Framing
from imagewise.paths import cache_dir

# The workers share the cores, and the number of threads changes the last digits: no test depends on the load.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("imagewise", deadline=None, derandomize=True, database=None)
settings.load_profile("imagewise")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a browser, so that they can be selected and counted. Put them last and those that ask
    TensorFlow first, so that each worker starts a browser once, and the first one alone TensorFlow."""
    for item in items:
        if _needs_browser(item):
            item.add_marker("browser")
    items.sort(key=lambda item: (_needs_browser(item), not _asks_tensorflow(item)))


def _needs_browser(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


def _asks_tensorflow(item: pytest.Item) -> bool:
    """By its name: one that is missed costs a start of TensorFlow, no more."""
    return re.search("tensorflow|keras|litert|saved-model", item.nodeid) is not None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost, so that its lines are the last
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Print last how to repeat the order, and how many browser tests were skipped and why."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of xdist
        return
    reporter.ensure_newline()
    if session.config.pluginmanager.has_plugin("randomly"):
        reporter.write_line(f"random order; to repeat it: pytest --randomly-seed={session.config.option.randomly_seed}")
    skipped = [report for report in reporter.stats.get("skipped", ()) if "browser" in report.keywords]
    if skipped:
        reasons = {report.longrepr[2].removeprefix("Skipped: ") for report in skipped}
        reporter.write_line(f"{len(skipped)} browser tests were skipped: {'; '.join(sorted(reasons))}")


def make_tiny_dataset() -> Dataset:
    """Three classes of 12x10 grey noise with a bright bar at the class's own height; a few are hard to tell."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % 3
        images = rng.integers(0, 130, (count, 12, 10, 1), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 * label : 4 * label + 4] += np.uint8(rng.integers(0, 125))
        return Split(images, labels)

    splits = {"train": split(90), "validation": split(30), "test": split(45)}
    return Dataset("tiny", ("bottom", "middle", "top"), splits, Framing("photo", 12, 10, 1), SplitRule.CONTENT)  # type: ignore[arg-type]


@pytest.fixture
def tiny_dataset() -> Dataset:
    return make_tiny_dataset()


@pytest.fixture(autouse=True, scope="session")
def _made_once() -> Iterator[None]:
    """Typer's runner makes all commands for each call, and `digits` frames its pictures: longer than many a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        patch.setattr("imagewise.data.loading.load_digits", cache(_load_digits))
        yield


def _load_digits(entry: NamedSet, framing: Framing | None = None) -> Dataset:
    """Read only: a test that changed it would change it for others."""
    dataset = load_digits(entry, framing)
    for split in dataset.splits.values():
        split.images.setflags(write=False)
        split.labels.setflags(write=False)
    return dataset


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """imagewise's cache folder of this session, in subprocesses too: tests neither find nor change that of whoever
    runs them. Shared with it is what takes long to make and is only read: fonts, and onnxruntime-web from npm."""
    theirs = cache_dir()
    home = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        own = cache_dir()
        own.mkdir(parents=True)
        for runtime in theirs.glob("onnxruntime-web-*"):
            (own / runtime.name).symlink_to(runtime)
        if (fonts := theirs.with_name("matplotlib")).is_dir():
            (home / fonts.name).symlink_to(fonts)
        yield own
