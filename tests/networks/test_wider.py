"""Features of several depths of a network: the last ones and those in front of it, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.model.onnx_writer import build_feature_graph
from imagewise.model.session import import_onnxruntime
from imagewise.networks import layers as L
from imagewise.networks.families.wider import pooled_at_depths
from imagewise.networks.layers import Layer
from imagewise.networks.network import Network

WIDE = (L.Conv(6, 1, bias=False), L.BatchNorm(), L.ReLU6(), L.Conv(6, 3, padding=1, groups=6), L.BatchNorm(), L.ReLU6())
SHRUNK = (L.Conv(4, 1), L.BatchNorm())
LAYERS: tuple[Layer, ...] = (*WIDE, *SHRUNK, L.Branch("add", (*WIDE, *SHRUNK)), *WIDE, *SHRUNK, L.GlobalPool())
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)


def features(layers: tuple[Layer, ...], values: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    network = Network((8, 8, 3), (0.5,) * 3, (0.5,) * 3, layers)
    weights = dict(zip(network.weight_shapes(), values, strict=False))
    session = import_onnxruntime().InferenceSession(build_feature_graph(network, weights).SerializeToString())
    found: NDArray[np.float32] = session.run(["features"], {"pictures": PICTURES})[0]
    return found


def random_weights() -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    shapes = Network((8, 8, 3), (0.5,) * 3, (0.5,) * 3, LAYERS).weight_shapes().values()
    return [rng.uniform(0.1, 1, shape).astype(np.float32) for shape in shapes]


def test_the_last_features_come_first_and_then_the_latest_of_the_earlier_ones() -> None:
    weights = random_weights()
    first, second = len(WIDE), len(LAYERS) - len(SHRUNK) - 1
    deep = [LAYERS, (*LAYERS[:second], L.GlobalPool()), (*LAYERS[:first], L.GlobalPool())]
    expected = np.concatenate([features(layers, weights) for layers in deep], axis=1)
    np.testing.assert_allclose(features(pooled_at_depths(LAYERS, 2), weights), expected, rtol=1e-5)


def test_without_earlier_depths_the_layers_stay_as_they_are() -> None:
    assert pooled_at_depths(LAYERS, 0) == LAYERS


def test_more_depths_than_there_are_blocks_without_a_shortcut_are_refused() -> None:
    with pytest.raises(ValueError, match="there are 2 blocks without a shortcut, not 3"):
        pooled_at_depths(LAYERS, 3)
