"""The report of a run holds the run's own numbers; tests/test_imports.py proves that it imports no framework."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine_runs import a_plan
from imagewise.data.dataset import Dataset
from imagewise.training.recipe import Recipe
from imagewise.training.reports.run_report import report_of_run
from imagewise.training.result import Run
from imagewise.training.run import TrainingCallbacks, execute


@pytest.fixture
def run(tiny_dataset: Dataset, tmp_path: Path) -> Run:
    return execute(a_plan(tiny_dataset, tmp_path / "run"), TrainingCallbacks())


def words_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page[page.index("<body") :])))


def test_the_page_holds_the_numbers_of_the_run(run: Run) -> None:
    page = report_of_run(run)
    words = words_of(page)
    assert run.test is not None
    right, count = run.test.metrics.right, run.test.metrics.count
    for part in (
        f"of {count} test pictures", f"{right} right, {count - right} wrong", run.device, run.recipe.name,
        f"epoch {run.best_epoch}", f"best epoch: {run.best_epoch}", run.recipe.to_toml().split("\n")[0],
        str(run.folder / "model.onnx"), run.model.card.data.name or "?",
    ):  # fmt: skip
        assert part in page.replace("&#34;", '"') or part in words
    assert words.count(" predicted as ") >= min(36, count - right)
    for record in run.history:
        assert f"{record.cost:.4f}" in words
        assert f"{record.validation_cost:.4f}" in words


def test_a_run_knows_how_many_pictures_each_split_has(run: Run) -> None:
    assert run.counts == {"train": 90, "validation": 30, "test": 45}


def test_a_run_scored_on_validation_says_that_its_epoch_was_chosen_there(run: Run) -> None:
    assert run.validation is not None
    by_validation = replace(run, test=None, scored=run.validation)
    last = replace(by_validation, recipe=run.recipe.override({"keep": "last"}))
    assert report_of_run(by_validation).count("<p>") == report_of_run(last).count("<p>") + 1


def test_a_run_that_was_interrupted_in_its_first_epoch_has_a_page_without_curves(run: Run) -> None:
    page = report_of_run(replace(run, history=(), best_epoch=0, interrupted=True))
    assert "<svg" in report_of_run(run)
    assert "<svg" not in page
    assert "epoch 0" not in page


def test_advice_on_training_comes_before_advice_on_scores(run: Run) -> None:
    history = tuple(
        replace(record, cost=0.5 / record.epoch, accuracy=1.0, validation_cost=0.5, validation_accuracy=0.5)
        for record in run.history
    )
    recipe = Recipe.parse(run.recipe.model_dump(mode="json"), "again")
    page = report_of_run(replace(run, history=history, recipe=recipe))
    assert 0 < page.index("augment.rotate=10") < page.index("45 test pictures are too few")
