"""Every reader of a network makes the same logits of the same weights: PyTorch, Keras and the model file."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional as F

from contract import (
    Reader,
    a_network,
    assert_same_logits,
    normalized,
    random_images,
    random_weights,
    reference_logits,
    reference_values,
)
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.networks import layers as L
from imagewise.networks.architectures import perceptron
from imagewise.networks.initialization import initial_weights
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.pytorch.module import build_module, load_weights, read_weights
from keras_process import ask
from network_cases import CASES, networks
from network_readers import READERS, file_logits, keras_logits, pytorch_logits

readers = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)


def torch_functional(images: NDArray[np.uint8], weights: Weights) -> torch.Tensor:
    """The network of `test_the_reference_is_what_pytorch_computes`, written with torch.nn.functional."""
    tensors = {name: torch.from_numpy(value).double() for name, value in weights.items()}
    x = torch.from_numpy(images).double().permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.3, 0.25])[:, None, None]
    x = F.conv2d(x, tensors["0.weight"], tensors["0.bias"], stride=2, padding=1, groups=3)
    mean, variance, scale, shift = (tensors[f"1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    x = F.batch_norm(x, mean, variance, scale, shift, eps=0.01)
    x = F.max_pool2d(x, 2, 1, 1)
    gate = F.linear(x.mean((2, 3)), tensors["3.body.1.weight"], tensors["3.body.1.bias"]).sigmoid()
    x = (x * gate[:, :, None, None]).relu()
    return F.linear(x.flatten(1), tensors["6.weight"], tensors["6.bias"])


def test_the_reference_is_what_pytorch_computes() -> None:
    gate = L.Branch("multiply", (L.GlobalPool(), L.Dense(6), L.Sigmoid()))
    layers = (L.Conv(6, 3, 2, 1, groups=3), L.BatchNorm(0.01), L.MaxPool(2, 1, 1), gate, L.ReLU())
    network = a_network(*layers, L.Flatten(), L.Dense(4))
    weights, images = random_weights(network), random_images(network)
    wanted = torch_functional(images, weights).numpy()
    np.testing.assert_allclose(reference_logits(network, weights, images), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (L.ReLU6(), F.relu6),
        (L.Sigmoid(), F.sigmoid),
        (L.HardSigmoid(), F.hardsigmoid),
        (L.HardSwish(), F.hardswish),
        (L.SiLU(), F.silu),
        (L.MaxPool(3, 2, (0, 0, 1, 1)), lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)),
        (L.AveragePool(3, 2, 1), lambda x: F.avg_pool2d(x, 3, 2, 1)),
        (L.AveragePool(3, 2, 1, False), lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
        (L.AveragePool(3, 2, (0, 0, 1, 1)), lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2)),
        (L.AveragePool(3, 2, (0, 0, 1, 1), False), lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True)),
    ],
    ids=lambda value: type(value).__name__ if callable(value) else str(value),
)
def test_the_reference_of_a_layer_without_weights_is_pytorchs_function(
    layer: L.Layer, function: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    network = Network((8, 10, 3), (0.5,) * 3, (1 / 16,) * 3, (layer, L.Flatten()))
    images = random_images(network)
    wanted = function(torch.from_numpy(normalized(network, images))).flatten(1).numpy()
    np.testing.assert_allclose(reference_logits(network, {}, images), wanted, rtol=1e-6, atol=1e-6)


@readers
@pytest.mark.parametrize("network", CASES.values(), ids=CASES)
def test_each_layer_means_the_same_to_each_reader(reader: Reader, network: Network) -> None:
    weights, images = random_weights(network), random_images(network)
    assert_same_logits(reader(network, weights, images), reference_logits(network, weights, images))


@pytest.mark.parametrize(
    ("reader", "examples"),
    [
        pytest.param(pytorch_logits, 150, id="pytorch"),
        pytest.param(file_logits, 150, id="model file"),
        pytest.param(keras_logits, 50, id="keras"),  # which makes a network in ten times the time of the others
        pytest.param(keras_logits, 500, id="keras, many", marks=pytest.mark.prove),
    ],
)
def test_random_networks_mean_the_same_to_each_reader(reader: Reader, examples: int) -> None:
    @settings(max_examples=examples)
    @given(network=networks(), seed=st.integers(0, 2**32 - 1))
    def mean_the_same(network: Network, seed: int) -> None:
        weights, images = random_weights(network, seed), random_images(network, seed=seed)
        assert_same_logits(reader(network, weights, images), reference_logits(network, weights, images))

    mean_the_same()


@readers
def test_weights_as_the_article_draws_them_give_the_same_logits_in_the_thousands(reader: Reader) -> None:
    network = Network((28, 28, 1), (0.0,), (1.0,), perceptron(10))
    weights, images = initial_weights(network, "normal", 0), random_images(network, 20)
    wanted = reference_logits(network, weights, images)
    assert np.abs(wanted).max() > 1000
    assert_same_logits(reader(network, weights, images), wanted)


@readers
@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((0.0,), (1.0,)),
        ((0.3,), (0.25,)),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet's, of torchvision, timm, ONNX's model zoo
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # -1..1, of Inception and of TensorFlow's MobileNets
        ((0.0, 0.5, 0.0), (1 / 255, 0.5, 2.0)),
    ],
)
def test_each_channel_is_normalised_by_its_own_mean_and_deviation(
    reader: Reader, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    network = Network((5, 7, len(mean)), mean, std, (L.Flatten(),))
    images = random_images(network)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    wanted = [(images[..., i] / 255 - mean[i]) / std[i] for i in range(len(mean))]
    found = reader(network, {}, images)
    np.testing.assert_allclose(found, np.stack(wanted, 1).reshape(len(images), -1), rtol=1e-5, atol=1e-6)


SAME_CASES = [(side, size, stride) for side in (7, 8) for size in (2, 3, 5) for stride in (1, 2, 3)]


def same_padding(side: int, size: int, stride: int) -> tuple[int, int]:
    """TensorFlow's rule: before and after, the odd one after."""
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    return total // 2, total - total // 2


@readers
@pytest.mark.parametrize("kind", ["convolution", "depthwise", "maximum", "average"])
def test_the_padding_same_of_tensorflow_can_be_said_exactly(reader: Reader, kind: str) -> None:
    for side, size, stride in SAME_CASES:
        before, after = same_padding(side, size, stride)
        sides = (before, before, after, after)
        layer: dict[str, L.Layer] = {
            "convolution": L.Conv(4, size, stride, sides, bias=False),
            "depthwise": L.Conv(3, size, stride, sides, groups=3, bias=False),
            "maximum": L.MaxPool(size, stride, sides),
            "average": L.AveragePool(size, stride, sides, count_include_pad=False),
        }
        network = a_network(layer[kind], L.Flatten(), shape=(side, side, 3))
        weights, images = random_weights(network), random_images(network)
        x = np.float32(normalized(network, images).transpose(0, 2, 3, 1))
        wanted = ask("tensorflow_answers", "padded_same", kind, x, weights.get("0.weight"), size, stride)
        wanted = wanted.transpose(0, 3, 1, 2).reshape(len(images), -1)
        assert_same_logits(reader(network, weights, images), wanted)


SEARCH = settings(max_examples=2000, phases=[Phase.generate])


def kinds_in(layers: tuple[L.Layer, ...]) -> set[str]:
    inner = [kinds_in(way) for layer in layers if isinstance(layer, L.Branch) for way in (layer.body, layer.shortcut)]
    return {type(layer).__name__ for layer in layers}.union(*inner)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(L.Layer)])
def test_random_networks_have_every_kind_of_layer(kind: str) -> None:
    find(networks(), lambda network: kind in kinds_in(network.layers), settings=SEARCH)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda layer: isinstance(layer, L.Conv) and layer.groups > 1 and len(set(layer.sides)) > 1,
        lambda layer: isinstance(layer, L.Conv) and layer.stride == 3 and layer.sides[0] != layer.sides[2],
        lambda layer: isinstance(layer, L.MaxPool) and layer.sides[1] != layer.sides[3],
        lambda layer: isinstance(layer, L.AveragePool) and any(layer.sides) and layer.count_include_pad,
        lambda layer: (
            isinstance(layer, L.AveragePool) and layer.sides[0] != layer.sides[2] and not layer.count_include_pad
        ),
    ],
)
def test_random_networks_have_the_layers_that_are_hard_to_read(wanted: Callable[[L.Layer], bool]) -> None:
    find(networks(), lambda network: any(map(wanted, network.layers)), settings=SEARCH)


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


def test_a_module_takes_planes_of_other_sizes_than_the_networks() -> None:
    uneven = L.AveragePool(3, 2, (0, 1, 1, 0), count_include_pad=False)
    network = a_network(L.Conv(4, 3, 1, (0, 0, 1, 2)), uneven, L.MaxPool(2, 1, (0, 0, 1, 1)), L.GlobalPool())
    weights = random_weights(network)
    module = build_module(network).eval()
    load_weights(module, weights)
    x = np.random.default_rng(0).standard_normal((2, 3, 14, 5))
    with torch.inference_mode():
        found = module(torch.from_numpy(x).float()).numpy()
    assert_same_logits(found, reference_values(network.layers, weights, x))


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
