"""Every reader of a network makes the same logits of the same weights: PyTorch, Keras and the model file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contract import (
    CASES,
    Reader,
    a_network,
    assert_same_logits,
    networks,
    random_images,
    random_weights,
    reference_logits,
)
from imagewise.dataset import Split
from imagewise.engines.pytorch.batches import Batches
from imagewise.engines.pytorch.module import build_module, load_weights, read_weights
from imagewise.errors import NetworkError
from imagewise.initialization import initial_weights
from imagewise.layers import BatchNorm, Branch, Conv, Dense, Flatten, GlobalPool, MaxPool, ReLU, Sigmoid
from imagewise.model import Session
from imagewise.network import Network, Weights, perceptron
from imagewise.onnx_graph import build_graph
from keras_process import ask


def pytorch_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As the engine does it, normalisation and memory format included."""
    module = build_module(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_weights(module, weights)
    split = Split(images, np.zeros(len(images), dtype=np.int64))
    with torch.inference_mode():
        batches = Batches(split, network, torch.device("cpu")).in_order(len(images))
        logits: NDArray[np.float32] = np.concatenate([module.eval()(x).numpy() for x, _ in batches])
    return logits


def file_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As whoever gets the file does it."""
    return Session(build_graph(network, weights).SerializeToString(), "a model").run(images)[1]


def keras_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """In a process of its own."""
    logits: NDArray[np.float32] = ask("tensorflow_answers", "logits", network, weights, images)
    return logits


READERS = {"pytorch": pytorch_logits, "model file": file_logits, "keras": keras_logits}
readers = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)


def torch_functional(images: NDArray[np.uint8], weights: Weights) -> torch.Tensor:
    """The network of `test_the_reference_is_what_pytorch_computes` in PyTorch's own words."""
    tensors = {name: torch.from_numpy(value).double() for name, value in weights.items()}
    functional = torch.nn.functional
    x = torch.from_numpy(images).double().permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.3, 0.25])[:, None, None]
    x = functional.conv2d(x, tensors["0.weight"], tensors["0.bias"], stride=2, padding=1, groups=3)
    mean, variance, scale, shift = (tensors[f"1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    x = functional.batch_norm(x, mean, variance, scale, shift, eps=0.01)
    x = functional.max_pool2d(x, 2, 1, 1)
    gate = functional.linear(x.mean((2, 3)), tensors["3.body.1.weight"], tensors["3.body.1.bias"]).sigmoid()
    x = (x * gate[:, :, None, None]).relu()
    return functional.linear(x.flatten(1), tensors["6.weight"], tensors["6.bias"])


def test_the_reference_is_what_pytorch_computes() -> None:
    gate = Branch("multiply", (GlobalPool(), Dense(6), Sigmoid()))
    network = a_network(
        Conv(6, 3, stride=2, padding=1, groups=3), BatchNorm(0.01), MaxPool(2, 1, 1), gate, ReLU(), Flatten(), Dense(4)
    )
    weights, images = random_weights(network), random_images(network)
    wanted = torch_functional(images, weights).numpy()
    np.testing.assert_allclose(reference_logits(network, weights, images), wanted, rtol=1e-6, atol=1e-6)


@readers
@pytest.mark.parametrize("network", CASES.values(), ids=CASES)
def test_each_layer_means_the_same_to_each_reader(reader: Reader, network: Network) -> None:
    weights, images = random_weights(network), random_images(network)
    assert_same_logits(reader(network, weights, images), reference_logits(network, weights, images))


@readers
@settings(max_examples=150)
@given(network=networks(), seed=st.integers(0, 2**32 - 1))
def test_random_networks_mean_the_same_to_each_reader(reader: Reader, network: Network, seed: int) -> None:
    weights, images = random_weights(network, seed), random_images(network, seed=seed)
    assert_same_logits(reader(network, weights, images), reference_logits(network, weights, images))


@readers
def test_weights_as_the_article_draws_them_give_the_same_logits_in_the_thousands(reader: Reader) -> None:
    network = Network((28, 28, 1), (0.0,), (1.0,), perceptron(10))
    weights, images = initial_weights(network, "normal", 0), random_images(network, 20)
    wanted = reference_logits(network, weights, images)
    assert np.abs(wanted).max() > 1000
    assert_same_logits(reader(network, weights, images), wanted)


@readers
@pytest.mark.parametrize("shape", [(5, 4, 1), (4, 7, 3)])
def test_each_channel_is_normalised_by_its_own_mean_and_deviation(reader: Reader, shape: tuple[int, int, int]) -> None:
    network = a_network(Flatten(), shape=shape)
    images = random_images(network)
    wanted = (images / 255 - np.array(network.mean)) / np.array(network.std)
    assert_same_logits(reader(network, {}, images), wanted.transpose(0, 3, 1, 2).reshape(len(images), -1))


@readers
def test_one_picture_gives_what_it_gives_in_a_batch(reader: Reader) -> None:
    network = CASES["branches in branches"]
    weights, images = random_weights(network), random_images(network, 7)
    apart = np.concatenate([reader(network, weights, images[i : i + 1]) for i in range(7)])
    assert_same_logits(apart, reader(network, weights, images).astype(np.float64))


@given(network=networks(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_probabilities_are_the_softmax_of_the_logits(network: Network, seed: int) -> None:
    graph = build_graph(network, random_weights(network, seed))
    probabilities, logits = Session(graph.SerializeToString(), "a model").run(random_images(network))
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    np.testing.assert_allclose(probabilities, powers / powers.sum(1, keepdims=True), rtol=1e-5, atol=1e-7)


@given(network=networks())
@settings(max_examples=25)
def test_the_module_holds_the_canonical_weights_and_gives_them_back(network: Network) -> None:
    weights = random_weights(network)
    module = build_module(network)
    load_weights(module, weights)
    found = read_weights(module)
    assert list(found) == list(network.weight_shapes())
    for name, value in weights.items():
        assert np.array_equal(found[name], value)
    for value in found.values():
        value += 1  # a copy: the module must not notice
    assert all(np.array_equal(value, weights[name]) for name, value in read_weights(module).items())


@given(network=networks())
@settings(max_examples=25)
def test_the_graph_is_valid_whole_and_only_of_standard_operators(network: Network) -> None:
    graph = build_graph(network, random_weights(network))
    onnx.checker.check_model(graph, full_check=True)
    assert {node.domain for node in graph.graph.node} == {""}
    assert not any(constant.external_data for constant in graph.graph.initializer)
    assert [value.name for value in graph.graph.input] == ["pictures"]
    assert [value.name for value in graph.graph.output] == ["probabilities", "logits"]


@pytest.mark.parametrize("change", ["missing", "more", "shape", "float64"])
def test_weights_of_another_network_are_refused_and_named(change: str) -> None:
    network = a_network(Flatten(), Dense(4))
    weights = random_weights(network)
    match change:
        case "missing":
            del weights["1.bias"]
        case "more":
            weights["2.bias"] = weights["1.bias"]
        case "shape":
            weights["1.bias"] = weights["1.bias"][:3]
        case "float64":
            weights["1.bias"] = weights["1.bias"].astype(np.float64)
    with pytest.raises(NetworkError, match=r"[12]\.bias"):
        build_graph(network, weights)
