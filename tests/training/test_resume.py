"""A run taken up again: exactly where it stopped, with the same data and recipe, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine_runs import ENGINE_SETTINGS, LINEAR, StopAfter, record
from imagewise.data.dataset import Dataset
from imagewise.errors import DataError, ModelError, RecipeError
from imagewise.framing.framing import Framing
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.history import EpochRecord
from imagewise.training.recipe import Recipe
from imagewise.training.result import Run
from imagewise.training.run import TrainingCallbacks, train


def small(dataset: Dataset) -> Dataset:
    """A set that differs in one pixel."""
    images = dataset["train"].images.copy()
    images[0, 0, 0, 0] ^= 1
    return replace(dataset, splits={**dataset.splits, "train": replace(dataset["train"], images=images)})


class HearEpochs(TrainingCallbacks):
    """Notes which epochs are trained."""

    def __init__(self) -> None:
        self.trained: list[int] = []

    def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
        self.trained.append(history[-1].epoch)


@pytest.fixture
def whole(tiny_dataset: Dataset, tmp_path: Path) -> Run:
    return train(tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), out=tmp_path / "whole", **ENGINE_SETTINGS)


def interrupted(dataset: Dataset, folder: Path, epoch: int = 2) -> Run:
    """A run of 4 epochs stopped after `epoch`."""
    settings = ENGINE_SETTINGS | {"callbacks": StopAfter(epoch)}
    return train(dataset, recipe=Recipe.parse(LINEAR, "linear"), out=folder, **settings)


def test_a_run_taken_up_gives_the_model_of_one_that_was_not_interrupted(
    tiny_dataset: Dataset, whole: Run, tmp_path: Path
) -> None:
    assert interrupted(tiny_dataset, tmp_path / "run").interrupted
    heard = HearEpochs()
    run = train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS | {"callbacks": heard})
    assert heard.trained == [3, 4]  # begun again, a run would come to the same model
    images = tiny_dataset["test"].images
    assert np.array_equal(run.model.logits(images), whole.model.logits(images))
    assert [epoch.cost for epoch in run.history] == [epoch.cost for epoch in whole.history]
    assert record(run.folder)["status"] == "finished"
    assert (run.folder / "history.csv").read_text().count("\n") == 5


def test_a_finished_run_can_be_given_more_epochs(tiny_dataset: Dataset, tmp_path: Path, whole: Run) -> None:
    with pytest.raises(RecipeError, match=r"complete.*4.*--epochs N"):
        train(tiny_dataset, resume=whole.folder, **ENGINE_SETTINGS)
    with pytest.raises(RecipeError, match="complete"):
        train(tiny_dataset, resume=whole.folder, epochs=3, **ENGINE_SETTINGS)
    run = train(tiny_dataset, resume=whole.folder, epochs=6, **ENGINE_SETTINGS)
    assert [epoch.epoch for epoch in run.history] == [1, 2, 3, 4, 5, 6]
    longer = train(
        tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), epochs=6, out=tmp_path / "six", **ENGINE_SETTINGS
    )
    images = tiny_dataset["test"].images
    assert np.array_equal(run.model.logits(images), longer.model.logits(images))


def test_a_run_that_patience_ended_is_complete(tiny_dataset: Dataset, tmp_path: Path) -> None:
    still = {"patience": 1, "optimizer.learning_rate": 1e-30, "optimizer.name": "sgd", "epochs": 9}
    run = train(
        tiny_dataset, recipe=Recipe.parse(LINEAR, "linear"), settings=still, out=tmp_path / "run", **ENGINE_SETTINGS
    )
    assert len(run.history) == 2
    with pytest.raises(RecipeError, match="patience"):
        train(tiny_dataset, resume=run.folder, epochs=20, **ENGINE_SETTINGS)


@pytest.mark.parametrize("settings", [{}, {"patience": 1, "optimizer.learning_rate": 1e-30, "optimizer.name": "sgd"}])
def test_the_missing_report_of_a_complete_run_is_written_and_nothing_else_changes(
    tiny_dataset: Dataset, tmp_path: Path, settings: dict[str, Any]
) -> None:
    folder, recipe = tmp_path / "run", Recipe.parse(LINEAR, "linear")
    first = train(tiny_dataset, recipe=recipe, settings=settings, out=folder, **ENGINE_SETTINGS)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with_report = ENGINE_SETTINGS | {"report": True}
    with pytest.raises(RecipeError, match="complete"):  # the report would say that there were fewer epochs
        train(tiny_dataset, resume=folder, epochs=1, **with_report)
    again = train(tiny_dataset, resume=folder, **with_report)
    assert "linear" in (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert again.as_dict() == first.as_dict()
    train(tiny_dataset, resume=folder, **with_report)
    with pytest.raises(RecipeError, match="complete"):
        train(tiny_dataset, resume=folder, **with_report)


def test_a_run_is_not_taken_up_with_other_data(tiny_dataset: Dataset, tmp_path: Path) -> None:
    interrupted(tiny_dataset, tmp_path / "run")
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(DataError, match="no longer the data that"):
        train(small(tiny_dataset), resume=tmp_path / "run", **ENGINE_SETTINGS)
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_a_run_of_a_dataset_that_was_handed_over_asks_for_it_again(tiny_dataset: Dataset, tmp_path: Path) -> None:
    interrupted(tiny_dataset, tmp_path / "run")
    with pytest.raises(DataError, match="tiny"):
        train(resume=tmp_path / "run", offline=True, **ENGINE_SETTINGS)


def test_a_run_finds_its_data_again_by_the_path_it_was_given(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = tiny_dataset["train"]
    np.savez(tmp_path / "own.npz", images=split.images, labels=split.labels)
    monkeypatch.chdir(tmp_path)
    settings = ENGINE_SETTINGS | {"callbacks": StopAfter(2)}
    train("own.npz", recipe=Recipe.parse(LINEAR, "linear"), out="run", **settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(train(resume="../run", **ENGINE_SETTINGS).history) == 4


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"recipe": "perceptron"}, "recipe"),
        ({"engine": "pytorch"}, "engine"),
        ({"out": "elsewhere"}, "out"),
        ({"columns": {"label": "a"}}, "columns"),
        ({"seed": 3}, "seed"),
        ({"learning_rate": 0.1}, "learning_rate"),
        ({"batch_size": 10}, "batch_size"),
        ({"settings": {"augment.rotate": 3}}, "augment.rotate"),
    ],
)
def test_what_a_run_began_with_cannot_be_changed_when_it_is_taken_up(
    tiny_dataset: Dataset, tmp_path: Path, options: dict[str, Any], name: str
) -> None:
    interrupted(tiny_dataset, tmp_path / "run")
    with pytest.raises(RecipeError, match=rf"cannot change .*{name}.*Only --epochs may be given"):
        train(tiny_dataset, resume=tmp_path / "run", device="cpu", **options)


def test_a_folder_without_a_run_is_refused(tiny_dataset: Dataset, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(ModelError, match="holds no run"):
            train(tiny_dataset, resume=folder)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 2}', '{"format": 1, "recipe": 3}']
)
def test_a_damaged_record_is_refused_by_name(tiny_dataset: Dataset, tmp_path: Path, content: str) -> None:
    interrupted(tiny_dataset, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(content)
    with pytest.raises(ModelError, match=r"run\.json"):
        train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS)


def test_a_damaged_or_missing_checkpoint_is_refused_by_name(tiny_dataset: Dataset, tmp_path: Path) -> None:
    path = interrupted(tiny_dataset, tmp_path / "run").folder / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors: not a checkpoint"):
        train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS)
    path.unlink()
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors: no checkpoint"):
        train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS)


def test_a_run_with_a_framing_of_the_users_own_is_taken_up_with_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 180)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(12):
            levels = rng.integers(level, level + 60, (40, 40), dtype=np.uint8)
            Image.fromarray(levels).save(tmp_path / "shades" / name / f"{number}.png")
    recipe = Recipe.parse(LINEAR, "linear")
    settings: dict[str, Any] = {"device": "cpu", "report": False}
    wanted = Framing("photo", 12, 20, 1)
    train(tmp_path / "shades", recipe=recipe, epochs=1, framing=wanted, out=tmp_path / "run", **settings)
    again = train(resume=tmp_path / "run", epochs=2, **settings)
    assert (len(again.history), again.model.framing) == (2, wanted)
    with pytest.raises(RecipeError, match="cannot change framing"):
        train(resume=tmp_path / "run", epochs=3, framing=Framing("photo", 16, 16, 1), **settings)


def test_a_run_taken_up_keeps_the_number_of_threads_that_the_user_chose(tiny_dataset: Dataset, tmp_path: Path) -> None:
    settings = ENGINE_SETTINGS | {"threads": 1}
    train(
        tiny_dataset,
        recipe=Recipe.parse(LINEAR, "linear"),
        out=tmp_path / "run",
        **settings | {"callbacks": StopAfter(2)},
    )
    assert record(tmp_path / "run")["threads"] == {"chosen": 1, "used": [1]}
    train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS | {"callbacks": StopAfter(3)})
    assert record(tmp_path / "run")["threads"] == {"chosen": 1, "used": [1]}
    train(tiny_dataset, resume=tmp_path / "run", **ENGINE_SETTINGS, threads=2)
    assert record(tmp_path / "run")["threads"] == {"chosen": 2, "used": [1, 2]}
