from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, Split, SplitRule, concatenate
from imagewise.data.memmap import CHUNK_BYTES, MappedRange, concat_views, drop_pages, iter_chunks, take
from imagewise.framing.framing import Framing

Pixels = NDArray[np.uint8]


@pytest.fixture
def mapped(tmp_path: Path) -> Callable[[Pixels], Pixels]:
    def make(pixels: Pixels) -> Pixels:
        np.save(tmp_path / "pixels.npy", pixels)
        return np.load(tmp_path / "pixels.npy", mmap_mode="r")  # type: ignore[no-any-return]

    return make


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (700, 80, 80, 3), dtype=np.uint8)  # 13 MB


def resident(array: Pixels) -> int:
    """Bytes of the mapping that lie in this process's memory, as the kernel counts them."""
    address = array.__array_interface__["data"][0]
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            low, high = (int(end, 16) for end in first.split("-"))
            inside = low <= address < high
        elif inside and first == "Rss:":
            return 1024 * int(line.split()[1])
    raise AssertionError("not mapped")


linux = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux tells what is resident")


@linux
def test_an_array_in_memory_is_left_alone(noise: Pixels) -> None:
    before = noise.copy()
    for view in (noise, noise[1:], noise[::2]):
        drop_pages(view)
    assert np.array_equal(noise, before)


@linux
def test_what_was_read_is_let_go_and_still_there(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    assert array.sum() == noise.sum()
    assert resident(array) > 0.9 * noise.nbytes
    drop_pages(array[5:10])
    assert resident(array) < 0.1 * noise.nbytes
    assert np.array_equal(array, noise)


@linux
def test_going_over_chunks_holds_no_more_than_two(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    seen, most = [], 0
    for chunk in iter_chunks(array):
        seen.append(int(chunk.sum()))
        most = max(most, resident(array))
    assert len(seen) >= 3
    assert sum(seen) == noise.sum()
    assert most <= 2 * CHUNK_BYTES


@linux
def test_taking_holds_nothing(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    order = np.random.default_rng(1).permutation(len(noise))
    assert np.array_equal(np.concatenate([take(array, part) for part in np.array_split(order, 20)]), noise[order])
    assert resident(array) < 0.1 * noise.nbytes


def test_ranges_that_follow_each_other_are_joined_to_a_view(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    ranges = [MappedRange.cut(array, *ends) for ends in ((10, 20), (20, 50), (50, 51))]
    joined = concat_views([part.images for part in ranges], ranges)
    assert np.shares_memory(joined, array)
    assert np.array_equal(joined, noise[10:51])


Parts = list[tuple[int, int] | None]


@pytest.mark.parametrize(
    "ends",
    [[(0, 3), (4, 6)], [(3, 6), (0, 3)], [(0, 3), None], [None, (3, 6)], [(0, 3), (2, 6)]],
    ids=["gap", "order", "memory last", "memory first", "overlap"],
)
def test_what_does_not_follow_each_other_in_one_array_is_copied(
    mapped: Callable[[Pixels], Pixels], noise: Pixels, ends: Parts
) -> None:
    array = mapped(noise)
    ranges = [MappedRange.cut(array, *place) if place else None for place in ends]
    arrays = [part.images if part else noise[:3] for part in ranges]
    joined = concat_views(arrays, ranges)
    assert not np.shares_memory(joined, array)
    assert np.array_equal(joined, np.concatenate(arrays))


def test_ranges_of_two_arrays_are_copied(noise: Pixels) -> None:
    ranges = [MappedRange.cut(noise.copy(), 0, 3), MappedRange.cut(noise.copy(), 3, 6)]
    assert np.array_equal(concat_views([part.images for part in ranges], ranges), noise[:6])


def test_a_split_whose_pictures_were_replaced_is_no_longer_of_its_range(noise: Pixels) -> None:
    labels = np.zeros(3, dtype=np.int64)
    splits = [Split.of_range(MappedRange.cut(noise, start, start + 3), labels) for start in (0, 3)]
    assert np.shares_memory(concatenate(splits).images, noise)
    splits[1] = replace(splits[1], images=255 - splits[1].images)
    assert np.array_equal(concatenate(splits).images, np.concatenate([noise[:3], 255 - noise[3:6]]))


def test_a_split_goes_to_another_process_without_the_whole_array(noise: Pixels) -> None:
    split = Split.of_range(MappedRange.cut(noise, 5, 8), np.zeros(3, dtype=np.int64))
    content = pickle.dumps(split)
    assert len(content) < 2 * noise[5:8].nbytes
    again = pickle.loads(content)
    assert np.array_equal(again.images, noise[5:8])
    assert again.mapped is None


def test_all_splits_of_a_mapped_set_are_a_view_with_the_same_fingerprint(
    mapped: Callable[[Pixels], Pixels], noise: Pixels
) -> None:
    def dataset(images: Pixels) -> Dataset:
        labels = np.zeros(700, dtype=np.int64)
        ranges = [MappedRange.cut(images, 0, 600), MappedRange.cut(images, 600, 700)]
        splits = {"train": Split.of_range(ranges[0], labels[:600]), "test": Split.of_range(ranges[1], labels[600:])}
        return Dataset("x", ("a",), splits, Framing("photo", 80, 80, 3), SplitRule.CONTENT)  # type: ignore[arg-type]

    array = mapped(noise)
    assert np.shares_memory(dataset(array)["all"].images, array)
    assert dataset(array).fingerprint == dataset(noise).fingerprint
