from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.dataset import Dataset, Split
from imagewise.mapped import PIECE_BYTES, gather, join, mapping_of, pieces, release
from imagewise.picture import Framing
from imagewise.splitting import CONTENT_RULE

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


def test_views_of_a_mapping_know_it_and_other_arrays_have_none(
    mapped: Callable[[Pixels], Pixels], noise: Pixels
) -> None:
    array = mapped(noise)
    assert mapping_of(array[3:][::2]) is mapping_of(array) is not None
    assert mapping_of(noise) is mapping_of(noise[1:]) is mapping_of(array.copy()) is None


@linux
def test_what_was_read_is_let_go_and_still_there(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    assert array.sum() == noise.sum()
    assert resident(array) > 0.9 * noise.nbytes
    release(array[5:10])
    assert resident(array) < 0.1 * noise.nbytes
    assert np.array_equal(array, noise)


@linux
def test_going_over_pieces_holds_no_more_than_two(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    seen, most = [], 0
    for piece in pieces(array):
        seen.append(int(piece.sum()))
        most = max(most, resident(array))
    assert len(seen) >= 3
    assert sum(seen) == noise.sum()
    assert most <= 2 * PIECE_BYTES


@linux
def test_gathering_holds_nothing(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    order = np.random.default_rng(1).permutation(len(noise))
    assert np.array_equal(np.concatenate([gather(array, part) for part in np.array_split(order, 20)]), noise[order])
    assert resident(array) < 0.1 * noise.nbytes


def test_neighbours_in_one_mapping_join_to_a_view(mapped: Callable[[Pixels], Pixels], noise: Pixels) -> None:
    array = mapped(noise)
    joined = join([array[10:20], array[20:50], array[50:51]])
    assert mapping_of(joined) is mapping_of(array)
    assert np.shares_memory(joined, array)
    assert np.array_equal(joined, noise[10:51])


@pytest.mark.parametrize(
    "parts",
    [
        lambda a: [a[:3], a[4:6]],
        lambda a: [a[3:6], a[:3]],
        lambda a: [a[:6:2], a[6:8]],
        lambda a: [a[:3], np.array(a[3:6])],
        lambda a: [np.array(a[:3]), a[3:6]],
    ],
    ids=["gap", "order", "steps", "memory last", "memory first"],
)
def test_what_does_not_follow_in_one_mapping_is_copied(
    mapped: Callable[[Pixels], Pixels], noise: Pixels, parts: Callable[[Pixels], list[Pixels]]
) -> None:
    joined = join(parts(mapped(noise)))
    assert mapping_of(joined) is None
    assert np.array_equal(joined, np.concatenate(parts(noise)))


def test_all_splits_of_a_mapped_set_are_a_view_with_the_same_fingerprint(
    mapped: Callable[[Pixels], Pixels], noise: Pixels
) -> None:
    def dataset(images: Pixels) -> Dataset:
        labels = np.zeros(700, dtype=np.int64)
        splits = {"train": Split(images[:600], labels[:600]), "test": Split(images[600:], labels[600:])}
        return Dataset("x", ("a",), splits, Framing("photo", 80, 80, 3), CONTENT_RULE)  # type: ignore[arg-type]

    array = mapped(noise)
    assert np.shares_memory(dataset(array)["all"].images, array)
    assert dataset(array).fingerprint == dataset(noise).fingerprint
