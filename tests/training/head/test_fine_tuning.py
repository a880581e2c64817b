"""Recipe finetune: the job that follows a head, and whole runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagewise
from contract import assert_same_logits
from imagewise.backbones.opening import open_pretrained
from imagewise.errors import RecipeError
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.training import fit
from imagewise.training.engines.base import FitResult
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.head.fine_tuning import (
    block_numbers,
    fitting_resolution,
    settled,
    training_job,
    with_temperature,
)
from imagewise.training.head.job import FineTuneJob, HeadJob
from imagewise.training.head.logistic import Head
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import load_recipe

SMALL = "mobilenet_v2_035"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 24 pictures of 70x70 pixels: noise around a colour."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name, colour in {"blue": (60, 80, 160), "red": (160, 80, 60)}.items():
        (folder / name).mkdir()
        for number in range(24):
            levels = np.clip(rng.normal(colour, 70, (70, 70, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(levels).save(folder / name / f"{number}.png")
    return folder


def a_job(**tuning: Any) -> FineTuneJob:
    recipe, transfer = load_recipe("finetune"), load_recipe("transfer")
    assert isinstance(recipe, Recipe)
    assert isinstance(transfer, HeadRecipe)
    changes = {f"fine_tuning.{name}": value for name, value in tuning.items()}
    return FineTuneJob(HeadJob(open_pretrained(SMALL, offline=True), transfer, 64, 3), recipe.override(changes))


def test_blocks_end_with_a_residual_branch_or_a_linear_projection() -> None:
    layers = open_pretrained(SMALL, offline=True).layers(64)
    numbers = block_numbers(layers)
    assert len(numbers) == len(layers)
    assert numbers[-1] + 1 == 19  # 17 blocks of the paper, of which the stem is part of the first; the last conv; pool
    assert numbers == sorted(numbers)


def test_the_first_blocks_are_frozen_and_each_learns_more_slowly_than_the_next() -> None:
    job = a_job(frozen=0.5, layer_decay=0.5, head_rate=3.0)
    head = Head(np.ones((3, job.backbone.features), np.float32), np.zeros(3, np.float32))
    trained = training_job(job, head, "photo")
    rates = list(trained.rate_multipliers.values())
    assert rates[0] == 0.0
    assert rates[:-2] == sorted(rates[:-2])
    assert rates[-2:] == [3.0, 3.0]
    assert trained.freeze_batch_norm
    assert trained.initial_weights is not None
    np.testing.assert_array_equal(list(trained.initial_weights.values())[-2], head.weight)


@pytest.mark.parametrize(
    ("side", "resolution", "trained_on"),
    [(224, 0.857, 192), (224, 0.8, 192), (160, 0.857, 128), (128, 1.0, 128), (64, 0.3, 32), (200, 0.857, 168)],
)
def test_the_size_that_is_trained_on_is_one_with_the_same_padding(
    side: int, resolution: float, trained_on: int
) -> None:
    recipe, backbone = load_recipe("finetune"), open_pretrained(SMALL, offline=True)
    assert isinstance(recipe, Recipe)
    found = fitting_resolution(recipe.override({"augment.resolution": resolution}), backbone, side)
    assert found.augment.training_sides(side, side) == (trained_on, trained_on)
    assert backbone.layers(trained_on) == backbone.layers(side)
    assert found == recipe.override({"augment.resolution": found.augment.resolution})


def test_the_precision_of_the_second_part_is_settled_before_the_run() -> None:
    job = a_job(frozen=0.9)
    job = replace(job, recipe=job.recipe.override({"precision": "auto", "batch_size": 2}))
    found = settled(job, PyTorchEngine("cpu"), "photo")
    assert found.recipe.precision in ("float32", "bfloat16")
    assert found.recipe == job.recipe.override({"precision": found.recipe.precision})
    assert found.head is job.head


def test_fine_tuning_leaves_a_run_with_epochs_and_a_head(photographs: Path, tmp_path: Path) -> None:
    run = imagewise.train(
        photographs, recipe="finetune", backbone=SMALL, framing="photo:64", epochs=2, out=tmp_path / "run",
        offline=True, verbose=False,
    )  # fmt: skip
    assert len(run.history) == 2
    assert run.head is not None
    record = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert (record["status"], record["backbone"]["name"], record["engine"]) == ("finished", SMALL, "pytorch")
    assert {"model.onnx", "checkpoint.safetensors", "history.csv", "report.html"} <= {
        file.name for file in run.folder.iterdir()
    }
    assert run.accuracy > 0.6
    card = run.model.card
    assert card.backbone is not None
    assert (card.backbone.name, card.recipe.name) == (SMALL, "finetune")


def test_a_temperature_divides_the_logits_of_the_whole_network() -> None:
    job = a_job()
    rng = np.random.default_rng(0)
    head = Head(rng.normal(size=(3, job.backbone.features)).astype(np.float32), rng.normal(size=3).astype(np.float32))
    trained = training_job(job, head, "photo")
    pictures = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    weights = trained.starting_weights()
    before = Session(build_graph(trained.network, weights).SerializeToString(), "before").run(pictures)[1]
    result = FitResult(weights, (), 1, False, (pictures, before))
    found = with_temperature(result, trained.network, 2.5)
    after = Session(build_graph(trained.network, found.weights).SerializeToString(), "after").run(pictures)[1]
    assert_same_logits(after, before / 2.5)
    assert_same_logits(found.reference[1], before / 2.5)
    assert found.weights.keys() == weights.keys()


@pytest.mark.parametrize("better", [True, False])
def test_the_model_is_the_network_or_the_head_as_validation_says(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: bool
) -> None:
    monkeypatch.setattr(fit, "beats", lambda trained, head, labels: better)
    run = imagewise.train(
        photographs, recipe="finetune", backbone=SMALL, framing="photo:64", epochs=1, out=tmp_path / "run",
        offline=True, verbose=False, report=False,
    )  # fmt: skip
    assert run.head is not None
    assert run.head.kept != better
    assert run.best_epoch == int(better)
    assert run.validation is not None
    found = run.model.predict_batch(run.validation.pictures.images)
    np.testing.assert_allclose(found, run.validation.probabilities, atol=1e-5)


def test_a_run_that_was_stopped_goes_on_from_its_checkpoint(photographs: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"offline": True, "verbose": False, "report": False}
    chosen: dict[str, Any] = {"recipe": "finetune", "backbone": SMALL, "framing": "photo:64"}
    first = imagewise.train(photographs, **chosen, epochs=1, out=tmp_path / "run", **settings)
    again = imagewise.train(resume=first.folder, epochs=2, **settings)
    assert [each.epoch for each in again.history] == [1, 2]


def test_an_onnx_file_cannot_be_fine_tuned(photographs: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"")
    with pytest.raises(RecipeError, match="cannot be trained further"):
        imagewise.train(
            photographs, recipe="finetune", backbone=str(file), out=tmp_path / "run", offline=True, verbose=False
        )
