"""The jobs that start from a pretrained network: fit a head on its features, or that and then train all of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.pretrained import Pretrained
from imagewise.model.session import Device
from imagewise.networks.network import Network
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class HeadJob:
    """A head to fit.

    Attributes:
        backbone: makes the features.
        recipe: the views, the strengths to choose from, the seed.
        side: of the pictures in pixels.
        classes: number of classes.
        class_weights: (classes,) float32 above 0, how much each class counts in the loss; None: all alike.
        device: of onnxruntime: `auto`, `cpu` or `cuda`.
        threads: pictures whose features are computed at the same time; None: by the load of the computer.
    """

    backbone: Backbone
    recipe: HeadRecipe
    side: int
    classes: int
    class_weights: NDArray[np.float32] | None = None
    device: Device = "auto"
    threads: int | None = None

    @property
    def network(self) -> Network | None:
        """The whole network as layers; None where the backbone is a graph of its own."""
        return self.backbone.network(self.side, self.classes) if isinstance(self.backbone, Pretrained) else None

    @property
    def engine(self) -> str:
        """What computes the features."""
        return "onnxruntime"


@dataclass(frozen=True, eq=False)
class FineTuneJob:
    """A head to fit, and then the whole network to train from there.

    Attributes:
        head: the first part; its backbone is one of the catalog.
        recipe: of the second part.
        engine, device, threads: that train the second part, as in `TrainingJob`.
    """

    head: HeadJob
    recipe: Recipe
    engine: str = "pytorch"
    device: str = "auto"
    threads: int | None = None

    @property
    def backbone(self) -> Pretrained:
        """The pretrained network."""
        assert isinstance(self.head.backbone, Pretrained), "only a backbone of the catalog has layers to train"
        return self.head.backbone

    @property
    def network(self) -> Network:
        """The whole network as layers."""
        return self.backbone.network(self.head.side, self.head.classes)

    @property
    def class_weights(self) -> NDArray[np.float32] | None:
        """As in `TrainingJob`."""
        return self.head.class_weights
