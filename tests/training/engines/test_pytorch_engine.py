"""What PyTorch's engine promises beyond the contract: exact resume, seeds, costs and steps as PyTorch has them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from contract import reference_logits
from engine_runs import LINEAR, OPTIMIZERS, RESTLESS, Watch, fit, fit_job, same_weights, without_seconds
from imagewise.data.dataset import Dataset, Split
from imagewise.errors import EngineError, ModelError, TrainingError
from imagewise.networks.initialization import initial_weights
from imagewise.networks.layers import BatchNorm, Dense, Flatten
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Engine, Step
from imagewise.training.engines.pytorch.engine import PyTorchEngine
from imagewise.training.engines.registry import open_engine
from imagewise.training.history import EpochRecord
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe
from imagewise.training.schedule import learning_rate


@pytest.fixture
def pytorch() -> Engine:
    return PyTorchEngine("cpu")


def cross_entropy(
    logits: NDArray[Any], labels: NDArray[np.int64], smoothing: float = 0.0, weights: list[float] | None = None
) -> float:
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    function = torch.nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
    return float(function(torch.from_numpy(logits), torch.from_numpy(labels)))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, [1.0, 4.0, 0.5]])
def test_the_cost_is_the_mean_cross_entropy_over_the_epochs_batches(
    pytorch: Engine, tiny_dataset: Dataset, smoothing: float, weights: list[float] | None
) -> None:
    chosen = {"class_weights": {"middle": 4, "top": 0.5} if weights else "none"}
    one_batch = LINEAR | chosen | {"batch_size": 90, "epochs": 1, "label_smoothing": smoothing}
    network, fitted = fit(pytorch, one_batch, tiny_dataset)
    train, validation = tiny_dataset["train"], tiny_dataset["validation"]
    before = reference_logits(network, initial_weights(network, "he", 0), train.images)
    (record,) = fitted.history
    assert record.cost == pytest.approx(cross_entropy(before, train.labels, smoothing, weights), rel=1e-5)
    assert record.accuracy == pytest.approx((before.argmax(1) == train.labels).mean())
    after = reference_logits(network, fitted.weights, validation.images)
    assert record.validation_cost == pytest.approx(cross_entropy(after, validation.labels), rel=1e-5)
    assert record.validation_accuracy == pytest.approx((after.argmax(1) == validation.labels).mean())


def test_one_batch_is_one_step_down_the_gradient(pytorch: Engine, tiny_dataset: Dataset) -> None:
    step = LINEAR | {"batch_size": 90, "epochs": 1, "optimizer": {"name": "sgd", "learning_rate": 0.5}}
    network, fitted = fit(pytorch, step, tiny_dataset)
    train, start = tiny_dataset["train"], initial_weights(network, "he", 0)
    x = torch.from_numpy(train.images).permute(0, 3, 1, 2).flatten(1) / 255
    parameters = [torch.from_numpy(start[name].copy()).requires_grad_() for name in ("1.weight", "1.bias")]
    logits = torch.nn.functional.linear(x, *parameters)
    cost = torch.nn.functional.cross_entropy(logits, torch.from_numpy(train.labels))
    for name, parameter, gradient in zip(
        ("1.weight", "1.bias"), parameters, torch.autograd.grad(cost, parameters), strict=True
    ):
        wanted = (parameter - 0.5 * gradient).detach().numpy()
        np.testing.assert_allclose(fitted.weights[name], wanted, atol=1e-6)


def test_running_statistics_are_those_of_the_batches_with_the_layers_momentum(
    pytorch: Engine, tiny_dataset: Dataset
) -> None:
    network = Network((12, 10, 1), (0.0,), (1.0,), (Flatten(), BatchNorm(momentum=0.3), Dense(3)))
    recipe = Recipe.parse(LINEAR | {"batch_size": 90, "epochs": 1, "keep": "last"}, "test")
    fitted = fit_job(pytorch, replace(make_job(recipe, tiny_dataset), network=network), tiny_dataset)
    x = tiny_dataset["train"].images.reshape(90, -1) / 255
    np.testing.assert_allclose(fitted.weights["1.running_mean"], 0.3 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(fitted.weights["1.running_var"], 0.7 + 0.3 * x.var(0, ddof=1), rtol=1e-5)


def test_the_rate_follows_the_schedule(pytorch: Engine, tiny_dataset: Dataset) -> None:
    values = LINEAR | {"schedule": {"name": "cosine", "warmup": 0.3}}
    recipe = Recipe.parse(values, "test")
    _, fitted = fit(pytorch, values, tiny_dataset)
    steps = 6  # 90 pictures in batches of at most 16
    wanted = [learning_rate(recipe.schedule, 0.01, steps * epoch - 1, steps * 4) for epoch in (1, 2, 3, 4)]
    assert [record.learning_rate for record in fitted.history] == wanted


def test_patience_stops_a_run_that_no_longer_gets_better(pytorch: Engine, tiny_dataset: Dataset) -> None:
    # a rate too small to change a float32: the first epoch stays the best
    still = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 1e-30}, "epochs": 20}
    _, fitted = fit(pytorch, still | {"patience": 3}, tiny_dataset)
    assert len(fitted.history) == 4
    assert fitted.best_epoch == 1
    _, patient = fit(pytorch, still, tiny_dataset)
    assert len(patient.history) == 20


@pytest.mark.parametrize("values", [LINEAR, RESTLESS | {"optimizer": OPTIMIZERS["adamw"]}], ids=["linear", "restless"])
def test_the_same_seed_gives_the_same_weights_to_the_last_bit(
    pytorch: Engine, tiny_dataset: Dataset, values: dict[str, Any]
) -> None:
    fitted = [fit(pytorch, values | {"seed": seed}, tiny_dataset)[1] for seed in (7, 7, 8)]
    assert same_weights(fitted[0].weights, fitted[1].weights)
    assert without_seconds(fitted[0].history) == without_seconds(fitted[1].history)
    assert not same_weights(fitted[0].weights, fitted[2].weights)


@pytest.mark.parametrize("change", [{"augment": {}}, {"network.params.dropout": 0.0}], ids=["augment", "dropout"])
def test_augmentation_and_dropout_change_what_is_learnt(
    pytorch: Engine, tiny_dataset: Dataset, change: dict[str, Any]
) -> None:
    recipe = Recipe.parse(RESTLESS | {"optimizer": OPTIMIZERS["adam"], "epochs": 1}, "test")
    costs = [
        fit_job(pytorch, make_job(each, tiny_dataset), tiny_dataset).history[0].cost
        for each in (recipe, recipe.override(change))
    ]
    assert costs[0] != costs[1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("values", [RESTLESS, LINEAR], ids=["restless", "linear"])
def test_resume_is_exact(
    pytorch: Engine, tiny_dataset: Dataset, tmp_path: Path, values: dict[str, Any], optimizer: dict[str, Any]
) -> None:
    values = values | {"optimizer": optimizer}
    network, whole = fit(pytorch, values, tiny_dataset)
    watch = Watch(stop_after=2)
    fit(pytorch, values, tiny_dataset, watch)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    later = Watch()
    _, resumed = fit(pytorch, values, tiny_dataset, later, Checkpoint.read(tmp_path / "checkpoint"))
    assert same_weights(resumed.weights, whole.weights)
    assert without_seconds(resumed.history) == without_seconds(whole.history)
    assert [length for length, _ in later.epochs] == [3, 4]  # no epoch twice, none left out
    assert not same_weights(resumed.weights, initial_weights(network, "he", 0))


def test_a_checkpoint_is_no_longer_touched_once_it_is_handed_over(pytorch: Engine, tiny_dataset: Dataset) -> None:
    copies: list[dict[str, NDArray[Any]]] = []

    class Copy(Watch):
        def on_epoch(self, history: Sequence[EpochRecord], best_epoch: int, checkpoint: Checkpoint) -> None:
            super().on_epoch(history, best_epoch, checkpoint)
            copies.append({name: array.copy() for name, array in checkpoint.arrays.items()})

    watch = Copy()
    fit(pytorch, RESTLESS | {"optimizer": OPTIMIZERS["adam"]}, tiny_dataset, watch)
    for checkpoint, copy in zip(watch.checkpoints, copies, strict=True):
        assert same_weights(checkpoint.arrays, copy)
    assert not same_weights(copies[0], copies[1])


def test_a_checkpoint_of_another_network_is_refused(pytorch: Engine, tiny_dataset: Dataset) -> None:
    watch = Watch(stop_after=1)
    fit(pytorch, LINEAR, tiny_dataset, watch)
    other = LINEAR | {"network": {"name": "perceptron", "params": {"hidden": [5]}}}
    with pytest.raises(ModelError, match="checkpoint"):
        fit(pytorch, other, tiny_dataset, resume=watch.checkpoints[0])


@pytest.mark.parametrize("values", [LINEAR, RESTLESS | {"optimizer": OPTIMIZERS["adam"]}], ids=["linear", "restless"])
def test_no_global_random_generator_is_touched(pytorch: Engine, tiny_dataset: Dataset, values: dict[str, Any]) -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state()
    fit(pytorch, values, tiny_dataset)
    assert torch.equal(torch.get_rng_state(), before)
    assert repr(np.random.get_state()) == repr(numpy_before)


def test_the_global_seed_changes_nothing(pytorch: Engine, tiny_dataset: Dataset) -> None:
    fitted = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        fitted.append(fit(pytorch, RESTLESS | {"optimizer": OPTIMIZERS["adam"]}, tiny_dataset)[1])
    assert same_weights(fitted[0].weights, fitted[1].weights)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_cost_that_is_no_number_ends_the_run_and_names_the_rate(
    pytorch: Engine, tiny_dataset: Dataset, epochs: int
) -> None:
    wild = LINEAR | {"optimizer": {"name": "sgd", "learning_rate": 1e38, "momentum": 0.9}, "epochs": epochs}
    watch = Watch()
    with pytest.raises(TrainingError, match="--learning-rate"):
        fit(pytorch, wild, tiny_dataset, watch)
    for checkpoint in watch.checkpoints:
        assert all(np.isfinite(array).all() for name, array in checkpoint.arrays.items() if "weights" in name)


def test_weights_that_are_no_numbers_after_the_last_step_are_not_a_result(
    pytorch: Engine, tiny_dataset: Dataset
) -> None:
    one_step = {"batch_size": 90, "epochs": 1, "optimizer": {"name": "sgd", "learning_rate": 1e308}}
    with pytest.raises(TrainingError, match="--learning-rate"):
        fit(pytorch, LINEAR | one_step, tiny_dataset)


def test_batch_normalisation_refuses_batches_of_one_and_names_the_field(pytorch: Engine, tiny_dataset: Dataset) -> None:
    with pytest.raises(EngineError, match="batch_size"):
        fit(pytorch, RESTLESS | {"optimizer": OPTIMIZERS["adam"], "batch_size": 1}, tiny_dataset)


@pytest.mark.parametrize(
    ("name", "device", "words"),
    [
        ("caffe", "auto", "unknown engine 'caffe'.*pytorch"),
        ("pytorch", "tpu", "auto, cpu, cuda and mps"),
        ("pytorch", "CPU", "cuda"),
    ],
)
def test_an_unknown_engine_or_device_is_refused_and_the_known_named(name: str, device: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        open_engine(name, device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_without_a_gpu_is_refused_and_auto_takes_the_cpu() -> None:
    with pytest.raises(EngineError, match="--device cpu or auto"):
        open_engine("pytorch", "cuda")
    assert open_engine("pytorch").device.startswith("cpu (")


@pytest.mark.parametrize(
    ("cuda", "mps", "device", "chosen"),
    [
        (False, True, "mps", "mps (Apple GPU)"),
        (False, True, "auto", "cpu"),
        (False, True, "cpu", "cpu"),
        (True, True, "mps", "mps (Apple GPU)"),
    ],
)
def test_a_mac_s_gpu_is_used_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, device: str, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    engine = open_engine("pytorch", device)
    assert engine.device.startswith(chosen)
    assert (engine.most_threads == 1) or chosen == "cpu"


@pytest.mark.parametrize(
    ("cuda", "mps", "device", "ways"),
    [
        (False, False, "mps", "cpu or auto"),
        (True, False, "mps", "cpu or cuda or auto"),
        (False, True, "cuda", "cpu or mps or"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused_with_the_devices_that_are(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, device: str, ways: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    with pytest.raises(EngineError, match=f"device {device}: .*--device {ways}"):
        open_engine("pytorch", device)


def test_numpy_does_not_compute_on_a_mac_s_gpu() -> None:
    with pytest.raises(EngineError, match=r"mps.*--engine pytorch"):
        open_engine("numpy", "mps")


def test_moments_that_decay_end_as_0_and_not_as_denormal_numbers(tiny_dataset: Dataset) -> None:
    """Adam's moments of an input that is 0 from the second step on halve with every step."""
    train = tiny_dataset["train"]
    images = train.images.copy()
    images[:, 0, 0] = 0
    images[0, 0, 0] = 255
    split = Split(images, train.labels)
    optimizer = {"name": "adam", "learning_rate": 0.01, "beta1": 0.5, "beta2": 0.5}
    job = make_job(Recipe.parse(LINEAR | {"optimizer": optimizer}, "test"), tiny_dataset)
    steps = [Step(np.array([number and 1 + number % 80]), 0, 0.01, number) for number in range(140)]

    def denormals(engine: PyTorchEngine, flushing: bool) -> int:
        with engine.active() if flushing else nullcontext():
            learner = engine.learner(job, split)
            learner.steps(steps)
            moments = [value for name, value in learner.read_optimizer().items() if "exp_avg" in name]
        return sum(int(((value != 0) & (np.abs(value) < np.finfo(np.float32).tiny)).sum()) for value in moments)

    assert denormals(PyTorchEngine("cpu"), flushing=False) > 0
    assert denormals(PyTorchEngine("cpu"), flushing=True) == 0
