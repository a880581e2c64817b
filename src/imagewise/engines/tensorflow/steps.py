"""Many training steps in one call: a loop inside the compiled function, so that Python is not asked at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Split
from imagewise.engines.tensorflow.augmentation import Augmentation
from imagewise.engines.tensorflow.framework import tf
from imagewise.engines.tensorflow.optimization import Optimizer
from imagewise.engines.tensorflow.reader import KerasNetwork
from imagewise.mapped import gather


class Steps:
    """Trains the reader's model with the optimiser; sums cost and right answers on the device."""

    def __init__(
        self,
        reader: KerasNetwork,
        optimizer: Optimizer,
        augmentation: Augmentation | None,
        cost: Cost,
    ) -> None:
        self._reader, self._optimizer = reader, optimizer
        self._augmentation, self._cost = augmentation, cost
        signature = [
            tf.TensorSpec((None, *reader.model.input_shape[1:]), tf.uint8),
            tf.TensorSpec((None,), tf.int64),  # labels
            tf.TensorSpec((None,), tf.int32),  # where each batch starts, and where the last ends
            tf.TensorSpec((None, None), tf.float32),  # the optimiser's numbers, a row a step
            tf.TensorSpec((None,), tf.int64),  # seeds
            tf.TensorSpec((2,), tf.float32),  # the sums so far
        ]
        self._function = tf.function(self._loop, input_signature=signature, autograph=False)

    def __call__(
        self,
        split: Split,
        batches: Sequence[NDArray[np.int64]],
        seeds: Sequence[int],
        numbers: NDArray[np.float64],
        sums: Any,
    ) -> Any:
        """Take a step for each of `batches` (indices into `split`).

        NumPy gathers, so that memory-mapped sets are read only where they are needed. `sums` holds cost (times
        pictures) and right answers, and comes back with these steps' added: one sum in one order, however the steps
        of an epoch are shared among calls.
        """
        indices = np.concatenate(batches)
        bounds = np.cumsum([0, *map(len, batches)], dtype=np.int32)
        with np.errstate(over="ignore"):  # a rate beyond float32 ends as a cost that is no number
            rows = numbers.astype(np.float32)
        return self._function(
            gather(split.images, indices), np.take(split.labels, indices), bounds, rows, np.array(seeds), sums
        )

    def _loop(self, pictures: Any, labels: Any, bounds: Any, numbers: Any, seeds: Any, sums: Any) -> Any:
        def step(number: Any, sums: Any) -> tuple[Any, Any]:
            part = slice(bounds[number], bounds[number + 1])
            return number + 1, sums + self._step(pictures[part], labels[part], numbers[number], seeds[number])

        steps = tf.shape(seeds)[0]
        # one after the other: each reads the variables that the one before has changed
        return tf.while_loop(lambda number, _: number < steps, step, (0, sums), parallel_iterations=1)[1]

    def _step(self, pictures: Any, labels: Any, numbers: Any, seed: Any) -> Any:
        pixels = tf.cast(pictures, tf.float32)
        if self._augmentation is not None:
            pixels = self._augmentation(pixels, seed)
        self._reader.draw.seed = seed
        parameters = list(self._reader.parameters.values())
        with tf.GradientTape() as tape:
            logits = self._reader.model(pixels, training=True)
            cost = self._cost.mean(logits, labels)
        self._optimizer.apply(tape.gradient(cost, parameters), numbers)
        return tf.stack([cost * tf.cast(tf.shape(labels)[0], tf.float32), right_answers(logits, labels)])


@dataclass(frozen=True, eq=False)
class Cost:
    """Cross-entropy as PyTorch defines it.

    Attributes:
        smoothing: the share of the target that is spread over all classes.
        weights: (classes,) float32, what each class counts; None where all count alike.
    """

    smoothing: float = 0.0
    weights: NDArray[np.float32] | None = None

    def each(self, logits: Any, labels: Any) -> Any:
        """(N,): of each picture."""
        if not self.smoothing and self.weights is None:
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        classes = logits.shape[1]
        target = tf.one_hot(labels, classes) * (1 - self.smoothing) + self.smoothing / classes
        if self.weights is None:
            return tf.nn.softmax_cross_entropy_with_logits(target, logits)
        # not TensorFlow's own, whose gradient takes for granted that a target's sum is 1
        return -tf.reduce_sum(target * self.weights * tf.nn.log_softmax(logits), 1)

    def mean(self, logits: Any, labels: Any) -> Any:
        """(): over the batch, by the weights of its labels."""
        if self.weights is None:
            return tf.reduce_mean(self.each(logits, labels))
        return tf.reduce_sum(self.each(logits, labels)) / tf.reduce_sum(tf.gather(self.weights, labels))


def right_answers(logits: Any, labels: Any) -> Any:
    """How many, as float32 ()."""
    return tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, tf.float32))
