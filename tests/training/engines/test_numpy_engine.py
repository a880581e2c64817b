"""What the NumPy engine promises beyond the contract: PyTorch's meaning of every field, without PyTorch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from contract import assert_same_logits, random_weights, reference_logits
from engine_runs import LINEAR, OPTIMIZERS, Watch, fit, fit_job, same_weights, without_seconds
from imagewise.data.dataset import Dataset, Split
from imagewise.errors import EngineError, TrainingError
from imagewise.networks.architectures import perceptron
from imagewise.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, Layer, ReLU
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.loop import losses_at
from imagewise.training.engines.numpy.loss import TrainingLoss
from imagewise.training.engines.numpy.optimization import build_optimizer, load_state
from imagewise.training.engines.numpy.stack import Stack, is_dense_stack
from imagewise.training.engines.registry import open_engine
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import SGD, Adam, Recipe

HIDDEN = LINEAR | {"network": {"name": "perceptron", "params": {"hidden": [9, 7]}}}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": HIDDEN | {"initialization": "normal", "keep": "last"},
    "one layer": LINEAR | {"keep": "last"},
    "weights": HIDDEN | {"class_weights": {"middle": 5, "top": 0.2}, "keep": "last"},
    "weights, smoothing, normalisation, schedule": HIDDEN
    | {
        "class_weights": {"bottom": 3},
        "label_smoothing": 0.1,
        "normalize": "standard",
        "schedule": {"name": "cosine", "warmup": 0.2},
        "keep": "last",
    },
}


def coloured(dataset: Dataset) -> Dataset:
    """Three channels that differ, so that their order counts."""

    def colours(split: Split) -> Split:
        grey = split.images
        return Split(np.concatenate([grey, grey // 2, 255 - grey], axis=3), split.labels)

    splits = {name: colours(split) for name, split in dataset.splits.items()}
    return replace(dataset, splits=splits, framing=replace(dataset.framing, channels=3))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("in_colour", [False, True], ids=["grey", "colour"])
def test_two_epochs_give_the_weights_and_costs_that_pytorch_gives(
    tiny_dataset: Dataset, values: dict[str, Any], optimizer: dict[str, Any], in_colour: bool
) -> None:
    data = coloured(tiny_dataset) if in_colour else tiny_dataset
    values = values | {"optimizer": optimizer, "epochs": 2}
    _, wanted = fit(open_engine("pytorch", "cpu"), values, data)
    _, found = fit(open_engine("numpy"), values, data)
    for name, weight in wanted.weights.items():
        np.testing.assert_allclose(found.weights[name], weight, rtol=2e-3, atol=2e-4, err_msg=name)
    for one, other in zip(found.history, wanted.history, strict=True):
        assert one.cost == pytest.approx(other.cost, rel=1e-4)
        assert one.validation_cost == pytest.approx(other.validation_cost, rel=1e-3)
        assert one.accuracy == pytest.approx(other.accuracy, abs=0.012)  # a near-tie may fall either way
        assert one.learning_rate == other.learning_rate


@settings(max_examples=60)
@given(
    hidden=st.lists(st.integers(1, 9), max_size=3),
    channels=st.sampled_from([1, 3]),
    classes=st.integers(2, 6),
    count=st.integers(1, 8),
    smoothing=st.one_of(st.just(0.0), st.floats(0, 0.9)),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_cost_logits_and_gradients_are_those_of_autograd(
    hidden: list[int], channels: int, classes: int, count: int, smoothing: float, weighted: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    network = Network((3, 4, channels), (0.0,) * channels, (1.0,) * channels, perceptron(classes, hidden=tuple(hidden)))
    weights = random_weights(network, seed)
    pictures, labels = rng.random((count, 3, 4, channels)), rng.integers(0, classes, count)
    class_weights = rng.uniform(0.1, 5, classes) if weighted else None

    parameters = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in weights.items()}
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).reshape(count, -1))
    for name in [name.split(".")[0] for name in weights if name.endswith("weight")]:
        wanted = x @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]
        x = wanted.relu()
    factors = None if class_weights is None else torch.from_numpy(class_weights)
    wanted_cost = F.cross_entropy(wanted, torch.from_numpy(labels), factors, label_smoothing=smoothing)
    wanted_cost.backward()  # type: ignore[no-untyped-call]

    stack = Stack(network)
    stack.load(weights)
    logits = stack.forward(pictures.reshape(count, -1).astype(np.float32))
    cost, upstream = TrainingLoss(smoothing, None if class_weights is None else class_weights.astype(np.float32))(
        logits, labels
    )
    stack.backward(upstream)
    np.testing.assert_allclose(logits, wanted.detach().numpy(), rtol=1e-4, atol=1e-4)
    assert cost == pytest.approx(float(wanted_cost.detach()), rel=1e-4, abs=1e-6)
    stack.values[...] = stack.gradients  # read as weights, in the canonical order
    for name, gradient in stack.read().items():
        wanted_gradient = parameters[name].grad
        assert wanted_gradient is not None
        np.testing.assert_allclose(gradient, wanted_gradient.numpy(), rtol=2e-3, atol=2e-5, err_msg=name)


def test_weights_read_are_those_loaded_and_copies() -> None:
    network = Network((5, 4, 3), (0.1, 0.2, 0.3), (1.0, 0.5, 0.2), perceptron(4, hidden=(6,)))
    weights, stack = random_weights(network), Stack(network)
    stack.load(weights)
    read = stack.read()
    assert same_weights(read, weights)
    stack.values[...] = 0
    assert same_weights(read, weights)


def test_the_logits_of_colour_pictures_are_those_of_the_layer_list(tiny_dataset: Dataset) -> None:
    values = HIDDEN | {"normalize": "standard"}
    network, fitted = fit(open_engine("numpy"), values, coloured(tiny_dataset))
    pictures, logits = fitted.reference
    assert_same_logits(logits, reference_logits(network, fitted.weights, pictures))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resume_is_exact(tiny_dataset: Dataset, tmp_path: Path, name: str) -> None:
    values = HIDDEN | {"optimizer": OPTIMIZERS[name]}
    _, whole = fit(open_engine("numpy"), values, tiny_dataset)
    watch = Watch(stop_after=2)
    fit(open_engine("numpy"), values, tiny_dataset, watch)
    watch.checkpoints[-1].write(tmp_path / "checkpoint")
    _, resumed = fit(open_engine("numpy"), values, tiny_dataset, resume=Checkpoint.read(tmp_path / "checkpoint"))
    assert same_weights(resumed.weights, whole.weights)
    assert without_seconds(resumed.history) == without_seconds(whole.history)


def test_the_state_of_another_optimiser_is_refused() -> None:
    values = np.zeros(5, np.float32)
    adam = build_optimizer(values, 3, Adam(learning_rate=0.1))
    sgd = build_optimizer(values, 3, SGD(name="sgd", learning_rate=0.1, momentum=0.9))
    with pytest.raises(ValueError, match="another optimiser"):
        load_state(adam, sgd.state)
    with pytest.raises(ValueError, match="another optimiser"):
        load_state(sgd, {"velocity": np.zeros(4, np.float32)})


def test_the_range_test_is_that_of_pytorch(tiny_dataset: Dataset) -> None:
    recipe = Recipe.parse(HIDDEN, "test")
    rates = [0.001 * 1.3**step for step in range(12)]
    costs = [
        list(losses_at(make_job(recipe, tiny_dataset, name, "cpu"), tiny_dataset, rates))
        for name in ("numpy", "pytorch")
    ]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {"name": "convnet", "params": {"filters": [3]}}}, "network 'convnet'.*--engine pytorch"),
        ({"network.params.dropout": 0.2}, "network 'perceptron'.*--engine pytorch"),
        ({"augment.rotate": 5}, "augment.*--engine pytorch"),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_engine_that_can(
    tiny_dataset: Dataset, change: dict[str, Any], words: str
) -> None:
    recipe = Recipe.parse(HIDDEN, "test").override(change)
    with pytest.raises(EngineError, match=words):
        fit_job(open_engine("numpy"), make_job(recipe, tiny_dataset), tiny_dataset)


def test_a_dense_layer_without_a_bias_is_refused(tiny_dataset: Dataset) -> None:
    network = Network((12, 10, 1), (0.0,), (1.0,), (Flatten(), Dense(3, bias=False)))
    job = replace(make_job(Recipe.parse(LINEAR, "test"), tiny_dataset), network=network)
    with pytest.raises(EngineError, match="plain perceptrons only"):
        fit_job(open_engine("numpy"), job, tiny_dataset)


def test_it_has_no_gpu() -> None:
    assert open_engine("numpy", "auto").device.startswith("cpu (")
    with pytest.raises(EngineError, match="--engine pytorch"):
        open_engine("numpy", "cuda")


@pytest.mark.filterwarnings("error")
def test_a_cost_that_explodes_ends_the_run_in_our_words_and_in_no_warning(tiny_dataset: Dataset) -> None:
    wild = HIDDEN | {"optimizer": {"name": "sgd", "learning_rate": 1e30}}
    with pytest.raises(TrainingError, match="--learning-rate"):
        fit(open_engine("numpy"), wild, tiny_dataset)


@pytest.mark.parametrize(
    ("layers", "plain"),
    [
        ((Flatten(), Dense(3)), True),
        (perceptron(3), True),
        (perceptron(3, hidden=(5, 5, 5)), True),
        (perceptron(3, dropout=0.5), False),
        ((Dense(3),), False),
        ((Flatten(),), False),
        ((Flatten(), Dense(3), ReLU()), False),
        ((Flatten(), ReLU(), Dense(3)), False),
        ((Flatten(), Dense(3), Dense(3)), False),
        ((Flatten(), Dense(3), ReLU(), Dense(3, bias=False)), False),
        ((Flatten(), Dense(3), BatchNorm(), Dense(3)), False),
        ((Flatten(), Dense(3), Dropout(0.0), Dense(3)), False),
        ((Conv(2, 3), ReLU(), Flatten(), Dense(3)), False),
    ],
)
def test_plain_dense_stacks_and_no_others_are_trained(layers: tuple[Layer, ...], plain: bool) -> None:
    assert is_dense_stack(layers) == plain
