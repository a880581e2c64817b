"""Each family is the published network: the same features and logits as the definition written out with its names."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from backbones.mobile_definitions import Published
from backbones.our_outputs import features, logits
from backbones.published_definitions import draw_weights, published
from contract import assert_same_logits
from imagewise.backbones.catalog import entries, entry
from imagewise.backbones.pretrained import Pretrained, classifier

DEFINED = ["mobilenet_v2", "efficientnet_lite0", "mobilenetv4_conv_small", "resnet18", "resnet50"]
families = pytest.mark.parametrize("name", DEFINED)


@cache
def drawn(name: str) -> Published:
    """The definition with random weights."""
    network = published(name)
    draw_weights(network)
    return network


def tensors_of(network: Published) -> dict[str, NDArray[np.float32]]:
    """As a published file has them, without the counters that only training needs."""
    return {key: value.numpy() for key, value in network.state_dict().items() if value.is_floating_point()}


def wanted(name: str, network: Published, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The definition's features and logits of pictures that are normalised as the catalog says."""
    mean, std = np.array(entry(name).mean), np.array(entry(name).std)
    x = torch.from_numpy(((pictures / 255 - mean) / std).astype(np.float32).transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        pooled = network.pooled(x)
        return [pooled.numpy(), network.classified(pooled).numpy()]


@pytest.mark.parametrize(
    ("name", "side"),
    [(name, side) for name in DEFINED for side in (96, 97) if side == 97 or not name.startswith("resnet")],  # slow ones
)
def test_a_family_makes_the_features_and_logits_of_its_published_definition(name: str, side: int) -> None:
    pictures = np.random.default_rng(side).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    tensors = tensors_of(drawn(name))
    found = features(name, tensors, pictures), logits(name, tensors, pictures)
    for ours, theirs in zip(found, wanted(name, drawn(name), pictures), strict=True):
        assert np.std(theirs, axis=0).max() > 0.01  # the pictures are told apart
        assert_same_logits(ours, theirs)


@families
def test_every_weight_of_the_published_network_is_read(name: str) -> None:
    tensors = tensors_of(drawn(name))
    backbone = Pretrained.of_tensors(entry(name), tensors, "a file")
    weight, bias = classifier(entry(name), tensors, "a file")
    assert len(backbone.weights) + 2 == len(tensors)
    read = sum(map(np.size, backbone.weights.values())) + weight.size + bias.size
    assert read == sum(map(np.size, tensors.values()))


@families
def test_the_definition_has_the_published_number_of_weights(name: str) -> None:
    with_classifier = {
        "mobilenet_v2": 3_504_872,
        "efficientnet_lite0": 4_652_008,
        "mobilenetv4_conv_small": 3_774_024,
        "resnet18": 11_689_512,
        "resnet50": 25_557_032,
    }
    assert sum(weight.numel() for weight in drawn(name).parameters()) == with_classifier[name]
    assert entry(name).parameters == with_classifier[name] - 1000 * (entry(name).features[0] + 1)


def test_every_family_of_the_catalog_has_a_definition_or_is_compared_with_keras() -> None:
    assert entries().keys() == {*DEFINED, "mobilenet_v2_035"}
