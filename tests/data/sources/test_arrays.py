from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewise.data.dataset import SplitRule
from imagewise.data.loading import load_data
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

Save = Callable[..., Path]
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 6, 5), dtype=np.uint8)
LABELS = np.arange(40) % 4


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(**arrays: Any) -> Path:
        np.savez_compressed(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return write


def test_images_and_labels_are_split_by_content(save: Save) -> None:
    data = load_data(save(images=PIXELS, labels=LABELS))
    assert data.name == "own"
    assert data.class_names == ("0", "1", "2", "3")
    assert data.split_rule == SplitRule.CONTENT
    assert data.framing == Framing("photo", 6, 5, 1)
    assert "using photo framing, 5x6 grey, based on 40 of the pictures" in data.notices[0]
    assert sorted(map(bytes, data["all"].images)) == sorted(map(bytes, PIXELS))


def test_train_and_test_are_kept_and_validation_is_made(save: Save) -> None:
    data = load_data(save(x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:5], y_test=LABELS[:5]))
    assert data.split_rule == SplitRule.VALIDATION_BY_CONTENT
    assert np.array_equal(data["test"].images[..., 0], PIXELS[:5])
    assert len(data["train"]) + len(data["validation"]) == 40


@pytest.mark.parametrize("name", ["val", "validation"])
def test_a_validation_of_its_own_is_kept(save: Save, name: str) -> None:
    path = save(**{"x_train": PIXELS, "y_train": LABELS, f"x_{name}": PIXELS[:4], f"y_{name}": LABELS[:4]})
    assert len(load_data(path)["validation"]) == 4


@pytest.mark.parametrize("shape", [(40, 6, 5), (40, 6, 5, 1)])
def test_grey_pictures_may_have_a_channel_or_not(save: Save, shape: tuple[int, ...]) -> None:
    assert load_data(save(images=PIXELS.reshape(shape), labels=LABELS)).shape == (6, 5, 1)


def test_colour_pictures_keep_their_channels(save: Save) -> None:
    colour = np.repeat(PIXELS[..., None], 3, axis=3)
    assert load_data(save(images=colour, labels=LABELS)).framing == Framing("photo", 6, 5, 3)


@pytest.mark.parametrize(
    "images",
    [PIXELS.astype(np.int64), PIXELS.astype(np.float32), PIXELS / 255, (PIXELS / 255).astype(np.float32)],
    ids=["wide integers", "floats to 255", "floats to 1", "short floats to 1"],
)
def test_other_types_become_the_same_bytes(save: Save, images: Any) -> None:
    data = load_data(save(x_train=images, y_train=LABELS, x_test=images[:9], y_test=LABELS[:9]))
    assert np.array_equal(data["test"].images[..., 0], PIXELS[:9])


def test_a_dark_test_split_is_scaled_as_train_is(save: Save) -> None:
    data = load_data(save(x_train=PIXELS.astype(float), y_train=LABELS, x_test=np.ones((4, 6, 5)), y_test=LABELS[:4]))
    assert data["test"].images.max() == 1


def test_labels_may_be_names(save: Save) -> None:
    names = np.array(["cat", "dog", "bee", "ant"])
    data = load_data(save(images=PIXELS, labels=names[LABELS]))
    assert data.class_names == ("ant", "bee", "cat", "dog")
    with_order = load_data(save(images=PIXELS, labels=names[LABELS], class_names=names))
    assert with_order.class_names == ("cat", "dog", "bee", "ant")
    as_bytes = load_data(save(images=PIXELS, labels=names[LABELS].astype("S"), class_names=names.astype("S")))
    assert as_bytes.fingerprint == with_order.fingerprint
    by_index = load_data(save(images=PIXELS, labels=LABELS, class_names=names))
    assert by_index.fingerprint == with_order.fingerprint


def test_integers_without_names_are_names(save: Save) -> None:
    assert load_data(save(images=PIXELS, labels=LABELS * 10 + 5)).class_names == ("5", "15", "25", "35")


def test_labels_in_a_column_are_taken(save: Save) -> None:
    """As Keras keeps those of CIFAR-10."""
    assert len(load_data(save(images=PIXELS, labels=LABELS[:, None]))["all"]) == 40


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("{}_images", "{}_labels"),  # MedMNIST
        ("x_{}", "y_{}"),
        ("X_{}", "y_{}"),
        ("X_{}", "Y_{}"),
    ],
)
@pytest.mark.parametrize("size", [(6, 5), (6, 5, 3)])
def test_three_splits_by_the_names_that_people_use(save: Save, images: str, labels: str, size: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, *size), dtype=np.uint8)
    arrays: dict[str, Any] = {}
    for split, first in (("train", 0), ("val", 24), ("test", 32)):
        part = slice(first, {0: 24, 24: 32, 32: 40}[first])
        arrays |= {images.format(split): pixels[part], labels.format(split): LABELS[part, None].astype(np.uint8)}
    data = load_data(save(**arrays))
    assert data.split_rule == SplitRule.GIVEN
    assert [len(split) for split in data.splits.values()] == [24, 8, 8]
    assert np.array_equal(data["validation"].images, pixels[24:32].reshape(8, 6, 5, -1))
    assert data["validation"].labels.tolist() == LABELS[24:32].tolist()


@pytest.mark.parametrize("side", [6, 28, 32])
def test_rows_of_a_squares_pixels_are_pictures(save: Save, side: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, side * side), dtype=np.uint8)
    data = load_data(save(images=pixels, labels=LABELS))
    assert data.shape == (side, side, 1)
    assert sorted(map(bytes, data["all"].images)) == sorted(map(bytes, pixels))


SEVERAL = np.random.default_rng(2).integers(0, 2, (40, 14))


@pytest.mark.parametrize(
    "labels",
    [SEVERAL, SEVERAL.astype(np.uint8), SEVERAL.astype(bool), SEVERAL.astype(float), np.zeros((40, 3), np.uint8)],
    ids=["wide", "bytes", "bool", "float", "none at all"],
)
@pytest.mark.parametrize("keys", [("train_images", "train_labels"), ("x_train", "y_train"), ("images", "labels")])
def test_several_labels_a_picture_are_refused_as_such(save: Save, labels: Any, keys: tuple[str, str]) -> None:
    with pytest.raises(DataError, match=rf"{keys[1]} gives each picture {labels.shape[1]} labels.*multi-label set"):
        load_data(save(**{keys[0]: PIXELS, keys[1]: labels}))


TRAIN = {"x_train": PIXELS, "y_train": LABELS}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PIXELS, "y": LABELS}, r"holds x, y\. Wanted: x_train"),
        ({}, "holds nothing"),
        ({"x_test": PIXELS, "y_test": LABELS}, r"holds x_test, y_test\. Wanted"),
        ({"images": PIXELS}, "holds images without its partner"),
        (TRAIN | {"y_test": LABELS}, "holds y_test without its partner"),
        (TRAIN | {"images": PIXELS, "labels": LABELS}, "holds both x_train and images"),
        ({"images": PIXELS, "labels": LABELS[:-1]}, "39 labels in labels for 40 pictures in images"),
        ({"images": PIXELS.reshape(40, 30), "labels": LABELS}, r"shape \(40, 30\)"),
        ({"images": PIXELS[:0], "labels": LABELS[:0]}, r"shape \(0, 6, 5, 1\)"),
        ({"images": np.zeros((40, 3, 6, 5), np.uint8), "labels": LABELS}, r"transpose\(0, 2, 3, 1\)"),
        ({"images": np.zeros((40, 9, 9, 9), np.uint8), "labels": LABELS}, "one slice of each volume"),
        ({"train_images": PIXELS}, "holds train_images without its partner"),
        (TRAIN | {"train_images": PIXELS, "train_labels": LABELS}, "holds both x_train and train_images"),
        ({"X_train": PIXELS}, "holds x_train without its partner"),
        ({"images": PIXELS + 300.0, "labels": LABELS}, "values from 300 to 555"),
        ({"images": PIXELS - 1.0, "labels": LABELS}, "values from -1 to 254"),
        ({"images": np.full((40, 6, 5), np.nan), "labels": LABELS}, "values from nan to nan"),
        ({"images": PIXELS.astype(np.int32) * 2, "labels": LABELS}, "to 510"),
        ({"images": PIXELS > 100, "labels": LABELS}, "pictures are bool"),
        (TRAIN | {"x_test": PIXELS / 255, "y_test": LABELS}, "Save all of them as uint8"),
        (TRAIN | {"x_test": PIXELS[:, 1:], "y_test": LABELS}, "differ in the size"),
        ({"images": PIXELS, "labels": LABELS / 2}, "labels is float64"),
        ({"images": PIXELS, "labels": np.eye(4, dtype=int)[LABELS]}, r"labels\.argmax\(1\)"),
        (TRAIN | {"x_test": PIXELS, "y_test": LABELS + 1}, "train lacks: '4'"),
        (TRAIN | {"x_test": PIXELS, "y_test": LABELS.astype(str)}, "strings in one split and integers in another"),
        ({"images": PIXELS, "labels": LABELS, "class_names": ["a", "b"]}, "from 0 to 3, but there are 2 class_names"),
        ({"images": PIXELS, "labels": LABELS - 1, "class_names": list("abcd")}, "from -1 to 2"),
        ({"images": PIXELS, "labels": LABELS.astype(str), "class_names": ["0"]}, "class_names lacks: '1', '2', '3'"),
        ({"images": PIXELS, "labels": LABELS, "class_names": list("aacd")}, "two classes have the same name"),
    ],
)
def test_bad_arrays_are_refused(save: Save, arrays: dict[str, Any], message: str) -> None:
    path = save(**arrays)
    with pytest.raises(DataError, match=message) as caught:
        load_data(path)
    assert "own" in str(caught.value)


class Trap:
    """Unpickling this would raise an error that is not ours."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('code from a data file was run')",))


@pytest.mark.parametrize("key", ["images", "labels", "class_names"])
def test_pickles_are_never_loaded(save: Save, key: str) -> None:
    arrays = {"images": PIXELS, "labels": LABELS} | {key: np.array([Trap()] * 40, dtype=object)}
    with pytest.raises(DataError, match=r"pickles\), which could run code and are never loaded"):
        load_data(save(**arrays))


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    for content in (b"", b"text", b"\x93NUMPY\x01\x00"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"own\.npz: not an \.npz file"):
            load_data(path)


def test_an_array_of_another_shape_than_the_models_is_refused(save: Save) -> None:
    with pytest.raises(DataError, match="5x6 grey, but 28x28 grey"):
        load_data(save(images=PIXELS, labels=LABELS), framing=Framing("ink", 28, 28, 1))


def whole() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, images=PIXELS[:8], labels=LABELS[:8])
    return file.getvalue()


WHOLE = whole()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(WHOLE) - 1), flip=st.integers(1, 255), cut=st.booleans())
def test_damaged_archives_give_a_data_error_or_what_was_saved(tmp_path: Path, place: int, flip: int, cut: bool) -> None:
    content = bytearray(WHOLE[:place] if cut else WHOLE)
    if not cut:
        content[place] ^= flip
    (tmp_path / "own.npz").write_bytes(content)
    try:
        data = load_data(tmp_path / "own.npz")
    except DataError:
        return
    assert sorted(map(bytes, data["all"].images)) == sorted(map(bytes, PIXELS[:8]))
