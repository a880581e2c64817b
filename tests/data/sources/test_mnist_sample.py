"""The sample of MNIST that ships: which pictures it holds, its licence, and the models trained on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.mnist_sample import A_CLASS, LARGEST, first_of_each, packed, sample

import imagewise
from command_line import run
from imagewise.data.catalog import named_set
from imagewise.data.dataset import Dataset, Split
from imagewise.data.loading import load_data
from imagewise.data.named_sets import verify
from imagewise.data.sources import mnist_sample as source
from imagewise.errors import DataError
from imagewise.framing.framing import Framing
from imagewise.model.card import ModelCard

FIRST_EDITION = Path(__file__).parents[2] / "fixtures" / "first_edition"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_data("mnist-sample")


def test_it_holds_as_many_pictures_of_each_class_as_it_says(data: Dataset) -> None:
    assert {name: set(data.counts(name).tolist()) for name in data.splits} == {
        name: {count} for name, count in A_CLASS.items()
    }
    assert data.framing == Framing("ink", 28, 28, 1)
    assert data.class_names == tuple("0123456789")
    assert data.split_rule.value == "given"
    assert data.notices == ()


def test_no_picture_is_in_two_splits(data: Dataset) -> None:
    seen = [{image.tobytes() for image in split.images} for split in data.splits.values()]
    assert len(set.union(*seen)) == sum(map(len, seen))


def test_the_file_is_small_and_is_the_one_of_the_catalog() -> None:
    assert source.sample_file().stat().st_size <= LARGEST
    (check,) = verify("mnist-sample")
    assert (check.file, check.ok) == ("mnist-sample.npz", True)


@pytest.mark.real_data
def test_the_pictures_are_the_first_of_each_class_in_the_splits_of_mnist(
    real_data: Callable[[str], Path], data: Dataset
) -> None:
    real_data("mnist")
    mnist = load_data("mnist")
    for name, count in A_CLASS.items():
        for label in range(10):
            wanted = mnist[name].images[mnist[name].labels == label][:count]
            assert np.array_equal(data[name].images[data[name].labels == label], wanted)


def test_the_same_pictures_make_the_same_file_each_time() -> None:
    labels = np.arange(60, dtype=np.int64) % 10
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1), dtype=np.uint8)
    split = Split(images, labels)
    mnist = replace(load_data("mnist-sample"), splits={"train": split, "validation": split, "test": split})
    digests = {hashlib.sha256(packed(sample(mnist))).hexdigest() for _ in range(3)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("labels", "count", "wanted"),
    [([1, 0, 1, 0], 1, [0, 1]), ([0, 0, 0, 1, 1], 2, [0, 1, 3, 4]), ([2, 2], 5, [0, 1])],
)
def test_the_first_of_each_class_keep_the_order_of_the_file(labels: list[int], count: int, wanted: list[int]) -> None:
    assert first_of_each(np.array(labels), count).tolist() == wanted


def test_its_authors_and_licence_are_beside_it() -> None:
    text = source.sample_file().with_name("mnist-sample-attribution.txt").read_text()
    assert all(word in text for word in ("LeCun", "Cortes", "CC BY-SA 3.0", "creativecommons.org/licenses/by-sa/3.0"))


@pytest.mark.parametrize("name", ["mnist-sample", "digits"])
def test_a_model_carries_licence_and_attribution_of_the_pictures_it_was_trained_on(name: str, tmp_path: Path) -> None:
    trained = imagewise.train(name, recipe="perceptron", engine="numpy", epochs=1, out=tmp_path / "run", report=False)
    entry = named_set(name)
    card = imagewise.load_model(trained.folder / "model.onnx").card
    assert (card.data.licence, card.data.attribution) == (entry.licence, entry.citation)
    printed = run("info", trained.folder / "model.onnx").stdout
    assert entry.licence in printed
    assert entry.citation in printed


def test_a_model_of_own_pictures_claims_no_licence(tiny_dataset: Dataset, tmp_path: Path) -> None:
    trained = imagewise.train(
        tiny_dataset, recipe="perceptron", engine="numpy", epochs=1, out=tmp_path / "run", report=False
    )
    assert trained.model.card.data.licence is None
    assert "licence" not in run("info", trained.folder / "model.onnx").stdout


def test_cards_without_licence_still_open() -> None:
    card = ModelCard.of(
        {"class_names": ["a", "b"], "framing": Framing("ink", 28, 28, 1).as_dict(), "data": {"name": "x"}}
    )
    assert (card.data.licence, card.data.attribution) == (None, None)
    old = next(FIRST_EDITION.rglob("*.onnx"))
    assert imagewise.load_model(old).card.data.licence is None


def test_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="28x28 grey, but 64x64 colour"):
        load_data("mnist-sample", framing=Framing("photo", 64, 64, 3))


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda _: b"", None], ids=["cut", "empty", "gone"])
def test_a_damaged_installation_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes] | None
) -> None:
    damaged = tmp_path / "mnist-sample.npz"
    if damage is not None:
        damaged.write_bytes(damage(source.sample_file().read_bytes()))
    monkeypatch.setattr(source, "sample_file", lambda: damaged)
    with pytest.raises(DataError, match=r"mnist-sample\.npz.*Install imagewise again"):
        load_data("mnist-sample")
