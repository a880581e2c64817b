"""Every reader of a network makes the same logits of each family: PyTorch, Keras and the model file."""

from __future__ import annotations

import pytest

from contract import Reader, assert_same_logits, random_images, random_weights
from imagewise.backbones.catalog import entries
from imagewise.backbones.pretrained import Pretrained
from network_readers import READERS, file_logits

# of each family, the smallest of the catalog
SMALLEST = {entry.family: entry for entry in sorted(entries().values(), key=lambda entry: -entry.parameters)}
SLOW = {("resnet50", "keras")}
CASES = [
    pytest.param(family, reader, id=f"{family}, {name}", marks=[pytest.mark.prove] * ((family, name) in SLOW))
    for family in SMALLEST
    for name, reader in READERS.items()
    if reader is not file_logits
]


@pytest.mark.parametrize(("family", "reader"), CASES)
def test_a_family_means_the_same_to_each_reader(family: str, reader: Reader) -> None:
    network = Pretrained(SMALLEST[family], {}, "none").network(65 if family.startswith("mobilenet") else 64, 5)
    weights, images = random_weights(network), random_images(network, 2)
    assert_same_logits(reader(network, weights, images), file_logits(network, weights, images))
