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
from imagewise.networks.families.wider import pooled_at_depths
from imagewise.networks.layers import Dense, Layer
from imagewise.networks.network import Network, Weights

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A pretrained network of the catalog, without its classifier; a `Backbone`.

    Attributes:
        entry: what the catalog says of it.
        weights: canonical, of `layers(side)`, which has the same for every side, in its order.
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
        return sum(self.entry.features)

    @property
    def depths(self) -> tuple[int, ...]:
        """How many of the features come from each depth of the network, the last layer first."""
        return self.entry.features

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over layers, normalisation and weights."""
        digest = hashlib.sha256(json.dumps(self.feature_network(self.entry.side).as_dict()).encode())
        for name, value in self.weights.items():
            digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    def layers(self, side: int) -> tuple[Layer, ...]:
        """The published layers, in a row: from (3, side, side) to the features of the last one."""
        return build_layers(self.entry, side)

    def feature_network(self, side: int) -> Network:
        """From pictures (side, side, 3) to the features of all depths."""
        return self._network(side)

    def network(self, side: int, classes: int) -> Network:
        """From pictures (side, side, 3) to logits: the backbone and a dense layer."""
        return self._network(side, Dense(classes))

    def network_weights(self, side: int, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Weights:
        """The weights of `network`, with those of the dense layer: (classes, features) and (classes,) float32."""
        names = self.network(side, len(bias)).weight_shapes()
        return dict(zip(names, [*self.weights.values(), weight, bias], strict=True))

    def _network(self, side: int, *more: Layer) -> Network:
        layers = (*pooled_at_depths(self.layers(side), len(self.depths) - 1), *more)
        return Network((side, side, 3), self.entry.mean, self.entry.std, layers)

    def graph(self, side: int) -> onnx.ModelProto:
        """See `Backbone`."""
        from imagewise.model.onnx_writer import build_feature_graph

        network = self.feature_network(side)
        return build_feature_graph(network, dict(zip(network.weight_shapes(), self.weights.values(), strict=True)))

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
    weight = published_tensor(entry, tensors, f"{where}.weight", (1000, entry.features[0]), origin)
    return weight, published_tensor(entry, tensors, f"{where}.bias", (1000,), origin)
