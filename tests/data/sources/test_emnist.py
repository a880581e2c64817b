"""EMNIST by its own files: six sets in one folder, pictures on their side, labels that begin at 1, and a mapping."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError

LETTERS = list(range(1, 27)) * 3
SETS = {"letters": LETTERS, "balanced": list(range(47)) * 2, "byclass": list(range(62)) * 2, "digits": [3, 5, 9] * 9}


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def drawings(count: int, seed: int) -> NDArray[np.uint8]:
    """Upright pictures of 5x4 pixels, as they should come out."""
    return np.random.default_rng(seed).integers(0, 256, (count, 5, 4), dtype=np.uint8)


def write(folder: Path, name: str, labels: list[int], *, packed: bool = True, before: str = "emnist-") -> None:
    """The four files of a set, as EMNIST has them; the test is the first labels of train."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, some, seed in (("train", labels, 1), ("test", labels[: len(set(labels))], 2)):
        turned = drawings(len(some), seed).transpose(0, 2, 1)
        for kind, content in (("images-idx3", turned), ("labels-idx1", np.array(some, dtype=np.uint8))):
            path = folder / f"{before}{name}-{part}-{kind}-ubyte{'.gz' * packed}"
            path.write_bytes(gzip.compress(idx(content), mtime=0) if packed else idx(content))


def mapping(folder: Path, name: str, codes: dict[int, str]) -> None:
    lines = [f"{label} {' '.join(str(ord(character)) for character in text)}" for label, text in codes.items()]
    (folder / f"emnist-{name}-mapping.txt").write_text("\n".join(lines) + "\n")


def found(data: Dataset) -> set[tuple[str, bytes]]:
    everything = data["all"]
    return {(data.class_names[y], x.tobytes()) for x, y in zip(everything.images, everything.labels, strict=True)}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("packed", [True, False])
def test_a_set_is_read_by_its_own_names_and_turned_upright(tmp_path: Path, name: str, packed: bool) -> None:
    labels = SETS[name]
    write(tmp_path, name, labels, packed=packed)
    data = load_data(tmp_path)
    assert data.shape == (5, 4, 1)
    assert data.class_names == tuple(map(str, sorted(set(labels))))
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    test = labels[: len(set(labels))]
    assert np.array_equal(data["test"].images[..., 0], drawings(len(test), 2))
    assert [data.class_names[label] for label in data["test"].labels] == list(map(str, test))
    wanted = zip(labels, drawings(len(labels), 1), strict=True)
    assert found(data) >= {(str(label), picture.tobytes()) for label, picture in wanted}
    assert any("on their side" in notice for notice in data.notices)


@pytest.mark.parametrize(
    "place", ["emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-test-labels-idx1-ubyte.gz"]
)
def test_one_of_several_sets_is_chosen_by_a_file_of_it(tmp_path: Path, place: str) -> None:
    for name, labels in SETS.items():
        write(tmp_path, name, labels)
    with pytest.raises(DataError, match=r"4 sets.*emnist-balanced.*emnist-balanced-train-images-idx3-ubyte\.gz"):
        load_data(tmp_path)
    data = load_data(tmp_path / place)
    assert (data.name, len(data.class_names)) == ("emnist-letters", 26)


def test_the_archive_as_it_is_downloaded_is_gone_through(tmp_path: Path) -> None:
    write(tmp_path / "set" / "gzip", "letters", LETTERS)
    shutil.make_archive(str(tmp_path / "letters"), "zip", tmp_path / "set")
    data = load_data(tmp_path / "letters.zip")
    assert (data.name, len(data.class_names)) == ("letters", 26)
    assert found(load_data(tmp_path / "set")) == found(data)


def test_an_archive_of_several_sets_is_to_be_unpacked(tmp_path: Path) -> None:
    for name in ("letters", "digits"):
        write(tmp_path / "set" / "gzip", name, SETS[name])
    shutil.make_archive(str(tmp_path / "gzip"), "zip", tmp_path / "set")
    with pytest.raises(DataError, match=r"gzip\.zip/gzip: holds 2 sets.*Unpack gzip\.zip first"):
        load_data(tmp_path / "gzip.zip")


@pytest.mark.parametrize("labels", [LETTERS, [1, 2, 10] * 9, [7, 255] * 9])
def test_renamed_files_have_only_the_classes_that_occur(tmp_path: Path, labels: list[int]) -> None:
    write(tmp_path, "x", labels)
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / path.name.removeprefix("emnist-x-").replace("test", "t10k"))
    data = load_data(tmp_path)
    assert data.class_names == tuple(map(str, sorted(set(labels))))
    test = labels[: len(set(labels))]
    assert [data.class_names[label] for label in data["test"].labels] == list(map(str, test))


@pytest.mark.parametrize(
    ("name", "codes", "names"),
    [
        ("letters", {n: f"{chr(64 + n)}{chr(96 + n)}" for n in range(1, 27)}, [chr(64 + n) for n in range(1, 27)]),
        ("digits", {n: str(n) for n in range(10)}, ["3", "5", "9"]),
        ("balanced", {n: chr(48 + n) for n in range(47)}, [chr(48 + n) for n in range(47)]),
        ("digits", {n: f"Z{n}" for n in range(10)}, ["Z3", "Z5", "Z9"]),
    ],
)
def test_the_mapping_names_the_classes(tmp_path: Path, name: str, codes: dict[int, str], names: list[str]) -> None:
    write(tmp_path, name, SETS[name])
    mapping(tmp_path, name, codes)
    data = load_data(tmp_path)
    assert list(data.class_names) == names
    assert any("mapping.txt" in notice for notice in data.notices) == (names != list(map(str, sorted(set(SETS[name])))))
    test = SETS[name][: len(names)]
    assert [data.class_names[label] for label in data["test"].labels] == [
        names[sorted(set(SETS[name])).index(label)] for label in test
    ]


@pytest.mark.parametrize("text", ["", "3 51\n", "not a mapping\n", "3 99999999999\n5 1\n9 2\n"])
def test_a_mapping_of_something_else_is_left_alone_and_said(tmp_path: Path, text: str) -> None:
    write(tmp_path, "digits", SETS["digits"])
    (tmp_path / "emnist-digits-mapping.txt").write_text(text)
    data = load_data(tmp_path)
    assert data.class_names == ("3", "5", "9")
    assert any("emnist-digits-mapping.txt" in notice for notice in data.notices)


@pytest.mark.parametrize("before", ["", "own-", "my_set_"])
def test_pictures_of_other_sets_stay_as_they_are(tmp_path: Path, before: str) -> None:
    write(tmp_path, "x", SETS["digits"], before=before)
    data = load_data(tmp_path)
    assert data.shape == (4, 5, 1)
    assert not any("side" in notice for notice in data.notices)


@pytest.mark.parametrize("kind", ["train-images-idx3", "train-labels-idx1", "test-labels-idx1"])
def test_a_file_that_is_missing_is_named_in_full(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "letters", LETTERS, packed=False)
    (tmp_path / f"emnist-letters-{kind}-ubyte").unlink()
    with pytest.raises(DataError, match=rf"emnist-letters-(t10k|test|train).*{kind[-11:]}.*missing"):
        load_data(tmp_path)


CUT = gzip.compress(idx(np.zeros((5, 4, 4), np.uint8)), mtime=0)[:-9]


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b cut", CUT])
def test_a_damaged_file_is_named_and_not_said_to_be_mnist(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "letters", LETTERS)
    name = "emnist-letters-train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"download {name} again") as refusal:
        load_data(tmp_path)
    assert "fetch mnist" not in str(refusal.value)
