"""The engine: epochs, batches, validation. It holds no number; they live in the recipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.checkpoint import Checkpoint
from imagewise.dataset import Dataset, Split
from imagewise.engines import Callbacks, Fitted
from imagewise.engines.course import Course
from imagewise.engines.driver import Material, drive
from imagewise.engines.ordering import epoch_order
from imagewise.engines.tensorflow.augmentation import augmentation_for
from imagewise.engines.tensorflow.framework import tf
from imagewise.engines.tensorflow.optimization import build_optimizer, load_state, read_state
from imagewise.engines.tensorflow.reader import KerasNetwork
from imagewise.engines.tensorflow.steps import Cost, Steps, right_answers
from imagewise.errors import EngineError
from imagewise.initialization import initial_weights
from imagewise.mapped import release
from imagewise.network import Network, Weights
from imagewise.picture import FramingKind
from imagewise.recipe import Recipe
from imagewise.schedule import learning_rate

SCORING_BATCH = 1000
REPORT_SECONDS = 0.1
CALL_BYTES = 2**26  # of pictures that go to the device in one call


class TensorFlowEngine:
    """Trains with TensorFlow on the CPU or one GPU.

    Args:
        device: `auto` (a GPU where TensorFlow sees one), `cpu` or `cuda`.

    Raises:
        EngineError: the device is unknown or not there.
    """

    def __init__(self, device: str = "auto") -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise EngineError(f"unknown device {device!r}; there are auto, cpu and cuda.")
        gpus = [] if device == "cpu" else tf.config.list_physical_devices("GPU")
        if device == "cuda" and not gpus:
            raise EngineError("device cuda: TensorFlow sees no GPU here; use --device cpu or auto.")
        self._gpu = gpus[0] if gpus else None

    @property
    def device(self) -> str:
        """`cpu (2 threads)` or `cuda (the GPU's name)`."""
        if self._gpu is not None:
            details = tf.config.experimental.get_device_details(self._gpu)
            return f"cuda ({details.get('device_name', 'GPU')})"
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        if not threads:  # as many as there are processors that this process may use
            threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"cpu ({threads} threads)"

    def fit(
        self,
        network: Network,
        recipe: Recipe,
        dataset: Dataset,
        *,
        callbacks: Callbacks,
        resume: Checkpoint | None = None,
    ) -> Fitted:
        """Train; see `imagewise.engines.Engine`."""
        with tf.device("/CPU:0" if self._gpu is None else "/GPU:0"):
            course = Course(recipe, dataset, resume)
            material = Material.choose(network, recipe, dataset)
            learner = _Learner(network, recipe, material, dataset.framing.kind)
            return drive(learner, network, material, course, callbacks, resume)


class _Learner:
    """The model, its optimiser and its compiled functions; see `imagewise.engines.driver.Learner`."""

    def __init__(self, network: Network, recipe: Recipe, material: Material, kind: FramingKind) -> None:
        self.network, self.recipe, self.training = network, recipe, material.training
        augmentation = augmentation_for(recipe.augment, kind)
        self.reader = KerasNetwork(network)
        self.reader.load(initial_weights(network, recipe.initialization, recipe.seed))
        self.optimizer = build_optimizer(self.reader.parameters, recipe.optimizer)
        cost = Cost(recipe.label_smoothing, material.class_weights)
        self._steps = Steps(self.reader, self.optimizer, augmentation, cost)
        self._steps_a_call = 1
        pictures = tf.TensorSpec((None, *network.input_shape), tf.uint8)
        signature = [pictures, tf.TensorSpec((None,), tf.int64)]
        self._score = tf.function(self._scored, input_signature=signature, autograph=False)

    def read(self) -> Weights:
        return self.reader.read()

    def load(self, weights: Weights) -> None:
        self.reader.load(weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        return read_state(self.optimizer)

    def load_optimizer(self, arrays: dict[str, NDArray[Any]]) -> None:
        load_state(self.optimizer, arrays)

    def train(self, epoch: int, callbacks: Callbacks) -> tuple[float, float, float]:
        """Mean cost and accuracy over the epoch's batches, and the last rate."""
        recipe, count = self.recipe, len(self.training)
        order, seeds = epoch_order(count, recipe.batch_size, recipe.seed, epoch)
        total, before = len(order) * recipe.epochs, len(order) * (epoch - 1)
        peak = recipe.optimizer.learning_rate
        rates = [learning_rate(recipe.schedule, peak, before + step, total) for step in range(len(order))]
        numbers = self.optimizer.numbers(rates, before)
        sums, seen, first = tf.zeros(2), 0, 0
        while first < len(order):
            start = perf_counter()
            part = slice(first, first + self._steps_a_call)
            sums = self._steps(self.training, order[part], seeds[part], numbers[part], sums)
            cost, right = sums.numpy().tolist()
            seen += sum(map(len, order[part]))
            first += len(order[part])
            callbacks.on_batch(epoch, first, len(order), cost / seen, rates[first - 1])
            self._steps_a_call = self._next_call(perf_counter() - start)
        return cost / count, right / count, rates[-1]

    def _next_call(self, seconds: float) -> int:
        """How many steps to take until the next report, where the last call took so long."""
        most = min(2 * self._steps_a_call, CALL_BYTES // (prod(self.network.input_shape) * self.recipe.batch_size))
        return max(1, min(most, round(self._steps_a_call * REPORT_SECONDS / seconds)))

    def _scored(self, pictures: Any, labels: Any) -> tuple[Any, Any, Any]:
        logits = self.reader.model(tf.cast(pictures, tf.float32), training=False)
        return logits, tf.reduce_sum(Cost().each(logits, labels)), right_answers(logits, labels)

    def score(self, split: Split) -> tuple[float, float]:
        cost, right = 0.0, 0.0
        for images, labels in _in_order(split):
            _, batch_cost, batch_right = self._score(images, labels)
            cost, right = cost + float(batch_cost), right + float(batch_right)
        return cost / len(split), right / len(split)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._score(images, np.zeros(len(images), dtype=np.int64))[0].numpy()
        return found


def _in_order(split: Split) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    for start in range(0, len(split), SCORING_BATCH):
        part = slice(start, start + SCORING_BATCH)
        yield np.array(split.images[part]), np.array(split.labels[part])
        release(split.images)
