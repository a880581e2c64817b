"""The order of classes, and one spelling of each letter: 1, 2, 10; `é` is `é` however macOS writes it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import imagewise
from imagewise.data.class_order import in_natural_order, with_classes_as
from imagewise.data.dataset import Dataset
from imagewise.data.loading import load_data
from imagewise.framing.framing import Framing
from imagewise.naming import natural_key
from imagewise.training.run_folder import RunFolder

Draw = Callable[..., Path]
INK = Framing("ink", 8, 8, 1)


def fill(draw: Draw, root: Path, *classes: str, count: int = 3) -> Path:
    for number, name in enumerate(classes):
        for seed in range(count):
            draw(root / name / f"{seed}.png", seed=100 * number + seed, size=(9, 9))
    return root


def by_name(data: Dataset) -> dict[str, str]:
    everything = data["all"]
    assert everything.names is not None
    return {name: data.class_names[label] for name, label in zip(everything.names, everything.labels, strict=True)}


@pytest.mark.parametrize(
    "names",
    [
        ["1", "2", "10"],
        ["class 9", "class 10", "class 100"],
        ["007", "7", "8", "0010"],
        ["a", "a1", "a1b", "a1b2", "a1b10"],
        ["Dog", "cat", "éclair"],
        ["1" * 5000, "2" * 5000],
        ["", "1.5", "10.5"],
    ],
)
def test_numbers_in_names_count_as_numbers(names: list[str]) -> None:
    reverse = names[::-1]
    assert sorted(reverse, key=natural_key) == names


@pytest.mark.parametrize("classes", [["10", "2", "1"], ["class 10", "class 2"], ["b10", "b9", "a"]])
def test_classes_are_in_natural_order_and_labels_follow(tmp_path: Path, draw: Draw, classes: list[str]) -> None:
    data = load_data(fill(draw, tmp_path, *classes), framing=INK)
    assert data.class_names == tuple(sorted(classes, key=natural_key))
    assert all(name.startswith(f"{label}/") for name, label in by_name(data).items())


@pytest.mark.parametrize("name", ["café", "Ünï", "naïve/ñandú"])
def test_two_spellings_of_a_letter_are_one_class(tmp_path: Path, draw: Draw, name: str) -> None:
    last = name.rsplit("/", maxsplit=1)[-1]
    for split, form in (("train", "NFD"), ("test", "NFC")):
        fill(draw, tmp_path / split, unicodedata.normalize(form, last), "other")  # type: ignore[arg-type]
    data = load_data(tmp_path, framing=INK)
    assert set(data.class_names) == {last, "other"}
    assert data.counts("test").tolist() == [3, 3]


def test_two_spellings_beside_each_other_are_one_class(tmp_path: Path, draw: Draw) -> None:
    fill(draw, tmp_path, unicodedata.normalize("NFD", "é"), unicodedata.normalize("NFC", "é"), "b")
    data = load_data(tmp_path, framing=INK)
    assert data.class_names == ("b", "é")
    assert len(data["all"]) == 9


def test_a_model_with_the_other_spelling_is_scored_by_the_letters(tmp_path: Path, draw: Draw) -> None:
    data = load_data(fill(draw, tmp_path, "café", "thé"), framing=Framing("ink", 28, 28, 1))
    older = with_classes_as(data, [unicodedata.normalize("NFD", name) for name in data.class_names])
    assert older is not None
    run = imagewise.train(
        older, recipe="perceptron", engine="numpy", epochs=1, out=tmp_path / "run", report=False,
        settings={"augment.translate": 0},
    )  # fmt: skip
    assert imagewise.evaluate(run.model, data).metrics.count > 0


@pytest.mark.parametrize("names", [("a", "b"), ("1", "2", "3", "4"), ("1", "2", "2")])
def test_other_classes_are_no_order(tmp_path: Path, draw: Draw, names: tuple[str, ...]) -> None:
    data = load_data(fill(draw, tmp_path, "1", "2", "10"), framing=INK)
    assert with_classes_as(data, names) is None


def test_a_run_of_an_earlier_version_resumes_with_its_own_order_of_classes(tmp_path: Path, draw: Draw) -> None:
    data = load_data(fill(draw, tmp_path / "set", "1", "2", "10"), framing=Framing("ink", 28, 28, 1))
    earlier = with_classes_as(data, ["1", "10", "2"])
    assert earlier is not None
    options = {"recipe": "perceptron", "engine": "numpy", "report": False, "settings": {"augment.translate": 0}}
    whole = imagewise.train(earlier, epochs=2, out=tmp_path / "whole", **options)  # type: ignore[arg-type]
    imagewise.train(earlier, epochs=1, out=tmp_path / "parts", **options)  # type: ignore[arg-type]
    folder = RunFolder(tmp_path / "parts")
    record = folder.read_record()
    folder.write_record(record.with_changes(data=record.data.as_dict() | {"source": str(tmp_path / "set")}))
    resumed = imagewise.train(resume=tmp_path / "parts", epochs=2, report=False)
    assert resumed.model.class_names == ("1", "10", "2")
    pictures = np.zeros((1, 28, 28, 1), dtype=np.uint8)
    assert np.array_equal(resumed.model.predict_batch(pictures), whole.model.predict_batch(pictures))


def test_splits_and_pictures_stay_as_they_were(tmp_path: Path, draw: Draw) -> None:
    data = load_data(fill(draw, tmp_path, "1", "2", "10", count=12), framing=INK)
    earlier = with_classes_as(data, ["1", "10", "2"])
    assert earlier is not None
    assert by_name(earlier) == by_name(data)
    for split, content in data.splits.items():
        assert earlier[split].names == content.names
    assert in_natural_order(earlier).fingerprint == data.fingerprint
    assert replace(earlier).fingerprint != data.fingerprint


@pytest.mark.parametrize("names", [["cat"], ["naïve"], ["1"]])
def test_one_class_only_is_said_not_to_be_enough(tmp_path: Path, draw: Draw, names: list[str]) -> None:
    data = load_data(fill(draw, tmp_path, *names))
    assert any("one class only" in notice and names[0] in notice for notice in data.notices)
