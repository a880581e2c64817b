"""A Keras model, its optimiser and the training pictures; many steps in one call of a compiled function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Split
from imagewise.data.memmap import take
from imagewise.networks.network import Weights
from imagewise.training.engines.base import Step, StepResults
from imagewise.training.engines.tensorflow.augmentation import augmentation_for
from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.engines.tensorflow.keras_layers import Norm
from imagewise.training.engines.tensorflow.loss import TrainingLoss
from imagewise.training.engines.tensorflow.optimization import build_optimizer, load_state, read_state
from imagewise.training.engines.tensorflow.reader import KerasNetwork
from imagewise.training.engines.tensorflow.scope import check_scope
from imagewise.training.job import TrainingJob


class TensorFlowLearner:
    """Trains the reader's model; see `base.Learner`.

    The loop over steps is inside the compiled function, so that Python is not asked at each step.
    """

    def __init__(self, job: TrainingJob, training: Split) -> None:
        recipe, network = job.recipe, job.network
        check_scope(recipe)
        self._training = training
        self._augmentation = augmentation_for(recipe.augment, job.framing_kind)
        self._reader = KerasNetwork(network)
        for layer in self._reader.model.layers:
            if isinstance(layer, Norm):
                layer.frozen = job.freeze_batch_norm
        self.load(job.starting_weights())
        trained = {n: v for n, v in self._reader.parameters.items() if job.rate_multiplier(n) > 0}
        self._parameters = list(trained.values())
        self._optimizer = build_optimizer(trained, recipe.optimizer, job.rate_multiplier)
        self._loss = TrainingLoss(recipe.label_smoothing, job.class_weights)
        pictures = tf.TensorSpec((None, *network.input_shape), tf.uint8)
        signature = [
            pictures,
            tf.TensorSpec((None,), tf.int64),  # labels
            tf.TensorSpec((None,), tf.int32),  # where each batch starts, and where the last ends
            tf.TensorSpec((None, None), tf.float32),  # the optimiser's coefficients, a row a step
            tf.TensorSpec((None,), tf.int64),  # seeds
        ]
        self._take = tf.function(self._loop, input_signature=signature, autograph=False)
        self._infer = tf.function(self._logits, input_signature=[pictures], autograph=False)

    def read(self) -> Weights:
        """Canonical weights, copied."""
        return self._reader.read()

    def load(self, weights: Weights) -> None:
        """Take these canonical weights."""
        self._reader.load(weights)

    def read_optimizer(self) -> dict[str, NDArray[np.float32]]:
        """Arrays of the optimiser's state, copied."""
        return read_state(self._optimizer)

    def load_optimizer(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `read_optimizer`."""
        load_state(self._optimizer, arrays)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of framed pictures (n, H, W, C): float32 (n, classes)."""
        found: NDArray[np.float32] = self._infer(images).numpy()
        return found

    def steps(self, steps: Sequence[Step]) -> StepResults:
        """Take these steps. NumPy gathers, so that memory-mapped sets are read only where they are needed."""
        indices = np.concatenate([step.indices for step in steps])
        bounds = np.cumsum([0, *(len(step.indices) for step in steps)], dtype=np.int32)
        rates, first = [step.learning_rate for step in steps], steps[0].number
        with np.errstate(over="ignore"):  # a rate beyond float32 ends as a loss that is no number
            coefficients = self._optimizer.step_coefficients(rates, first).astype(np.float32)
        losses, correct = self._take(
            take(self._training.images, indices),
            np.take(self._training.labels, indices),
            bounds,
            coefficients,
            np.array([step.seed for step in steps]),
        )
        return StepResults(losses.numpy().tolist(), correct.numpy().tolist())

    def _loop(self, pictures: Any, labels: Any, bounds: Any, coefficients: Any, seeds: Any) -> Any:
        count = tf.shape(seeds)[0]
        arrays = tuple(tf.TensorArray(tf.float32, count) for _ in range(2))

        def step(number: Any, losses: Any, correct: Any) -> tuple[Any, Any, Any]:
            part = slice(bounds[number], bounds[number + 1])
            loss, right = self._step(pictures[part], labels[part], coefficients[number], seeds[number])
            return number + 1, losses.write(number, loss), correct.write(number, right)

        # one after the other: each reads the variables that the one before has changed
        _, losses, correct = tf.while_loop(lambda number, *_: number < count, step, (0, *arrays), parallel_iterations=1)
        return losses.stack(), correct.stack()

    def _step(self, pictures: Any, labels: Any, coefficients: Any, seed: Any) -> tuple[Any, Any]:
        pixels = tf.cast(pictures, tf.float32)
        if self._augmentation is not None:
            pixels = self._augmentation(pixels, seed)
        self._reader.draw.seed = seed
        with tf.GradientTape() as tape:
            logits = self._reader.model(pixels, training=True)
            loss = self._loss(logits, labels)
        self._optimizer.apply(tape.gradient(loss, self._parameters), coefficients)
        return loss, tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, tf.float32))

    def _logits(self, pictures: Any) -> Any:
        return self._reader.model(tf.cast(pictures, tf.float32), training=False)
