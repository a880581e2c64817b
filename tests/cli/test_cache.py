"""`imagewise data cache`: what is kept of people's own pictures, and bounds on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command_line import refused, run
from fake_backbone import MeanAndMax
from imagewise.backbones.computing import feature_cache
from imagewise.backbones.features import compute_features
from imagewise.paths import cache_dir


@pytest.fixture
def three_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sets in a cache of this test's own, the first used longest ago."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for number in range(3):
        for name in ("a", "b"):
            folder = tmp_path / f"set{number}" / name
            folder.mkdir(parents=True)
            for picture in range(4):
                pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{picture}.png")
        run("show", tmp_path / f"set{number}", "--out", tmp_path / "sheet.png")
        known = {path for path in cache_dir("pictures").glob("*.json") if path.stat().st_mtime > 1e9}
        for path in known:
            os.utime(path, (1000 + number, 1000 + number))


def cache() -> dict[str, object]:
    values = json.loads(run("data", "cache", "--json").stdout)
    assert isinstance(values, dict)
    return values


@pytest.mark.usefixtures("three_sets")
def test_the_sets_that_are_kept_are_listed_the_one_used_last_first() -> None:
    values = cache()
    sets = values["sets"]
    assert isinstance(sets, list)
    assert [each["pictures"] for each in sets] == [8, 8, 8]
    assert [each["used"] for each in sets] == [1002, 1001, 1000]
    assert values["bytes"] == sum(each["size"] for each in sets)
    text = run("data", "cache").stdout
    assert str(cache_dir("pictures")) in text
    assert "3 sets" in text


@pytest.mark.usefixtures("three_sets")
def test_a_limit_removes_what_was_used_longest_ago() -> None:
    sets = cache()["sets"]
    assert isinstance(sets, list)
    result = run("data", "cache", "--limit", f"{sets[0]['size'] * 2 / 1000 + 1:.0f}kB")
    assert result.exit_code == 0, result.stderr
    left = cache()["sets"]
    assert isinstance(left, list)
    assert [each["name"] for each in left] == [each["name"] for each in sets[:2]]


@pytest.mark.usefixtures("three_sets")
def test_clear_removes_all() -> None:
    assert "0 sets" in run("data", "cache", "--clear").stdout
    assert cache()["sets"] == []
    assert list(cache_dir("pictures").iterdir()) == []


@pytest.mark.usefixtures("three_sets")
def test_features_are_counted_and_cleared() -> None:
    assert cache()["features_bytes"] == 0
    compute_features(MeanAndMax(), np.zeros((3, 16, 16, 3), dtype=np.uint8))
    kept = feature_cache.kept_bytes()
    assert cache()["features_bytes"] == kept > 0
    assert str(cache_dir("features")) in run("data", "cache").stdout
    run("data", "clear-cache")
    assert feature_cache.kept_bytes() == 0


@pytest.mark.parametrize("size", ["much", "-1GB", "2PB"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    refused(run("data", "cache", f"--limit={size}"), "--limit", "2GB")


def test_clear_and_limit_exclude_each_other() -> None:
    refused(run("data", "cache", "--clear", "--limit", "1GB"), "--clear", "--limit")
