"""A backbone of the catalog with its weights: layers as data, fine-tuned and exported like any network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.catalog import Entry
from imagewise.backbones.families import Tensors, build_layers, canonical_weights, published_tensor
from imagewise.model.card import CardBackbone
from imagewise.networks.layers import Dense, Layer
from imagewise.networks.network import Network, Weights

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A pretrained network of the catalog, without its classifier; a `Backbone`.

    Attributes:
        entry: what the catalog says of it.
        weights: canonical, of `layers(side)`, which has the same for every side.
        source: the file that the weights came from, or its address.
    """

    entry: Entry
    weights: Weights
    source: str

    @classmethod
    def of_tensors(cls, entry: Entry, tensors: Tensors, source: str) -> Pretrained:
        """The backbone out of the tensors of a published file. Raises ModelError where they are another network's."""
        return cls(entry, canonical_weights(entry, tensors, source), source)

    @property
    def name(self) -> str:
        """Its name in the catalog."""
        return self.entry.name

    @property
    def features(self) -> int:
        """Length of a picture's feature vector."""
        return self.entry.features

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over layers, normalisation and weights."""
        digest = hashlib.sha256(json.dumps(self.feature_network(self.entry.side).as_dict()).encode())
        for name, value in self.weights.items():
            digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    def layers(self, side: int) -> tuple[Layer, ...]:
        """From (3, side, side) to (features,)."""
        return build_layers(self.entry, side)

    def feature_network(self, side: int) -> Network:
        """From pictures (side, side, 3) to features."""
        return Network((side, side, 3), self.entry.mean, self.entry.std, self.layers(side))

    def network(self, side: int, classes: int) -> Network:
        """From pictures (side, side, 3) to logits: the backbone and a dense layer."""
        layers = (*self.layers(side), Dense(classes))
        return Network((side, side, 3), self.entry.mean, self.entry.std, layers)

    def network_weights(self, side: int, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Weights:
        """The weights of `network`, with those of the dense layer: (classes, features) and (classes,) float32."""
        last = len(self.layers(side))
        return {**self.weights, f"{last}.weight": weight, f"{last}.bias": bias}

    def graph(self, side: int) -> onnx.ModelProto:
        """See `Backbone`."""
        from imagewise.model.onnx_writer import build_feature_graph

        return build_feature_graph(self.feature_network(side), self.weights)

    def with_head(self, side: int, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> onnx.ModelProto:
        """See `Backbone`."""
        from imagewise.model.onnx_writer import build_graph

        return build_graph(self.network(side, len(bias)), self.network_weights(side, weight, bias))

    def card(self) -> CardBackbone:
        """Names, licence, citation and digest."""
        return CardBackbone(
            name=self.name,
            title=self.entry.title,
            digest=self.digest,
            licence=self.entry.licence,
            source=self.entry.homepage,
            citation=self.entry.citation,
        )


def classifier(entry: Entry, tensors: Tensors, origin: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The published ImageNet classifier: weight (1000, features) and bias (1000,), float32, in ILSVRC's order.

    Raises:
        ModelError: the file has none of that shape.
    """
    where = entry.classifier or "classifier"
    weight = published_tensor(entry, tensors, f"{where}.weight", (1000, entry.features), origin)
    return weight, published_tensor(entry, tensors, f"{where}.bias", (1000,), origin)
