"""What a notebook and a prompt show of a result: short, escaped, whole; and results can be copied and sent."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imagewise
from contract import a_network, random_images, random_weights, write_model
from engine_runs import a_plan
from imagewise.data.dataset import Dataset
from imagewise.model.model import Model
from imagewise.networks.layers import Dense, Flatten
from imagewise.training.run import TrainingCallbacks, execute

NASTY = "<script>alert('1')</script>\"&"
NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))


@pytest.fixture
def results(tiny_dataset: Dataset, tmp_path: Path) -> dict[str, Any]:
    """One of each result, with names that are markup."""
    data = replace(tiny_dataset, name=NASTY, class_names=(NASTY, "b", "c"), notices=(NASTY,), skipped=((NASTY, NASTY),))
    run = execute(a_plan(data, tmp_path / "a run & <more>"), TrainingCallbacks())
    return {
        "Run": run,
        "Model": run.model,
        "Dataset": data,
        "Evaluation": run.scored,
        "Prediction": run.model.predict(data["test"].images[0]),
    }


class Balanced(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", ["Run", "Model", "Dataset", "Evaluation", "Prediction"])
def test_a_notebook_shows_a_result_escaped_and_without_asking_the_network(results: dict[str, Any], kind: str) -> None:
    shown = results[kind]._repr_html_()
    page = Balanced(shown)
    assert "script" not in page.tags
    assert len(shown) < 20_000
    assert all(address.startswith("data:image/png") for address in page.addresses)


def test_a_run_in_a_notebook_links_its_report(results: dict[str, Any]) -> None:
    run = results["Run"]
    (run.folder / "report.html").touch()
    (address,) = Balanced(run._repr_html_()).addresses
    assert address.endswith("/a%20run%20%26%20%3Cmore%3E/report.html")
    assert "<svg" in run._repr_html_()


@pytest.mark.parametrize("kind", ["Run", "Model", "Dataset", "Evaluation", "Prediction"])
def test_a_prompt_shows_a_result_in_a_line(results: dict[str, Any], kind: str) -> None:
    shown = repr(results[kind])
    assert shown.startswith(f"{kind}(")
    assert len(shown) < 400
    assert "\n" not in shown


def test_a_set_of_many_classes_is_shown_in_part() -> None:
    data = imagewise.load_data("digits", verbose=False)
    many = replace(data, class_names=(*data.class_names, *(f"class {number}" for number in range(100))))
    assert "90 more" in many._repr_html_()
    assert len(many._repr_html_()) < 20_000


def test_the_accuracy_of_a_run_is_that_of_test_else_of_validation_else_of_train(results: dict[str, Any]) -> None:
    run = results["Run"]
    assert run.accuracy == run.test.metrics.accuracy
    other = replace(run, test=None, scored=run.validation)
    assert other.accuracy == run.validation.metrics.accuracy
    assert "validation" in repr(other)


def test_a_summary_is_what_info_prints(results: dict[str, Any]) -> None:
    from command_line import run as run_command

    model = results["Model"]
    printed = run_command("info", model.name).stdout.splitlines()
    lines = model.summary().splitlines()
    assert len(lines) == len(printed)
    assert [line.split()[0] for line in lines] == [line.split()[0] for line in printed]


# ---- copies


def answers(model: Model) -> Any:
    """In this process or another: a function that can be sent there."""
    return model.predict_batch(random_images(NETWORK, 5))


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_model_can_be_copied_even_if_its_file_has_gone(tmp_path: Path, copied: Any) -> None:
    model = imagewise.load_model(write_model(tmp_path / "m.onnx", NETWORK, random_weights(NETWORK)))
    Path(model.name).unlink()
    other = copied(model)
    assert (other.card, other.name) == (model.card, model.name)
    assert np.array_equal(answers(other), answers(model))


def test_a_model_can_be_sent_to_another_process(tmp_path: Path) -> None:
    model = imagewise.load_model(write_model(tmp_path / "m.onnx", NETWORK, random_weights(NETWORK)))
    images = random_images(NETWORK, 5)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert np.array_equal(pool.apply(model.predict_batch, (images,)), model.predict_batch(images))


@pytest.mark.parametrize("kind", ["Run", "Dataset", "Evaluation", "Prediction"])
def test_other_results_can_be_sent_too(results: dict[str, Any], kind: str) -> None:
    again = pickle.loads(pickle.dumps(results[kind]))
    assert repr(again) == repr(results[kind])
    assert repr(copy.deepcopy(results[kind])) == repr(results[kind])


# ---- what there is


def test_recipes_and_data_sets_are_listed() -> None:
    recipes = imagewise.recipes()
    assert {"perceptron", "photo", "good"} <= recipes.keys()
    assert all(imagewise.load_recipe(name).name == name for name in recipes)
    assert {"mnist", "digits"} <= {each.name for each in imagewise.data_sets()}
    assert {"efficientnet_lite0", "resnet50"} <= {each.name for each in imagewise.pretrained_backbones()}


def test_a_data_set_has_a_length_and_its_splits_are_sequences(tiny_dataset: Dataset) -> None:
    assert len(tiny_dataset) == 165
    train = tiny_dataset["train"]
    image, label = train[3]
    assert np.array_equal(image, train.images[3])
    assert label == train.labels[3]
    assert [sample.label for sample in train] == train.labels.tolist()
    assert len(train[:10]) == 10
    with pytest.raises(imagewise.ImagewiseError, match="no split 0"):
        tiny_dataset[0]  # type: ignore[index]
