from __future__ import annotations

from math import prod
from typing import Any

import pytest

from imagewise.errors import NetworkError
from imagewise.networks import layers as L
from imagewise.networks.architectures import build_layers, builders, convnet, perceptron, resnet
from imagewise.networks.network import Network


def parameters(network: Network) -> int:
    return sum(prod(shape) for shape in network.weight_shapes().values())


def test_the_default_perceptron_is_the_articles() -> None:
    network = Network((28, 28, 1), (0.0,), (1.0,), perceptron(10))
    assert network.layers == (L.Flatten(), L.Dense(256), L.ReLU(), L.Dense(256), L.ReLU(), L.Dense(10))
    assert parameters(network) == 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10
    assert network.classes == 10


@pytest.mark.parametrize("name", builders())
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (9, 14, 1)])
def test_every_architecture_fits_pictures_of_many_shapes(name: str, shape: tuple[int, int, int]) -> None:
    channels = shape[2]
    network = Network(shape, (0.0,) * channels, (1.0,) * channels, build_layers(name, {}, 7))
    assert network.classes == 7


def test_parameters_of_an_architecture_come_from_a_recipes_plain_values() -> None:
    assert build_layers("perceptron", {"hidden": [5], "dropout": 0.5}, 3) == (
        L.Flatten(), L.Dense(5), L.ReLU(), L.Dropout(0.5), L.Dense(3),
    )  # fmt: skip
    assert build_layers("convnet", {"filters": [4, 8], "dense": 9}, 3) == convnet(3, filters=(4, 8), dense=9)


def test_batch_normalisation_of_a_perceptron_comes_between_dense_and_relu() -> None:
    assert perceptron(3, hidden=(5,), batch_norm=True) == (
        L.Flatten(), L.Dense(5, bias=False), L.BatchNorm(), L.ReLU(), L.Dense(3),
    )  # fmt: skip


def test_a_residual_block_projects_its_shortcut_only_where_the_shape_changes() -> None:
    def conv(filters: int, kernel: int, stride: int = 1) -> tuple[L.Layer, ...]:
        return (L.Conv(filters, kernel, stride, kernel // 2, bias=False), L.BatchNorm())

    assert resnet(3, widths=(4, 6), stem_stride=1, dropout=0.25) == (
        *conv(4, 3), L.ReLU(),
        L.Branch("add", (*conv(4, 3), L.ReLU(), *conv(4, 3))), L.ReLU(),
        L.Branch("add", (*conv(6, 3, 2), L.ReLU(), *conv(6, 3)), conv(6, 1, 2)), L.ReLU(),
        L.GlobalPool(), L.Dropout(0.25), L.Dense(3),
    )  # fmt: skip


def test_squeeze_and_excitation_ends_the_body_of_each_residual_block() -> None:
    blocks = [layer for layer in resnet(3, widths=(16, 32), blocks=2, squeeze=8) if isinstance(layer, L.Branch)]
    gates = [block.body[-1] for block in blocks]
    assert gates == [
        L.Branch("multiply", (L.GlobalPool(), L.Dense(width // 8), L.ReLU(), L.Dense(width), L.Sigmoid()))
        for width in (16, 16, 32, 32)
    ]


@pytest.mark.parametrize(("widths", "side"), [((4,), 16), ((4, 4), 8), ((4, 4, 4), 4)])
def test_each_stage_of_a_residual_network_but_the_first_halves_the_picture(widths: tuple[int, ...], side: int) -> None:
    layers = resnet(3, widths=widths, stem_stride=2)
    until_pool = layers[: layers.index(L.GlobalPool())]
    assert L.stack_shape(until_pool, (3, 32, 32)) == (4, side, side)


def test_a_convnet_halves_by_strides_where_the_recipe_says_so() -> None:
    params = {"filters": [4, 8], "repeats": 1, "stem_kernel": 5, "downsample": "stride", "dense": 0}
    assert build_layers("convnet", params, 3) == (
        L.Conv(4, kernel=5, stride=2, padding=2, bias=False), L.BatchNorm(), L.ReLU(),
        L.Conv(8, kernel=3, stride=2, padding=1, bias=False), L.BatchNorm(), L.ReLU(),
        L.Flatten(), L.Dense(3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("resnet1001", {}, "unknown network 'resnet1001'; the networks are perceptron, convnet"),
        ("perceptron", {"hiden": [3]}, "no parameter hiden; it has hidden, "),
        ("perceptron", {"classes": 3}, "no parameter classes"),
        ("perceptron", {"hidden": 3}, "'perceptron': .*params .*'hidden': 3.* not usable"),
        ("perceptron", {"hidden": [0]}, "units = 0"),
        ("perceptron", {"hidden": ["3"]}, "units = '3'"),
        ("perceptron", {"dropout": 1.5}, "rate = 1.5"),
        ("perceptron", {"dropout": -0.5}, "rate = -0.5"),
        ("convnet", {"filters": [4.5]}, "filters = 4.5"),
        ("convnet", {"dense": None}, "units = None"),
        ("convnet", {"downsample": "average"}, "downsample is pool or stride, not 'average'"),
    ],
)
def test_a_wrong_architecture_or_parameter_is_refused_and_named(name: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        build_layers(name, params, 10)
