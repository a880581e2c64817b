"""A training job: everything that decides the weights, but the pictures. It can be sent to another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import ImagewiseError, ModelError, NetworkError
from imagewise.framing.framing import FramingKind
from imagewise.networks.initialization import initial_weights
from imagewise.networks.network import Network, Weights
from imagewise.training.recipe import Recipe

FORMAT = "imagewise.job.1"


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """What an engine trains, and how.

    Attributes:
        network: the architecture, with input shape, classes and normalisation filled in.
        recipe: optimiser, schedule, augmentation, number of epochs, seed.
        framing_kind: what fills the space around a picture that augmentation moves: ground (`ink`) or, with the others,
            its mirror image.
        engine: `pytorch`, `tensorflow` or `numpy`.
        device: `auto`, `cpu`, `cuda` or `mps`.
        class_weights: (classes,) float32 above 0, how much each class counts in the loss; None: all alike.
        initial_weights: canonical weights to start from; None draws them as the recipe says.
        rate_multipliers: by weight name, the multiple of the learning rate at which it is trained: 0 freezes it, names
            that are missing count as 1.
        freeze_batch_norm: batch normalisation uses its running statistics in training too, and leaves them unchanged.
        rank, world_size: which part of each batch this process takes, of how many.
        threads: on the CPU; None: as many as there are free processors, looked at again during training.

    Raises:
        NetworkError: weights that are not the network's, a negative multiplier, a rank outside of the world.
    """

    network: Network
    recipe: Recipe
    framing_kind: FramingKind
    engine: str = "pytorch"
    device: str = "auto"
    class_weights: NDArray[np.float32] | None = None
    initial_weights: Weights | None = None
    rate_multipliers: Mapping[str, float] = field(default_factory=dict)
    freeze_batch_norm: bool = False
    rank: int = 0
    world_size: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.initial_weights is not None:
            self.network.check_weights(self.initial_weights)
        unknown = self.rate_multipliers.keys() - self.network.weight_shapes().keys()
        if unknown:
            raise NetworkError(f"rate_multipliers name weights that the network lacks: {', '.join(sorted(unknown))}.")
        wrong = [name for name, value in self.rate_multipliers.items() if not (isfinite(value) and value >= 0)]
        if wrong:
            raise NetworkError(f"rate_multipliers must be 0 or more: {', '.join(sorted(wrong))}.")
        if not 0 <= self.rank < self.world_size:
            raise NetworkError(f"rank {self.rank} is outside of a world of {self.world_size}.")

    def starting_weights(self) -> Weights:
        """Canonical weights before the first step."""
        if self.initial_weights is not None:
            return self.initial_weights
        return initial_weights(self.network, self.recipe.initialization, self.recipe.seed)

    def rate_multiplier(self, weight: str) -> float:
        """The multiple of the learning rate at which the weight of that canonical name is trained."""
        return self.rate_multipliers.get(weight, 1.0)

    def to_bytes(self) -> bytes:
        """The job as safetensors with JSON, for another process: nothing in it is executed when it is read."""
        from safetensors.numpy import save

        arrays = {f"initial.{name}": value for name, value in (self.initial_weights or {}).items()}
        if self.class_weights is not None:
            arrays["class_weights"] = self.class_weights
        values = {
            "network": self.network.as_dict(),
            "recipe": self.recipe.model_dump(mode="json"),
            "framing_kind": self.framing_kind,
            "engine": self.engine,
            "device": self.device,
            "rate_multipliers": dict(self.rate_multipliers),
            "freeze_batch_norm": self.freeze_batch_norm,
            "rank": self.rank,
            "world_size": self.world_size,
            "threads": self.threads,
            "has_initial_weights": self.initial_weights is not None,
        }
        contiguous = {name: np.asarray(value, order="C") for name, value in arrays.items()}
        return bytes(save(contiguous, metadata={FORMAT: json.dumps(values)}))

    @classmethod
    def from_bytes(cls, content: bytes) -> TrainingJob:
        """The inverse of `to_bytes`. Raises ModelError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            length = int.from_bytes(content[:8], "little")
            header = json.loads(content[8 : 8 + length])
            values: dict[str, Any] = json.loads(header["__metadata__"][FORMAT])
            arrays = load(content)
            initial = {k.removeprefix("initial."): v for k, v in arrays.items() if k.startswith("initial.")}
            return cls(
                network=Network.from_dict(values.pop("network")),
                recipe=Recipe.parse(values.pop("recipe"), "of the job"),
                class_weights=arrays.get("class_weights"),
                initial_weights=initial if values.pop("has_initial_weights") else None,
                **values,
            )
        except (SafetensorError, KeyError, TypeError, ValueError, ImagewiseError) as error:
            raise ModelError(f"not a training job, or a damaged one ({error}). Make it again.") from error
