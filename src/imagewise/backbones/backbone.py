"""The seam of everything that turns pictures into features: a pretrained network without its classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.model.card import CardBackbone

if TYPE_CHECKING:
    import onnx


class Backbone(Protocol):
    """A pretrained network as ONNX graphs. Features are computed through onnxruntime, whatever it is made of.

    A fake for tests computes the mean colour:

        class MeanColour:
            name, digest, features, depths = "mean colour", "0" * 64, 3, (3,)
            def graph(self, side): ...      # Cast, ReduceMean
            def with_head(self, side, weight, bias): ...
            def card(self): return CardBackbone(name=self.name)
    """

    @property
    def name(self) -> str:
        """Its name in the catalog, or the name of its file."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over everything that decides the features of a picture but its size."""
        ...

    @property
    def features(self) -> int:
        """Length of a picture's feature vector."""
        ...

    @property
    def depths(self) -> tuple[int, ...]:
        """How many of the features come from each depth of the network, the last layer first: one number or more."""
        ...

    def graph(self, side: int) -> onnx.ModelProto:
        """From `pictures`, uint8 (N, side, side, 3), to `features`, float32 (N, features)."""
        ...

    def with_head(self, side: int, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> onnx.ModelProto:
        """The graph of a model file: from `pictures` to `probabilities` and `logits`, float32 (N, classes).

        Args:
            weight: (classes, features) float32.
            bias: (classes,) float32; logits = features @ weight.T + bias.
        """
        ...

    def card(self) -> CardBackbone:
        """What a model file says of it."""
        ...
