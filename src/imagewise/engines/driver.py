"""What every engine does the same way: which pictures it learns from, the epochs, Ctrl-C, resume, the result.

An engine builds a `Learner` and hands it to `drive`; it adds only what its framework does differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.checkpoint import Checkpoint
from imagewise.class_weights import class_weights
from imagewise.dataset import Dataset, Split, concatenate
from imagewise.engines import Callbacks, Fitted
from imagewise.engines.course import Course
from imagewise.errors import EngineError, ModelError, NetworkError
from imagewise.history import EpochRecord
from imagewise.layers import BatchNorm
from imagewise.layers import weight_shapes as layer_weight_shapes
from imagewise.network import Network, Weights
from imagewise.recipe import Recipe

REFERENCE_PICTURES = 256


@dataclass(frozen=True)
class Material:
    """The pictures of a run.

    Attributes:
        training: what is learnt from.
        validation: what is chosen by; None where the recipe learns from it too, or there is none.
        class_weights: (classes,) float32, what each class counts in the cost of training; None where all count alike.
    """

    training: Split
    validation: Split | None
    class_weights: NDArray[np.float32] | None = None

    @classmethod
    def choose(cls, network: Network, recipe: Recipe, dataset: Dataset) -> Material:
        """As the recipe says.

        Raises:
            EngineError: batches of one picture, and a network with batch normalisation.
            RecipeError: a weight for a class that there is not.
        """
        training = concatenate([dataset.splits[name] for name in recipe.fitted_splits if name in dataset])
        smallest = len(training) // -(-len(training) // recipe.batch_size)  # see epoch_order
        layers = (layer for _, layer, _ in layer_weight_shapes(network.layers, network.planes))
        if smallest == 1 and any(isinstance(layer, BatchNorm) for layer in layers):
            raise EngineError(
                f"batch_size {recipe.batch_size} makes batches of one picture, which batch normalisation cannot use; "
                "raise --batch-size."
            )
        validation = dataset.splits.get("validation") if recipe.fit_on == "train" else None
        return cls(training, validation, class_weights(recipe, dataset))


class Learner(Protocol):
    """A network, its optimiser and its training pictures, in an engine's framework."""

    def train(self, epoch: int, callbacks: Callbacks) -> tuple[float, float, float]:
        """One epoch: mean cost and accuracy over its batches, and the last learning rate."""
        ...

    def score(self, split: Split) -> tuple[float, float]:
        """Mean cross-entropy and accuracy."""
        ...

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Of a few pictures, (n, classes)."""
        ...

    def read(self) -> Weights:
        """Canonical weights, copied."""
        ...

    def load(self, weights: Weights) -> None:
        """Take these weights."""
        ...

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        """The optimiser's arrays, copied."""
        ...

    def load_optimizer(self, arrays: dict[str, NDArray[Any]]) -> None:
        """The inverse. Raises ValueError or IndexError where they are another optimiser's or network's."""
        ...


def drive(
    learner: Learner,
    network: Network,
    material: Material,
    course: Course,
    callbacks: Callbacks,
    resume: Checkpoint | None,
) -> Fitted:
    """Epoch after epoch until the course is finished or Ctrl-C comes. Raises ModelError, TrainingError."""
    if resume is not None:
        _take_up(learner, network, course, resume)
    interrupted = False
    try:
        while not course.finished:
            _epoch(learner, material, course, callbacks)
    except KeyboardInterrupt:
        interrupted = True
    weights = course.kept(learner.read())
    learner.load(weights)
    pictures = np.array((material.validation or material.training).images[:REFERENCE_PICTURES])
    reference = (pictures, learner.logits(pictures))
    return Fitted(weights, tuple(course.history), course.best_epoch, interrupted, reference)


def _take_up(learner: Learner, network: Network, course: Course, resume: Checkpoint) -> None:
    weights = resume.under("weights.")
    try:
        network.check_weights(weights)
        network.check_weights(course.kept(weights))
        learner.load(weights)
        learner.load_optimizer(resume.under("optimizer."))
    except (NetworkError, ValueError, IndexError) as error:
        raise ModelError(f"the checkpoint is not of this network, or damaged ({error}); start anew.") from error


def _epoch(learner: Learner, material: Material, course: Course, callbacks: Callbacks) -> None:
    """Train, validate, record, report."""
    start = perf_counter()
    cost, accuracy, rate = learner.train(course.next_epoch, callbacks)
    seconds = perf_counter() - start
    validated: tuple[float | None, float | None] = (None, None)
    if material.validation is not None:
        validated = learner.score(material.validation)
    weights = learner.read()
    course.record(EpochRecord(course.next_epoch, cost, accuracy, validated[0], validated[1], rate, seconds), weights)
    callbacks.on_epoch(course.history, course.best_epoch, course.checkpoint(weights, learner.read_optimizer()))
