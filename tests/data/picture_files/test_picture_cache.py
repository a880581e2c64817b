"""The cache of framed pictures: decoded once, mapped, whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.data.auto_framing import CHOICE_VERSION, PhotoSizes, look_at_some
from imagewise.data.picture_files import decoding, picture_cache, pictures
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.class_folders import load_class_folders
from imagewise.framing.decoding import read_picture
from imagewise.framing.framing import Framing
from imagewise.paths import cache_dir

Draw = Callable[..., Path]
PHOTO = Framing("photo", 16, 16, 3)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_dir("pictures")


@pytest.fixture
def pets(tmp_path: Path, draw: Draw) -> Path:
    for number in range(20):
        draw(tmp_path / "pets" / "cat" / f"{number:02}.png", seed=number)
        draw(tmp_path / "pets" / "dog" / f"{number:02}.png", seed=100 + number)
    (tmp_path / "pets" / "dog" / "03.png").write_bytes(b"damaged")
    return tmp_path / "pets"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that the scan reads."""
    seen: list[str] = []

    def note(source: Any) -> Any:
        seen.append(str(source))
        return read_picture(source)

    monkeypatch.setattr(decoding, "read_picture", note)
    return seen


def test_the_second_start_reads_no_picture_and_gives_the_same(pets: Path, read: list[str]) -> None:
    first = load_class_folders(pets, Reading())
    assert len(read) == 40
    read.clear()
    second = load_class_folders(pets, Reading())
    assert read == []
    assert second.fingerprint == first.fingerprint
    assert (second.notices, second.skipped, second.split_rule) == (first.notices, first.skipped, first.split_rule)
    assert [split.names for split in second.splits.values()] == [split.names for split in first.splits.values()]


def test_the_splits_are_views_of_one_mapping_and_all_of_them_too(pets: Path) -> None:
    data = load_class_folders(pets, Reading(PHOTO))
    everything = data["all"].images
    assert all(np.shares_memory(everything, split.images) for split in data.splits.values())
    assert isinstance(everything, np.memmap)


def touched(path: Path) -> None:
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda pets: touched(pets / "cat" / "00.png"),
        lambda pets: (pets / "cat" / "00.png").rename(pets / "cat" / "new.png"),
        lambda pets: (pets / "cat" / "00.png").unlink(),
        lambda pets: (pets / "cat").rename(pets / "lynx"),
        lambda pets: (pets / "cat" / "00.png").chmod(0o600),
    ],
    ids=["time", "name", "gone", "class", "rights"],
)
def test_what_changes_is_decoded_anew(pets: Path, read: list[str], change: Callable[[Path], object]) -> None:
    (pets / "cat" / "00.png").chmod(0o644)
    load_class_folders(pets, Reading(PHOTO))
    read.clear()
    change(pets)
    load_class_folders(pets, Reading(PHOTO))
    assert len(read) >= 39


def test_each_framing_has_its_own(pets: Path) -> None:
    load_class_folders(pets, Reading(PHOTO))
    assert load_class_folders(pets, Reading(Framing("photo", 8, 8, 1))).shape == (8, 8, 1)
    assert load_class_folders(pets, Reading(PHOTO)).shape == (16, 16, 3)


def test_a_framing_that_other_rules_chose_is_chosen_again(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def note(count: int, look_at: Callable[[int], Any]) -> list[Any]:
        looks.append(count)
        return look_at_some(count, look_at)

    monkeypatch.setattr(pictures, "look_at_some", note)
    load_class_folders(pets, Reading())
    load_class_folders(pets, Reading())
    assert looks == [40]
    monkeypatch.setattr(picture_cache, "CHOICE_VERSION", CHOICE_VERSION + 1)
    load_class_folders(pets, Reading())
    assert looks == [40, 40]


class AtMost8:
    """Bounds the side to 8 pixels, and counts how often it is asked."""

    def __init__(self, key: str) -> None:
        self.key, self.asked = key, 0

    def __call__(self, pictures: int, side: int) -> tuple[int, str]:
        self.asked += 1
        return 8, "8 pixels are enough"


def test_a_limit_is_asked_once_for_each_key_and_the_choice_is_kept(pets: Path) -> None:
    for key, wanted in (("5 minutes", 1), ("5 minutes", 0), ("9 minutes", 1), ("5 minutes", 0)):
        limit = AtMost8(key)
        data = load_class_folders(pets, Reading(photo_sizes=PhotoSizes((16,), limit=limit)))
        assert data.shape[:2] == (8, 8)
        assert limit.asked == wanted
    assert load_class_folders(pets, Reading(photo_sizes=PhotoSizes((16,)))).shape[:2] == (16, 16)


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: b"", lambda c: b"x" + c[1:]], ids=["cut", "empty", "x"])
def test_a_damaged_cache_is_made_again(
    pets: Path, cache: Path, suffix: str, damage: Callable[[bytes], bytes], read: list[str]
) -> None:
    wanted = load_class_folders(pets, Reading(PHOTO)).fingerprint
    (file,) = cache.glob(f"*{suffix}")
    file.write_bytes(damage(file.read_bytes()))
    read.clear()
    assert load_class_folders(pets, Reading(PHOTO)).fingerprint == wanted
    assert len(read) == 40


def test_a_cache_that_cannot_be_written_costs_only_time(pets: Path, cache: Path) -> None:
    wanted = load_class_folders(pets, Reading(PHOTO))
    picture_cache.clear()
    cache.rmdir()
    cache.write_text("a file in its place")
    found = load_class_folders(pets, Reading(PHOTO))
    assert found.fingerprint == wanted.fingerprint
    assert found.skipped == wanted.skipped


def test_an_interrupted_scan_leaves_nothing_that_counts(
    pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_class_folders(pets, Reading(PHOTO, progress=interrupt))
    assert list(cache.iterdir()) == []
    assert len(load_class_folders(pets, Reading(PHOTO))["all"]) == 39


def test_two_processes_at_once_get_the_same(pets: Path, cache: Path) -> None:
    program = (
        "import sys;"
        "from imagewise.framing.framing import Framing; from imagewise.data.loading import load_data;"
        "print(load_data(sys.argv[1], framing=Framing('photo', 16, 16, 3)).fingerprint)"
    )
    command = [sys.executable, "-c", program, str(pets)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate(timeout=120)[0] for process in started}
    assert answers == {load_class_folders(pets, Reading(PHOTO)).fingerprint + "\n"}
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]


def test_the_sets_used_longest_ago_make_room(pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    framings = [Framing("photo", side, 16, 3) for side in (14, 15, 16)]
    for age, framing in zip((300, 100), framings[:2], strict=True):
        before = set(cache.glob("*.json"))
        load_class_folders(pets, Reading(framing))
        (made,) = set(cache.glob("*.json")) - before
        os.utime(made, (time.time() - age,) * 2)
    load_class_folders(pets, Reading(framings[0]))  # used now
    monkeypatch.setattr(picture_cache, "MAX_BYTES", 75_000)  # two of three of about 30,000
    load_class_folders(pets, Reading(framings[2]))
    shapes = {np.load(path, mmap_mode="r").shape[1] for path in cache.glob("*.npy")}
    assert shapes == {14, 16}


def test_what_a_killed_process_left_is_removed_after_a_day(pets: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    for name, age in (("a.1.arrived", 25 * 3600), (".b.npy.2.partial", 25 * 3600), ("c.3.arrived", 60)):
        (cache / name).touch()
        os.utime(cache / name, (time.time() - age,) * 2)
    load_class_folders(pets, Reading(PHOTO))
    assert {path.name for path in cache.iterdir() if path.suffix not in (".npy", ".json")} == {"c.3.arrived"}


def test_clearing_frees_all(pets: Path, cache: Path) -> None:
    load_class_folders(pets, Reading())
    assert picture_cache.clear() > 39 * 32 * 32 * 3
    assert list(cache.iterdir()) == []
    assert picture_cache.clear() == 0
