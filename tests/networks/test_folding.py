from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from contract import a_network, assert_same_logits, random_images, random_weights, reference_logits
from imagewise.model.onnx_writer import build_graph
from imagewise.networks import layers as L
from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.layers import Layer
from imagewise.networks.network import Network
from network_cases import CASES, networks


@settings(max_examples=150)
@given(networks())
def test_a_folded_network_is_the_same_function(network: Network) -> None:
    weights, images = random_weights(network), random_images(network)
    folded, folded_weights = fold_batch_norm(network, weights)
    folded.check_weights(folded_weights)
    assert_same_logits(reference_logits(folded, folded_weights, images), reference_logits(network, weights, images))


@given(networks())
def test_no_norm_is_left_directly_after_dense_or_conv_but_one_that_followed_a_norm(network: Network) -> None:
    folded, _ = fold_batch_norm(network, random_weights(network))
    assert count_norms(network.layers) - foldable(network.layers) == count_norms(folded.layers)


def count_norms(layers: tuple[Layer, ...]) -> int:
    inner = sum(count_norms(each.body) + count_norms(each.shortcut) for each in layers if isinstance(each, L.Branch))
    return inner + sum(isinstance(layer, L.BatchNorm) for layer in layers)


def foldable(layers: tuple[Layer, ...]) -> int:
    inner = sum(foldable(each.body) + foldable(each.shortcut) for each in layers if isinstance(each, L.Branch))
    pairs = pairwise(layers)
    return inner + sum(isinstance(a, L.Dense | L.Conv) and isinstance(b, L.BatchNorm) for a, b in pairs)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("norm after convolution", 0),
        ("norm after convolution with bias", 0),
        ("norm after groups", 0),
        ("norm after dense", 0),
        ("residual with projection", 0),
        ("mobile blocks", 0),
        ("norm of the input", 1),
        ("norm after relu", 2),
        ("two norms", 1),
        ("branches in branches", 1),
    ],
)
def test_the_file_holds_a_norm_only_where_it_follows_no_weights(name: str, nodes: int) -> None:
    graph = build_graph(CASES[name], random_weights(CASES[name])).graph
    assert [node.op_type for node in graph.node].count("BatchNormalization") == nodes


def test_folding_changes_nothing_of_what_it_was_given() -> None:
    network = a_network(L.Conv(4, 3, bias=False), L.BatchNorm(), L.GlobalPool(), L.Dense(3), L.BatchNorm())
    weights = random_weights(network)
    copies = {name: value.copy() for name, value in weights.items()}
    fold_batch_norm(network, weights)
    assert all(np.array_equal(weights[name], copies[name]) for name in copies)
    assert network.layers[0] == L.Conv(4, 3, bias=False)


def test_a_network_without_norms_stays_as_it_is() -> None:
    network = a_network(L.Conv(4, 3), L.ReLU(), L.Flatten(), L.Dense(3))
    weights = random_weights(network)
    folded, same = fold_batch_norm(network, weights)
    assert folded == network
    assert list(same) == list(weights)
    assert all(same[name] is weights[name] for name in weights)


def test_a_channel_that_hardly_varies_is_folded_without_losing_its_bits() -> None:
    network = a_network(L.Conv(2, 1), L.BatchNorm(1e-5), L.GlobalPool(), shape=(3, 3, 1))
    weights = random_weights(network) | {"1.running_var": np.array([0, 1e-12], dtype=np.float32)}
    folded, folded_weights = fold_batch_norm(network, weights)
    images = random_images(network)
    assert_same_logits(reference_logits(folded, folded_weights, images), reference_logits(network, weights, images))
