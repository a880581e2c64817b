from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imagewise.dataset import Dataset
from imagewise.errors import DataError
from imagewise.picture import Framing, frame
from imagewise.sources import load_data
from imagewise.sources.bundled import read_digits


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits")


def test_the_digits_are_those_that_scikit_learn_gives() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    reference = datasets.load_digits()
    levels, labels = read_digits()
    assert np.array_equal(levels, reference.images)
    assert np.array_equal(labels, reference.target)


def test_digits_have_the_shape_and_the_look_of_mnist(digits: Dataset) -> None:
    assert digits.framing == Framing("ink", 28, 28, 1)
    assert digits.class_names == tuple("0123456789")
    assert sum(map(len, digits.splits.values())) == 1797
    images = digits["all"].images
    assert not images[:, :2].any()
    assert 20 < images.mean() < 60
    assert (images.reshape(len(images), -1).max(axis=1) > 150).all()


def test_a_file_of_a_digit_frames_to_the_digit(digits: Dataset) -> None:
    for image in digits["all"].images[::10]:
        assert np.array_equal(frame(Image.fromarray(image[..., 0]), digits.framing), image)


def test_digits_are_still_told_apart_after_framing(digits: Dataset) -> None:
    train, test = digits["train"], digits["test"]
    known = train.images.reshape(len(train), -1).astype(np.float32)
    asked = test.images.reshape(len(test), -1).astype(np.float32)
    distance = (known**2).sum(1) - 2 * asked @ known.T
    nearest = train.labels[distance.argmin(axis=1)]
    assert (nearest == test.labels).mean() > 0.95


def test_every_class_is_in_every_split(digits: Dataset) -> None:
    assert min(digits.counts(name).min() for name in digits.splits) >= 1


def test_digits_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match="28x28x1, but 64x64x3"):
        load_data("digits", framing=Framing("photo", 64, 64, 3))


def test_a_missing_scikit_learn_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DataError, match="pip install scikit-learn"):
        read_digits()
