"""Backbones of the catalog: layers of the published size, and graphs that make features."""

from __future__ import annotations

import numpy as np
import pytest

from backbones.published_tensors import published_tensors
from imagewise.backbones.catalog import Entry, entries
from imagewise.backbones.families import build_layers
from imagewise.backbones.pretrained import Pretrained
from imagewise.errors import ModelError
from imagewise.model.session import import_onnxruntime
from imagewise.networks.families.wider import pooled_at_depths
from imagewise.networks.layers import stack_shape, weight_shapes

ENTRIES = list(entries().values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_backbone_has_the_published_number_of_weights_and_features(entry: Entry) -> None:
    layers = build_layers(entry, entry.side)
    counted = (np.prod(s) for name, _, s in weight_shapes(layers, (3, entry.side, entry.side)) if "running" not in name)
    assert sum(counted) == entry.parameters
    assert stack_shape(layers, (3, entry.side, entry.side)) == (entry.features[0],)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_features_of_all_depths_are_as_many_as_the_catalog_says(entry: Entry) -> None:
    layers = pooled_at_depths(build_layers(entry, entry.side), len(entry.features) - 1)
    assert stack_shape(layers, (3, entry.side, entry.side)) == (sum(entry.features),)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_backbone_has_the_same_weights_at_every_side(entry: Entry) -> None:
    shapes = [[(n, s) for n, _, s in weight_shapes(build_layers(entry, side), (3, side, side))] for side in (96, 225)]
    assert shapes[0] == shapes[1]


def test_features_and_head_make_the_logits_of_the_whole_graph() -> None:
    entry = entries()["mobilenet_v2_035"]
    backbone = Pretrained.of_tensors(entry, published_tensors(entry), "weights.safetensors")
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    weight = rng.normal(size=(4, backbone.features)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    ort = import_onnxruntime()
    features = ort.InferenceSession(backbone.graph(96).SerializeToString()).run(None, {"pictures": pictures})[0]
    whole = ort.InferenceSession(backbone.with_head(96, weight, bias).SerializeToString())
    logits = whole.run(["logits"], {"pictures": pictures})[0]
    assert features.shape == (3, backbone.features)
    np.testing.assert_allclose(logits, features @ weight.T + bias, atol=1e-4 * max(1, np.abs(logits).max()))


def test_weights_of_another_architecture_are_refused_by_the_first_tensor_that_differs() -> None:
    wide, narrow = (each for each in ENTRIES if each.family == "mobilenet_v2")
    with pytest.raises(ModelError, match=r"other\.pth: not the weights of mobilenet_v2: .*features\.0\.0\.weight"):
        Pretrained.of_tensors(wide, published_tensors(narrow), "other.pth")
