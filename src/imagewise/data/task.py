"""The task of a model: the shape of its labels, the loss and accuracy of its logits, the order of its predictions.

Another task (several labels a picture, a number) is a class with the same methods and a name of its own in the model
card. The engines' training losses and the softmax of the model file are written for this one task so far.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray


class SingleLabel:
    """Exactly one of the classes is right: softmax over the logits, cross-entropy.

    Attributes:
        name: of the task in model cards.
    """

    name: ClassVar[Literal["single-label"]] = "single-label"

    def label_problem(self, labels: NDArray[np.int64], count: int, classes: int) -> str | None:
        """What is wrong with the labels of `count` pictures, or None: they are (count,) int64 in 0..classes - 1."""
        if labels.dtype != np.int64 or labels.shape != (count,):
            return f"{count} pictures need {count} int64 labels, not {labels.dtype} {labels.shape}"
        if count and (labels.min() < 0 or labels.max() >= classes):
            return f"a label is outside 0..{classes - 1}"
        return None

    def losses(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cross-entropy of each picture, float32 (N,), of logits (N, classes) and labels (N,)."""
        return np.asarray(-log_softmax(logits)[np.arange(len(labels)), labels])

    def correct(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the most probable class is the label, (N,); of equal ones the first counts."""
        return np.asarray(logits.argmax(axis=1) == labels)

    def ranking(self, probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
        """Classes of one picture's probabilities (classes,), most probable first; of equal ones the first."""
        return np.argsort(-probabilities, kind="stable").astype(np.int64, copy=False)


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities of logits (N, classes)."""
    with np.errstate(invalid="ignore"):  # infinite logits make NaN, which the training loop reports
        shifted = logits - logits.max(axis=1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.asarray(shifted)
