from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from imagewise.data.dataset import SplitRule
from imagewise.data.sources.idx import load_idx_folder, locate, read_idx
from imagewise.data.sources.unpacking import open_unpacked
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

WriteIdx = Callable[..., Path]
TRAIN = [0, 1, 2] * 20
TEST = [2, 1, 0]

many = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@many
@given(
    array=arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=6)) | arrays(np.uint8, st.integers(1, 50)),
    packed=st.booleans(),
)
def test_what_was_written_is_read(tmp_path: Path, array: NDArray[np.uint8], packed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    assert np.array_equal(read_idx(path, array.ndim), array)


HEADER = bytes((0, 0, 8, 1))


@many
@given(
    content=st.binary(max_size=60)
    | st.binary(max_size=60).map(lambda rest: HEADER + rest)
    | st.binary(max_size=60).map(lambda rest: gzip.compress(HEADER + rest)[:-1]),
    dimensions=st.sampled_from([1, 3]),
)
@example(HEADER + b"\xff\xff\xff\xff", 1)
@example(b"\x1f\x8b", 1)
@example(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + b"\xff" * 20, 3)
def test_random_bytes_give_a_data_error_or_the_array_they_are(tmp_path: Path, content: bytes, dimensions: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    try:
        array = read_idx(path, dimensions)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert idx(array) == content


@many
@given(data=st.data())
def test_a_damaged_gzip_file_never_gives_wrong_values(tmp_path: Path, data: st.DataObject) -> None:
    whole = gzip.compress(idx(np.arange(200, dtype=np.uint8)), mtime=0)
    content = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "file"
    path.write_bytes(content[: data.draw(st.sampled_from([len(whole), place]))])
    with suppress(DataError):
        assert np.array_equal(read_idx(path, 1), np.arange(200))


def test_arrays_can_be_written_to(write_idx: WriteIdx, tmp_path: Path) -> None:
    """PyTorch warns of arrays that cannot."""
    data = load_idx_folder("small", write_idx(tmp_path, TRAIN), None)
    assert data["train"].images.flags.writeable


@pytest.mark.parametrize("packed", [True, False])
def test_a_small_set_gets_its_validation_by_content(write_idx: WriteIdx, tmp_path: Path, packed: bool) -> None:
    data = load_idx_folder("small", write_idx(tmp_path, TRAIN, TEST, packed=packed), None)
    assert data.class_names == ("0", "1", "2")
    assert data.shape == (5, 4, 1)
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert len(data["train"]) + len(data["validation"]) == 60
    assert data["test"].labels.tolist() == TEST


def test_a_set_without_test_files_is_split_three_ways(write_idx: WriteIdx, tmp_path: Path) -> None:
    data = load_idx_folder("small", write_idx(tmp_path, TRAIN), None)
    assert data.split_rule == SplitRule.CONTENT
    assert sum(map(len, data.splits.values())) == 60
    assert min(data.counts("validation").min(), data.counts("test").min()) >= 1


def test_sixty_thousand_pictures_are_split_as_the_article_did(write_idx: WriteIdx, tmp_path: Path) -> None:
    write_idx(tmp_path, [n % 10 for n in range(60_000)], list(range(10)), size=(2, 2), packed=False)
    raw = read_idx(tmp_path / "train-images-idx3-ubyte", 3)
    data = load_idx_folder("replacement", tmp_path, Framing("photo", 2, 2, 1))
    assert data.split_rule == SplitRule.FIRST_5000
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 55_000,
        "validation": 5_000,
        "test": 10,
    }
    assert np.array_equal(data["validation"].images[..., 0], raw[:5000])
    assert np.array_equal(data["train"].images[7, ..., 0], raw[5007])


@pytest.mark.parametrize(
    "name",
    [
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ],
)
def test_the_usual_spellings_are_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert locate(tmp_path, "train-images-idx3-ubyte") == tmp_path / name


def test_test_files_may_be_called_test(tmp_path: Path) -> None:
    (tmp_path / "test-labels.idx1-ubyte").touch()
    assert locate(tmp_path, "t10k-labels-idx1-ubyte.gz") == tmp_path / "test-labels.idx1-ubyte"
    assert locate(tmp_path, "t10k-images-idx3-ubyte") is None


NAME = "train-images-idx3-ubyte.gz"
WHOLE = gzip.compress(idx(np.zeros((60, 5, 4), np.uint8)), mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (b"", "is empty"),
        (WHOLE[:-20], "damaged or cut"),
        (WHOLE[:5], "damaged or cut"),
        (WHOLE[:-6] + b"abcdef", "damaged or cut"),
        (b"<html>not found</html>", "starts with 3c 68 74 6d.*not mixed up"),
        (gzip.compress(idx(np.zeros(60, np.uint8)), mtime=0), "starts with 00 00 08 01, where an IDX file of images"),
        (gzip.compress(b"\x00\x00\x08\x03\x00\x00", mtime=0), "within its header"),
        (gzip.compress(idx(np.zeros((60, 5, 4), np.uint8))[:-1], mtime=0), "cut off after 1199 of 1200 values"),
        (gzip.compress(idx(np.zeros((60, 5, 4), np.uint8)) + b"x", mtime=0), "longer than the 1200 values"),
        (idx(np.zeros((60, 5, 0), np.uint8)), "holds nothing"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "cut off; its header promises"),
        (gzip.compress(idx(np.zeros((59, 5, 4), np.uint8)), mtime=0), "60 labels for the 59 pictures"),
    ],
)
def test_bad_image_files_are_refused_by_name(
    write_idx: WriteIdx, tmp_path: Path, content: bytes | None, message: str
) -> None:
    write_idx(tmp_path, TRAIN, TEST)
    if content is None:
        (tmp_path / NAME).unlink()
    else:
        (tmp_path / NAME).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_idx_folder("small", tmp_path, None)
    assert "train-" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
def test_every_missing_file_is_named(write_idx: WriteIdx, tmp_path: Path, name: str) -> None:
    write_idx(tmp_path, TRAIN, TEST, packed=False)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"{name}.*missing"):
        load_idx_folder("small", tmp_path, None)


def test_a_class_that_only_the_test_has_is_refused(write_idx: WriteIdx, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="test split has classes that train lacks: 7"):
        load_idx_folder("small", write_idx(tmp_path, TRAIN, [0, 7]), None)


def test_a_test_of_another_size_is_refused(write_idx: WriteIdx, tmp_path: Path) -> None:
    write_idx(tmp_path, TRAIN, TEST, size=(6, 6))
    write_idx(tmp_path, TRAIN)
    with pytest.raises(DataError, match="4x5 in train, but 6x6 in test"):
        load_idx_folder("small", tmp_path, None)


def test_a_framing_of_another_shape_is_refused_with_both_shapes(write_idx: WriteIdx, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4x5 grey, but 28x28 grey"):
        load_idx_folder("small", write_idx(tmp_path, TRAIN), Framing("ink", 28, 28, 1))


def test_a_framing_of_the_same_shape_is_kept(write_idx: WriteIdx, tmp_path: Path) -> None:
    framing = Framing("ink", 5, 4, 1)
    data = load_idx_folder("small", write_idx(tmp_path, TRAIN), framing)
    assert data.framing == framing
    assert data.notices == ()


@pytest.mark.real_data
class TestRealMnist:
    def test_unpacked_content_is_the_known_one(self, real_data: Callable[[str], Path]) -> None:
        known = {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        }
        folder = real_data("mnist")
        for name, sha256 in known.items():
            path = locate(folder, name)
            assert path is not None
            with open_unpacked(path) as file:
                assert hashlib.sha256(file.read()).hexdigest() == sha256
            array = read_idx(path, 3 if "images" in name else 1)
            assert hashlib.sha256(idx(array)).hexdigest() == sha256

    def test_picture_seven_of_train_is_raw_picture_5007(self, real_data: Callable[[str], Path]) -> None:
        folder = real_data("mnist")
        data = load_idx_folder("mnist", folder, None)
        raw = {kind: locate(folder, f"train-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")}
        assert raw["images-idx3"]
        assert raw["labels-idx1"]
        assert np.array_equal(data["train"].images[7, ..., 0], read_idx(raw["images-idx3"], 3)[5007])
        assert data["train"].labels[7] == read_idx(raw["labels-idx1"], 1)[5007]
        assert [len(split) for split in data.splits.values()] == [55_000, 5_000, 10_000]
        assert data.framing == Framing("ink", 28, 28, 1)

    def test_splits_are_views_not_copies(self, real_data: Callable[[str], Path]) -> None:
        data = load_idx_folder("mnist", real_data("mnist"), None)
        assert data["train"].images.base is not None
        assert data["validation"].images.base is data["train"].images.base


def test_other_types_than_unsigned_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "floats"
    path.write_bytes(b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00\x00")
    with pytest.raises(DataError, match="00 00 0d 01"):
        read_idx(path, 1)
