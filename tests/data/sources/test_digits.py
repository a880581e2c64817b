from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from imagewise.data.dataset import Dataset
from imagewise.data.loading import load_data
from imagewise.data.named_sets import verify
from imagewise.data.sources import digits as digits_source
from imagewise.data.sources.digits import read_digits
from imagewise.errors import DataError
from imagewise.framing.framing import Framing, frame


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits")


def test_the_digits_are_those_that_scikit_learn_gives() -> None:
    reference = load_digits()
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
    with pytest.raises(DataError, match="28x28 grey, but 64x64 colour"):
        load_data("digits", framing=Framing("photo", 64, 64, 3))


def test_the_digits_are_bit_for_bit_those_that_models_were_trained_on(digits: Dataset) -> None:
    assert digits.fingerprint == "bcf3bd8d93527a25e48ebf38462589a43fb9978779f02fe800900bfd77f755e1"


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-100], lambda _: gzip.compress(b"1,2,x")], ids=["cut", "x"]
)
def test_a_damaged_installation_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    damaged = tmp_path / "digits.csv.gz"
    damaged.write_bytes(damage(digits_source.digits_file().read_bytes()))
    monkeypatch.setattr(digits_source, "digits_file", lambda: damaged)
    with pytest.raises(DataError, match=r"digits\.csv\.gz.*Install imagewise again"):
        digits_source.read_digits()  # not load_data, of which the tests keep the first answer


def test_the_digits_are_verified_by_their_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (check,) = verify("digits")
    assert (check.file, check.ok) == ("digits.csv.gz", True)
    (tmp_path / "digits.csv.gz").write_bytes(gzip.compress(b"other"))
    monkeypatch.setattr("imagewise.data.named_sets.bundled_folder", lambda: tmp_path)
    (check,) = verify("digits")
    assert not check.ok


def test_the_digits_name_their_authors_and_licence() -> None:
    text = digits_source.digits_file().with_name("digits-attribution.txt").read_text()
    assert all(word in text for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"))
