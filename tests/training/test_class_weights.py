from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from typer.testing import CliRunner

import imagewise
from engine_runs import LINEAR, fit
from imagewise.cli.app import app
from imagewise.data.dataset import Dataset, Split
from imagewise.errors import RecipeError
from imagewise.training.class_weights import balanced, class_weights
from imagewise.training.engines.registry import open_engine
from imagewise.training.recipe import Recipe


def resolved(choice: Any, dataset: Dataset, **changes: Any) -> Any:
    return class_weights(Recipe.parse(LINEAR | {"class_weights": choice} | changes, "test"), dataset)


def rare_tops(dataset: Dataset) -> Dataset:
    """30 of bottom, 30 of middle and 2 of top to learn from."""
    train = dataset["train"]
    kept = np.concatenate([np.flatnonzero(train.labels == label)[:count] for label, count in enumerate((30, 30, 2))])
    return replace(dataset, splits=dict(dataset.splits) | {"train": train.take(kept)})


@given(st.lists(st.integers(0, 500), min_size=1, max_size=9).filter(any))
def test_auto_is_what_scikit_learn_calls_balanced(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    present = np.unique(labels)
    found = balanced(np.array(counts))
    wanted = compute_class_weight("balanced", classes=present, y=labels)
    np.testing.assert_allclose(found[present], wanted, rtol=1e-6)
    assert (np.delete(found, present) == 1).all()


def test_auto_counts_what_training_learns_from(tiny_dataset: Dataset) -> None:
    data = rare_tops(tiny_dataset)
    np.testing.assert_allclose(resolved("auto", data), 62 / (3 * np.array([30, 30, 2])), rtol=1e-6)
    both = resolved("auto", data, fit_on="train+validation", keep="last")
    np.testing.assert_allclose(both, 92 / (3 * np.array([40, 40, 12])), rtol=1e-6)


def test_none_is_none_and_a_class_that_is_not_named_weighs_1(tiny_dataset: Dataset) -> None:
    assert resolved("none", tiny_dataset) is None
    assert resolved({"top": 2.5}, tiny_dataset).tolist() == [1, 1, 2.5]


def test_a_class_that_there_is_not_is_refused_with_the_classes_that_there_are(tiny_dataset: Dataset) -> None:
    with pytest.raises(RecipeError, match=r"class_weights.*'topp'.*bottom, middle, top.*'top'"):
        resolved({"topp": 2}, tiny_dataset)


def test_auto_makes_a_rare_class_found_more_often(tiny_dataset: Dataset) -> None:
    """The same network after the same steps: recall of the rare class rises."""
    data = rare_tops(tiny_dataset)
    recall = {}
    for choice in ("none", "auto"):
        _, fitted = fit(open_engine("pytorch", "cpu"), LINEAR | {"class_weights": choice, "epochs": 8}, data)
        tops = Split(*(part[data["test"].labels == 2] for part in (data["test"].images, data["test"].labels)))
        pixels = tops.images.reshape(len(tops), -1) / 255
        logits = pixels @ fitted.weights["1.weight"].T + fitted.weights["1.bias"]
        recall[choice] = (logits.argmax(1) == 2).mean()
    assert recall["auto"] > recall["none"]


def test_equal_weights_change_nothing_but_rounding(tiny_dataset: Dataset) -> None:
    runs = [
        fit(open_engine("pytorch", "cpu"), LINEAR | {"class_weights": choice, "keep": "last"}, tiny_dataset)[1]
        for choice in ("none", {"bottom": 7, "middle": 7, "top": 7})
    ]
    for name, weight in runs[0].weights.items():
        np.testing.assert_allclose(runs[1].weights[name], weight, atol=1e-5)


def test_the_command_line_takes_a_word_or_names_and_the_run_tells_the_weights(tmp_path: Path) -> None:
    few = ["train", "digits", "--epochs", "1", "--no-report", "--out"]
    named = CliRunner().invoke(app, [*few, str(tmp_path / "named"), "--set", "class_weights.3=2"])
    assert named.exit_code == 0, named.stderr
    assert "weights as set: 0 1, 1 1, 2 1, 3 2, 4 1, 5 1, 6 1, 7 1, 8 1, 9 1" in named.stderr
    auto = CliRunner().invoke(app, [*few, str(tmp_path / "auto"), "--set", "class_weights=auto"])
    assert "weights auto: 0 1.02, 1 " in auto.stderr
    record = json.loads((tmp_path / "auto" / "run.json").read_text("utf-8"))
    assert record["recipe"]["class_weights"] == "auto"
    counts = imagewise.load_data("digits").counts("train")
    np.testing.assert_allclose(list(record["class_weights"].values()), 1437 / (10 * counts), rtol=1e-6)


def test_a_misspelt_class_is_exit_2_before_a_folder_is_made(tmp_path: Path) -> None:
    command = ["train", "digits", "--out", str(tmp_path / "run"), "--set", "class_weights.three=2"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "class_weights" in result.stderr
    assert "'three'" in result.stderr
    assert not (tmp_path / "run").exists()
