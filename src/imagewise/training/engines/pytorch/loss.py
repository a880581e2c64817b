"""The loss that training minimises: cross-entropy with label smoothing, class weights and mixed labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from imagewise.training.engines.pytorch.mixup import Mixed


class TrainingLoss:
    """The mean over a batch of logits (N, classes) and labels (N,), as a tensor () to call `backward` on.

    Args:
        label_smoothing: the fraction of each label that is spread over all classes.
        class_weights: (classes,) float32, how much each class counts; None: all alike.
    """

    def __init__(self, label_smoothing: float, class_weights: Tensor | None = None) -> None:
        self._smoothing, self._weights = label_smoothing, class_weights

    def __call__(self, logits: Tensor, y: Tensor, mixed: Mixed | None = None) -> Tensor:
        """The loss; with `mixed`, each picture's two labels count by their fractions (times their class weights)."""
        if mixed is None:
            return self._cross_entropy(logits, y)
        return self.total(logits, y, mixed) / self.weight(y, mixed)

    def total(self, logits: Tensor, y: Tensor, mixed: Mixed | None = None) -> Tensor:
        """The sum over some pictures of a batch; over all of them, and divided by their `weight`, it is the loss."""
        if mixed is None:
            return self._cross_entropy(logits, y, "sum")
        first, second = (self._cross_entropy(logits, labels, "none") for labels in (y, mixed.labels))
        return ((1 - mixed.share) * first).sum() + (mixed.share * second).sum()

    def weight(self, y: Tensor, mixed: Mixed | None = None) -> Tensor:
        """How many pictures with labels (N,) count: N, or the sum of their class weights, as a tensor ()."""
        weights = self._weights
        if weights is None:
            return torch.tensor(float(len(y)), device=y.device)
        if mixed is None:
            return weights[y].sum()
        return ((1 - mixed.share) * weights[y]).sum() + (mixed.share * weights[mixed.labels]).sum()

    def _cross_entropy(self, logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        return F.cross_entropy(logits, y, self._weights, label_smoothing=self._smoothing, reduction=reduction)
