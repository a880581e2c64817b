"""What all tests share: Hypothesis without a clock or chance between runs, and a tiny data set."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

from imagewise.dataset import Dataset, Split
from imagewise.picture import Framing
from imagewise.splitting import CONTENT_RULE

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores; threads that wait for each other take them all
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("imagewise", deadline=None, derandomize=True, database=None)
settings.load_profile("imagewise")


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
    return Dataset("tiny", ("bottom", "middle", "top"), splits, Framing("photo", 12, 10, 1), CONTENT_RULE)  # type: ignore[arg-type]


@pytest.fixture
def tiny_dataset() -> Dataset:
    return make_tiny_dataset()


@pytest.fixture(autouse=True, scope="session")
def _own_cache_of_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded pictures of tests do not land in the cache of whoever runs them; other caches stay."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imagewise.sources.picture_cache.cache_folder", lambda: folder)
        yield
