"""Folders of `.npy` files: a class a file, as Quick Draw has them, and the arrays of a set one by one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError


def drawings(count: int, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def found(data: Dataset) -> set[tuple[str, bytes]]:
    everything = data["all"]
    return {(data.class_names[y], x.tobytes()) for x, y in zip(everything.images, everything.labels, strict=True)}


@pytest.mark.parametrize("name", ["{}.npy", "full_numpy_bitmap_{}.npy"])
@pytest.mark.parametrize(("shape", "size"), [((784,), (28, 28, 1)), ((28, 28), (28, 28, 1)), ((8, 6, 3), (8, 6, 3))])
def test_each_file_is_a_class(tmp_path: Path, name: str, shape: tuple[int, ...], size: tuple[int, ...]) -> None:
    classes = ["The Eiffel Tower", "ant", "bird 2", "bird 10"]
    wanted = set()
    for number, label in enumerate(classes):
        pictures = drawings(20 + number, *shape, seed=number)
        np.save(tmp_path / name.format(label), pictures)
        wanted |= {(label, picture.tobytes()) for picture in pictures}
    data = load_data(tmp_path)
    assert (data.name, data.class_names, data.shape) == (tmp_path.name, tuple(classes), size)
    assert data.split_rule == SplitRule.CONTENT
    assert found(data) == wanted
    assert any("4 .npy files" in notice for notice in data.notices)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("x_{}", "y_{}"),
        ("X_{}", "Y_{}"),
        ("{}_images", "{}_labels"),
        ("k49-{}-imgs", "k49-{}-labels"),
        ("my_{}_x", "my_{}_y"),
    ],
)
def test_arrays_of_a_set_may_be_files_of_their_own(tmp_path: Path, images: str, labels: str, packed: bool) -> None:
    for number, split in enumerate(("train", "test")):
        for name, array in ((images, drawings(30, 6, 5, seed=number)), (labels, np.arange(30) % 3)):
            path = tmp_path / f"{name.format(split)}.{'npz' if packed else 'npy'}"
            np.savez(path, array) if packed else np.save(path, array)
    data = load_data(tmp_path)
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert np.array_equal(data["test"].images[..., 0], drawings(30, 6, 5, seed=1))


@pytest.mark.parametrize("count", [1, 2])
def test_the_only_npz_of_a_folder_is_the_set(tmp_path: Path, count: int) -> None:
    for number in range(count):
        np.savez(tmp_path / f"{number}mnist.npz", images=drawings(30, 6, 5), labels=np.arange(30) % 3)
    if count == 1:
        assert load_data(tmp_path).name == tmp_path.name
        return
    with pytest.raises(DataError, match=r"2 sets: 0mnist\.npz, 1mnist\.npz.*Name one of them: .*0mnist\.npz"):
        load_data(tmp_path)


def test_a_packed_folder_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "top" / "drawings"
    folder.mkdir(parents=True)
    for number, label in enumerate(("cat", "dog")):
        np.save(folder / f"{label}.npy", drawings(20, 784, seed=number))
    shutil.make_archive(str(tmp_path / "quick"), "zip", tmp_path / "top")
    data = load_data(tmp_path / "quick.zip")
    assert (data.name, data.class_names) == ("quick", ("cat", "dog"))


def write(path: Path, content: Any) -> None:
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content, allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"text", "damaged"),
        (b"PK\x03\x04", "damaged"),
        (np.array([{"a": 1}], dtype=object), "never loaded"),
        (drawings(20, 785), "785"),
        (drawings(0, 784), r"\(0, 784\)"),
        (drawings(20, 784).astype(np.int64), "int64"),
        (drawings(20), r"\(20,\)"),
    ],
    ids=["empty", "text", "cut zip", "objects", "another size", "no picture", "another type", "no pictures"],
)
def test_a_file_of_other_content_is_named(tmp_path: Path, content: Any, message: str) -> None:
    for number, label in enumerate(("ant", "cat")):
        np.save(tmp_path / f"{label}.npy", drawings(20, 784, seed=number))
    write(tmp_path / "dog.npy", content)
    with pytest.raises(DataError, match=message) as refusal:
        load_data(tmp_path)
    assert "dog.npy" in str(refusal.value)


def test_the_file_of_a_single_class_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cat.npy", drawings(20, 784))
    with pytest.raises(DataError, match=r"cat\.npy: the only \.npy file"):
        load_data(tmp_path)
    with pytest.raises(DataError, match=r"cat\.npy: a single array.*name the folder"):
        load_data(tmp_path / "cat.npy")


def test_a_set_that_the_memory_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, label in enumerate(("ant", "cat")):
        np.save(tmp_path / f"{label}.npy", drawings(20, 784, seed=number))

    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(np, "concatenate", full)
    with pytest.raises(DataError, match="Keep fewer pictures"):
        load_data(tmp_path)


def test_arrays_beside_pictures_do_not_hide_them(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(20):
        folder = tmp_path / ("cat" if number % 2 else "dog")
        folder.mkdir(exist_ok=True)
        Image.fromarray(drawings(9, 9, seed=number)).save(folder / f"{number}.png")
    np.save(tmp_path / "features.npy", drawings(5, 784))
    assert load_data(tmp_path).class_names == ("cat", "dog")
