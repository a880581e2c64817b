"""Near-copies among pictures that come as arrays, and the search for them against a comparison of all pairs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imagewise.data.dataset import Dataset, SplitRule
from imagewise.data.groups import array_sets
from imagewise.data.groups.near_copies import _are_alike, near_pairs, signature, signatures_of
from imagewise.data.loading import load_data

SIDE = 40


def scenes(count: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth pictures, all different: (count, SIDE, SIDE[, 3])."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (count, 9, 9, 3), dtype=np.uint8)
    made = [Image.fromarray(each).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for each in noise]
    blurred = [each.filter(ImageFilter.GaussianBlur(1)).convert("L" if channels == 1 else "RGB") for each in made]
    return np.stack([np.asarray(each) for each in blurred])


def changed(pictures: NDArray[np.uint8], change: str) -> NDArray[np.uint8]:
    rng = np.random.default_rng(9)
    match change:
        case "darker":
            return np.asarray(pictures * 0.85).astype(np.uint8)
        case "noisy":
            return np.asarray(np.clip(pictures + rng.normal(0, 4, pictures.shape), 0, 255), dtype=np.uint8)
        case _:
            return np.asarray(np.clip(pictures.astype(int) + 9, 0, 255), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (16, 16), (33, 47), (8, 9), (64, 20)])
def test_signatures_of_arrays_are_those_of_pictures(channels: int, size: tuple[int, int]) -> None:
    arrays = np.random.default_rng(1).integers(0, 256, (20, *size, channels), dtype=np.uint8)
    wanted = np.stack([signature(Image.fromarray(x if channels == 3 else x[..., 0])) for x in arrays])
    assert np.abs(signatures_of(arrays).astype(int) - wanted).max() <= 2


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("change", ["darker", "noisy", "brighter"])
def test_the_search_finds_what_a_comparison_of_all_pairs_finds(channels: int, change: str) -> None:
    pictures = scenes(60, channels)
    pictures = np.concatenate([pictures, changed(pictures[:25], change)]).reshape(85, SIDE, SIDE, channels)
    signatures = signatures_of(pictures)
    pairs = np.array(list(combinations(range(85), 2)))
    wanted = pairs[_are_alike(signatures[pairs[:, 0]], signatures[pairs[:, 1]])]
    found = near_pairs(signatures)
    assert {tuple(pair) for pair in found.tolist()} == {tuple(pair) for pair in wanted.tolist()}
    assert len(found) >= 20


Save = Callable[[Path, NDArray[np.uint8], NDArray[np.int64]], Path]


def as_npz(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Path:
    np.savez(folder / "set.npz", images=images, labels=labels)
    return folder / "set.npz"


def as_files(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Path:
    for label in np.unique(labels):
        np.save(folder / f"class {label}.npy", images[labels == label])
    return folder


def as_pixels(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Path:
    np.savetxt(folder / "set.csv", np.column_stack([labels, images.reshape(len(images), -1)]), "%d", ",")
    return folder / "set.csv"


@pytest.mark.parametrize("save", [as_npz, as_files, as_pixels])
@pytest.mark.parametrize("change", ["darker", "noisy", "brighter"])
def test_near_copies_of_arrays_are_in_one_split_and_said(tmp_path: Path, save: Save, change: str) -> None:
    originals = scenes(120, 1)
    copies = changed(originals[:40], change)
    labels = np.arange(120) % 2
    source = save(tmp_path, np.concatenate([originals, copies]), np.concatenate([labels, labels[:40]]))

    def sides(data: Dataset) -> dict[bytes, str]:
        return {x.tobytes(): split for split, part in data.splits.items() for x in part.images}

    data = load_data(source)
    found = sides(data)
    assert all(found[one.tobytes()] == found[other.tobytes()] for one, other in zip(originals, copies, strict=False))
    assert (data.split_rule, data.near_copies, data.groups) == (SplitRule.NEAR_COPIES, True, 40)
    assert any("80 pictures look the same as others" in notice for notice in data.notices)
    apart = load_data(source, near_copies=False)
    assert (apart.split_rule, apart.near_copies, apart.groups) == (SplitRule.CONTENT, False, 0)
    assert not all(
        sides(apart)[a.tobytes()] == sides(apart)[b.tobytes()] for a, b in zip(originals, copies, strict=False)
    )


@pytest.mark.parametrize("save", [as_npz, as_files, as_pixels])
def test_arrays_without_near_copies_are_split_as_before(tmp_path: Path, save: Save) -> None:
    source = save(tmp_path, scenes(60, 1), np.arange(60) % 3)
    data = load_data(source)
    assert data.split_rule == SplitRule.CONTENT
    assert data.fingerprint == load_data(source, near_copies=False).fingerprint
    assert not any("look the same" in notice for notice in data.notices)


@pytest.mark.parametrize("names", [("train", "test"), ("train", "val", "test"), ("train", "val")])
def test_near_copies_across_given_splits_are_said_and_stay(tmp_path: Path, names: tuple[str, ...]) -> None:
    images, labels = scenes(120, 3), np.arange(120) % 2
    images[100:110] = changed(images[:10], "noisy")  # of the last split in the first
    images[10:20] = changed(images[20:30], "darker")  # within train
    bounds = dict(zip(names, np.split(np.arange(120), [80, 100] if len(names) == 3 else [90]), strict=True))
    arrays: dict[str, Any] = {f"x_{name}": images[part] for name, part in bounds.items()}
    arrays |= {f"y_{name}": labels[part] for name, part in bounds.items()}
    np.savez(tmp_path / "set.npz", **arrays)
    data = load_data(tmp_path / "set.npz")
    last = data["test" if "test" in names else "validation"]
    assert np.array_equal(last.images, images[bounds[names[-1]]])
    assert any("10 groups of near-copies have pictures in more than one split" in notice for notice in data.notices)
    made = names == ("train", "test")
    assert data.split_rule == (SplitRule.VALIDATION_BY_NEAR_COPIES if made else SplitRule.GIVEN)
    if made:
        found = {x.tobytes(): split for split, part in data.splits.items() for x in part.images}
        assert all(found[images[n].tobytes()] == found[images[n + 10].tobytes()] for n in range(10, 20))


def test_very_many_pictures_are_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = np.concatenate([scenes(60, 1), scenes(60, 1)]), np.arange(120) % 2
    images[60:] = changed(images[60:], "noisy")
    monkeypatch.setattr(array_sets, "MOST", 100)
    source = as_npz(tmp_path, images, labels)
    data = load_data(source)
    assert (data.near_copies, data.groups) == (False, 0)
    assert data.fingerprint == load_data(source, near_copies=False).fingerprint
