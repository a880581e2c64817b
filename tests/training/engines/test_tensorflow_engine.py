"""What the TensorFlow engine promises beyond the contract: PyTorch's meaning of every field, and exact resume."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from contract import random_weights
from engine_runs import LINEAR, OPTIMIZERS, RESTLESS, Watch, fit, fit_job, same_weights, without_seconds
from imagewise.data.dataset import Dataset
from imagewise.errors import EngineError, ModelError, TrainingError
from imagewise.model.model import Model
from imagewise.networks.layers import BatchNorm, Dense, Flatten
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.pytorch.augmentation import Augmentation
from imagewise.training.engines.registry import open_engine
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Augment, Recipe
from keras_process import RemoteEngine, ask
from network_cases import CASES, networks

TENSORFLOW = RemoteEngine()
SMOOTH = {  # all but what is drawn at random for each batch, which every engine draws in its own way
    "network": {"name": "convnet", "params": {"filters": [3], "dense": 8}},
    "schedule": {"name": "cosine", "warmup": 0.2},
    "normalize": "standard",
    "label_smoothing": 0.1,
    "batch_size": 16,
    "epochs": 2,
    "keep": "last",
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(
    "values",
    [
        LINEAR | {"initialization": "normal", "keep": "last"},
        LINEAR | {"class_weights": {"middle": 5, "top": 0.2}, "keep": "last"},
        LINEAR | SMOOTH | {"class_weights": {"bottom": 3}},
    ],
    ids=["plain", "weights", "weights and smoothing"],
)
def test_two_epochs_give_the_weights_and_costs_that_pytorch_gives(
    tiny_dataset: Dataset, values: dict[str, Any], optimizer: dict[str, Any]
) -> None:
    values = values | {"optimizer": optimizer, "epochs": 2}
    _, wanted = fit(open_engine("pytorch", "cpu"), values, tiny_dataset)
    _, found = fit(TENSORFLOW, values, tiny_dataset)
    for name, weight in wanted.weights.items():
        np.testing.assert_allclose(found.weights[name], weight, rtol=2e-3, atol=2e-4, err_msg=name)
    for one, other in zip(found.history, wanted.history, strict=True):
        assert one.cost == pytest.approx(other.cost, rel=1e-4)
        assert one.validation_cost == pytest.approx(other.validation_cost, rel=1e-3)
        assert one.accuracy == pytest.approx(other.accuracy, abs=0.012)  # a near-tie may fall either way
        assert one.learning_rate == other.learning_rate


def test_running_statistics_are_those_of_the_batches_with_the_layers_momentum(tiny_dataset: Dataset) -> None:
    network = Network((12, 10, 1), (0.0,), (1.0,), (Flatten(), BatchNorm(momentum=0.3), Dense(3)))
    recipe = Recipe.parse(LINEAR | {"batch_size": 90, "epochs": 1, "keep": "last"}, "test")
    fitted = fit_job(TENSORFLOW, replace(make_job(recipe, tiny_dataset), network=network), tiny_dataset)
    x = tiny_dataset["train"].images.reshape(90, -1) / 255
    np.testing.assert_allclose(fitted.weights["1.running_mean"], 0.3 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(fitted.weights["1.running_var"], 0.7 + 0.3 * x.var(0, ddof=1), rtol=1e-5)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_resume_is_exact(tiny_dataset: Dataset, tmp_path: Path, name: str) -> None:
    values = RESTLESS | {"optimizer": OPTIMIZERS[name]}
    _, whole = fit(TENSORFLOW, values, tiny_dataset)
    watch = Watch(stop_after=2)
    fit(TENSORFLOW, values, tiny_dataset, watch)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    later = Watch()
    _, resumed = fit(TENSORFLOW, values, tiny_dataset, later, Checkpoint.read(tmp_path / "checkpoint"))
    assert same_weights(resumed.weights, whole.weights)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    assert [length for length, _ in later.epochs] == [3, 4]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tiny_dataset: Dataset) -> None:
    values = RESTLESS | {"optimizer": OPTIMIZERS["adamw"]}
    fitted = [fit(TENSORFLOW, values | {"seed": seed}, tiny_dataset)[1] for seed in (7, 7, 8)]
    assert same_weights(fitted[0].weights, fitted[1].weights)
    assert without_seconds(fitted[0].history) == without_seconds(fitted[1].history)
    assert not same_weights(fitted[0].weights, fitted[2].weights)


def test_global_generators_are_neither_used_nor_touched(tiny_dataset: Dataset) -> None:
    recipe = Recipe.parse(RESTLESS | {"optimizer": OPTIMIZERS["adam"], "epochs": 1}, "test")
    run = (make_job(recipe, tiny_dataset).to_bytes(), tiny_dataset)
    assert ask("tensorflow_answers", "generators_after_fit", *run) == [True, True]
    weights = [ask("tensorflow_answers", "weights_after_global_seed", *run, seed) for seed in (1, 2)]
    assert same_weights(*weights)


@pytest.mark.parametrize("change", [{"augment": {}}, {"network.params.dropout": 0.0}], ids=["augment", "dropout"])
def test_augmentation_and_dropout_change_what_is_learnt(tiny_dataset: Dataset, change: dict[str, Any]) -> None:
    recipe = Recipe.parse(RESTLESS | {"optimizer": OPTIMIZERS["adam"], "epochs": 1}, "test")
    costs = [
        fit_job(TENSORFLOW, make_job(each, tiny_dataset), tiny_dataset).history[0].cost
        for each in (recipe, recipe.override(change))
    ]
    assert costs[0] != costs[1]


def test_a_cost_that_is_no_number_ends_the_run_and_names_the_rate(tiny_dataset: Dataset) -> None:
    wild = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 1e38, "momentum": 0.9}}
    with pytest.raises(TrainingError, match="--learning-rate"):
        fit(TENSORFLOW, wild, tiny_dataset)
    beyond_float32 = {"batch_size": 90, "epochs": 1, "optimizer": {"name": "sgd", "learning_rate": 1e308}}
    with pytest.raises(TrainingError, match="--learning-rate"):
        fit(TENSORFLOW, LINEAR | beyond_float32, tiny_dataset)


def test_a_checkpoint_of_another_network_or_optimiser_is_refused(tiny_dataset: Dataset) -> None:
    watch = Watch(stop_after=1)
    fit(TENSORFLOW, LINEAR, tiny_dataset, watch)
    for other in ({"network": {"name": "perceptron", "params": {"hidden": [5]}}}, {"optimizer": OPTIMIZERS["sgd"]}):
        with pytest.raises(ModelError, match="checkpoint"):
            fit(TENSORFLOW, LINEAR | other, tiny_dataset, resume=watch.checkpoints[0])


def test_batch_normalisation_refuses_batches_of_one_and_names_the_field(tiny_dataset: Dataset) -> None:
    with pytest.raises(EngineError, match="batch_size"):
        fit(TENSORFLOW, LINEAR | SMOOTH | {"batch_size": 1}, tiny_dataset)


def test_a_change_that_is_not_written_for_tensorflow_is_refused_by_its_field(tiny_dataset: Dataset) -> None:
    with pytest.raises(EngineError, match=r"augment\.elastic.*--engine pytorch"):
        fit(TENSORFLOW, LINEAR | {"augment": {"elastic": 0.1, "rotate": 5}}, tiny_dataset)


@given(network=networks())
@settings(max_examples=25)
def test_the_model_holds_the_canonical_weights_and_gives_them_back(network: Network) -> None:
    weights = random_weights(network)
    for found in ask("tensorflow_answers", "weights_read_back", network, weights):
        assert list(found) == list(network.weight_shapes())
        assert same_weights(found, weights)


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("shape", [(5, 7, 1), (8, 3, 3)])
def test_pictures_are_sampled_as_pytorch_samples_them(mirror: bool, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (40, *shape)).astype(np.float32)
    grid = rng.uniform(-3, 3, (40, *shape[:2], 2)).astype(np.float32)
    wanted = torch.nn.functional.grid_sample(
        torch.from_numpy(pixels).permute(0, 3, 1, 2),
        torch.from_numpy(grid),
        padding_mode="reflection" if mirror else "zeros",
        align_corners=False,
    )
    x, y = (grid[..., axis].reshape(40, -1) for axis in (0, 1))
    found = ask("tensorflow_answers", "sample", pixels, x, y, mirror)
    np.testing.assert_allclose(found, wanted.permute(0, 2, 3, 1).numpy(), atol=2e-3)


def test_each_field_moves_a_picture_as_it_does_in_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    augment = Augment(rotate=30, translate=0.2, scale=0.3, shear=20, stretch=0.1)
    draw = np.random.default_rng(0).uniform(0, 1, (6, 50)).astype(np.float32)
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.from_numpy(draw))
    cpu = torch.device("cpu")
    pytorch = Augmentation(augment, "ink", 12, 10, cpu)
    wanted = pytorch._coefficients(50, torch.Generator(), cpu).view(50, 2, 3).numpy()
    found = ask("tensorflow_answers", "affine_coefficients", augment, 2 * draw - 1, 1.2)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_flip_mirrors_about_half_of_the_pictures_and_changes_nothing_else() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (400, 4, 5, 1)).astype(np.float32)
    flipped = ask("tensorflow_answers", "augmented", Augment(flip=True), "photo", pixels, 1)
    same = np.array([np.array_equal(*pair) for pair in zip(flipped, pixels, strict=True)])
    assert 150 < same.sum() < 250
    assert np.array_equal(flipped[~same], pixels[~same][:, :, ::-1])


def test_the_two_frameworks_are_kept_apart() -> None:
    ask("tensorflow_answers", "logits", CASES["dense"], random_weights(CASES["dense"]), np.zeros((1, 9, 6, 3), "uint8"))
    assert not ask("tensorflow_answers", "loaded", "torch")
    assert "tensorflow" not in sys.modules
    with pytest.raises(EngineError, match="this process has loaded torch"):
        open_engine("tensorflow")
    with pytest.raises(EngineError, match="this process has loaded tensorflow"):
        ask("tensorflow_answers", "open_engines", ("pytorch", "cpu"))


def test_the_device_is_told_and_one_that_is_not_there_refused() -> None:
    (device,) = ask("tensorflow_answers", "open_engines", ("tensorflow", "cpu"))
    assert device.startswith("cpu (")
    with pytest.raises(EngineError, match="auto, cpu and cuda"):
        ask("tensorflow_answers", "open_engines", ("tensorflow", "tpu"))


@pytest.mark.parametrize(
    ("engine", "module", "extra"), [("tensorflow", "tensorflow", "tensorflow"), ("pytorch", "torch", "train")]
)
def test_an_engine_that_is_not_installed_names_its_extra(engine: str, module: str, extra: str) -> None:
    code = f"""
import sys
sys.modules["{module}"] = None  # as if it were not installed
from imagewise.training.engines.registry import open_engine
from imagewise.errors import EngineError
try:
    open_engine("{engine}")
except EngineError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install" in done.stdout
    assert f"[{extra}]'" in done.stdout


def test_a_whole_run_loads_no_pytorch_prints_nothing_and_leaves_the_same_kind_of_model_file(tmp_path: Path) -> None:
    code = """
import sys
import imagewise
import imagewise.export.keras
quiet = {"report": False, "verbose": False}
run = imagewise.train("digits", recipe="perceptron", engine="tensorflow", epochs=3, out="run", **quiet)
assert run.test is not None and run.test.metrics.accuracy > 0.8, run.test
assert "torch" not in sys.modules
again = imagewise.train(resume="run", epochs=4, **quiet)
assert len(again.history) == 4
"""
    talkative = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=talkative, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Model.open(tmp_path / "run" / "model.onnx").class_names == tuple("0123456789")
