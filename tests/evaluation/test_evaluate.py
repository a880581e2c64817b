"""Scoring: labels by name, which split is taken, and what the reader is told of pictures that were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from contract import write_model
from fake_engine import nearest_mean
from imagewise.data.dataset import Dataset, Split, SplitName, SplitRule
from imagewise.data.sketch import sketch
from imagewise.errors import DataError, ModelError
from imagewise.evaluation.evaluate import evaluate
from imagewise.model.model import Model
from imagewise.networks.layers import Dense, Flatten
from imagewise.networks.network import Network


@pytest.fixture
def model(tiny_dataset: Dataset, tmp_path: Path) -> Model:
    """Trained on the train split of the tiny set."""
    network = Network(tiny_dataset.shape, (0.0,), (1.0,), (Flatten(), Dense(3)))
    train = tiny_dataset["train"]
    data = {"name": "tiny", "fingerprint": "", "split_rule": SplitRule.CONTENT.sentence, "sketch": sketch(train.images)}
    names = tiny_dataset.class_names
    path = write_model(tmp_path / "m.onnx", network, nearest_mean(network, train), class_names=names, data=data)
    return Model.open(path)


def renamed(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The same pictures with their classes in another order of numbers: the names stay with the pictures."""
    places = np.array([names.index(name) for name in dataset.class_names])
    splits = {
        name: replace(split, labels=places[split.labels].astype(np.int64)) for name, split in dataset.splits.items()
    }
    return replace(dataset, class_names=tuple(names), splits=splits)


def only(dataset: Dataset, *splits: SplitName, **changes: Any) -> Dataset:
    return replace(dataset, splits={name: dataset[name] for name in splits}, **changes)


def test_the_numbers_are_scikit_learns(model: Model, tiny_dataset: Dataset) -> None:
    found = evaluate(model, tiny_dataset, split="test")
    test = tiny_dataset["test"]
    predicted = model.predict_batch(test.images).argmax(1)
    assert found.metrics.accuracy == pytest.approx(accuracy_score(test.labels, predicted))
    assert np.array_equal(found.metrics.confusion, confusion_matrix(test.labels, predicted))
    wanted = precision_recall_fscore_support(test.labels, predicted)
    for number, name in enumerate(tiny_dataset.class_names):
        each = found.metrics.classes[name]
        assert [each.precision, each.recall, each.f1, each.count] == pytest.approx([part[number] for part in wanted])
    assert found.metrics.accuracy > 0.5
    assert found.as_dict()["split"] == "test"
    assert found.as_dict()["data"] == "tiny"
    assert found.as_dict()["model"] == model.name


@pytest.mark.parametrize("names", [["top", "bottom", "middle"], ["a", "middle", "b", "top", "bottom"]])
def test_labels_are_matched_by_name_whatever_their_order(model: Model, tiny_dataset: Dataset, names: list[str]) -> None:
    wanted = evaluate(model, tiny_dataset, split="test").metrics
    found = evaluate(model, renamed(tiny_dataset, names), split="test").metrics
    assert found.as_dict() == wanted.as_dict()
    assert np.array_equal(found.confusion, wanted.confusion)


def test_a_set_with_fewer_classes_is_scored_on_those(model: Model, tiny_dataset: Dataset) -> None:
    test = tiny_dataset["test"]
    tops = Split(test.images[test.labels == 2], np.zeros(15, dtype=np.int64))
    found = evaluate(model, replace(tiny_dataset, class_names=("top",), splits={"test": tops})).metrics
    assert found.count == 15
    assert found.classes["top"].count == 15
    assert found.classes["bottom"].count == 0
    assert found.accuracy == found.classes["top"].recall == evaluate(
        model, tiny_dataset, split="test"
    ).metrics.classes["top"].recall  # fmt: skip


def test_a_class_that_the_model_does_not_know_is_refused_and_named(model: Model, tiny_dataset: Dataset) -> None:
    other = replace(tiny_dataset, class_names=("bottom", "sideways", "upwards"))
    with pytest.raises(
        DataError, match=r"classes that .* does not know: sideways, upwards.*It knows bottom, middle, top"
    ):
        evaluate(model, other)


def test_an_unknown_class_without_a_picture_in_the_split_does_no_harm(model: Model, tiny_dataset: Dataset) -> None:
    other = replace(tiny_dataset, class_names=(*tiny_dataset.class_names, "sideways"))
    assert evaluate(model, other, split="test").metrics.count == 45


def test_pictures_of_another_shape_are_refused(model: Model, tiny_dataset: Dataset) -> None:
    framing = replace(tiny_dataset.framing, channels=3)
    split = Split(np.zeros((2, 12, 10, 3), dtype=np.uint8), np.array([0, 1]))
    with pytest.raises(DataError, match=r"10x12 colour.*10x12 grey"):
        evaluate(model, replace(tiny_dataset, framing=framing, splits={"test": split}))


def test_a_model_file_or_data_that_cannot_be_read_is_refused(
    model: Model, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        evaluate(tmp_path / "gone.onnx", tiny_dataset)
    with pytest.raises(DataError, match="no such file"):
        evaluate(model, tmp_path / "gone")
    with pytest.raises(DataError, match="has no split 'validation'; it has train, test"):
        evaluate(model, only(tiny_dataset, "train", "test"), split="validation")


# ---- which split


@pytest.mark.parametrize(("split", "count"), [("train", 90), ("validation", 30), ("test", 45), ("all", 165)])
def test_a_split_that_is_named_is_taken(
    model: Model, tiny_dataset: Dataset, split: Literal["train", "validation", "test", "all"], count: int
) -> None:
    found = evaluate(model, tiny_dataset, split=split)
    assert (found.split, found.metrics.count, len(found.pictures), len(found.probabilities)) == (split, *[count] * 3)


def test_auto_takes_test_of_the_set_that_the_model_was_trained_on(model: Model, tiny_dataset: Dataset) -> None:
    assert evaluate(model, tiny_dataset).split == "test"


def test_auto_takes_test_of_a_set_that_has_splits_of_its_own(model: Model, tiny_dataset: Dataset) -> None:
    assert evaluate(model, unseen(tiny_dataset, split_rule=SplitRule.GIVEN)).split == "test"


def test_auto_takes_all_of_a_new_set_that_was_only_split_by_content(model: Model, tiny_dataset: Dataset) -> None:
    found = evaluate(model, unseen(tiny_dataset))
    assert (found.split, found.metrics.count) == ("all", 165)


def test_auto_takes_all_where_there_is_no_test_split(model: Model, tiny_dataset: Dataset) -> None:
    found = evaluate(model, only(tiny_dataset, "train", "validation", split_rule=SplitRule.GIVEN))
    assert (found.split, found.metrics.count) == ("all", 120)


def unseen(dataset: Dataset, **changes: Any) -> Dataset:
    """Other pictures of the same classes."""
    splits = {name: replace(split, images=split.images ^ np.uint8(1)) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits, **changes)


# ---- pictures that were trained on


@pytest.mark.parametrize(("split", "share"), [("train", "100%"), ("all", "55%")])
def test_the_reader_is_told_of_pictures_that_the_model_was_trained_on(
    model: Model, tiny_dataset: Dataset, split: Literal["train", "all"], share: str
) -> None:
    (notice,) = evaluate(model, tiny_dataset, split=split).notices
    assert f"trained on about {share} of these pictures" in notice
    assert "--split test" in notice


@pytest.mark.parametrize("split", ["validation", "test"])
def test_nothing_is_said_of_pictures_that_it_has_not_seen(
    model: Model, tiny_dataset: Dataset, split: Literal["validation", "test"]
) -> None:
    assert evaluate(model, tiny_dataset, split=split).notices == ()
    assert evaluate(model, unseen(tiny_dataset), split="all").notices == ()


def test_pictures_are_known_again_in_another_set_under_another_name(model: Model, tiny_dataset: Dataset) -> None:
    ten = tiny_dataset["train"].take(np.arange(10))
    copied = replace(tiny_dataset, name="copied", split_rule=SplitRule.GIVEN, splits={"test": ten})
    (notice,) = evaluate(model, copied).notices
    assert "100%" in notice


def test_the_sets_own_notices_come_first(model: Model, tiny_dataset: Dataset) -> None:
    notices = evaluate(model, tiny_dataset.with_notices("a fallback"), split="train").notices
    assert notices[0] == "a fallback"
    assert len(notices) == 2


def test_files_in_a_folder_are_framed_as_the_model_says(model: Model, tiny_dataset: Dataset, tmp_path: Path) -> None:
    test = tiny_dataset["test"]
    for number, (image, label) in enumerate(zip(test.images, test.labels, strict=True)):
        path = tmp_path / "pictures" / tiny_dataset.class_names[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    found = evaluate(model, tmp_path / "pictures", split="all")
    assert found.metrics.as_dict() == evaluate(model, tiny_dataset, split="test").metrics.as_dict()
    assert found.pictures.names is not None
