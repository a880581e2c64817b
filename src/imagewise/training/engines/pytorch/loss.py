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
        total = torch.zeros((), device=logits.device)
        counted = torch.zeros((), device=logits.device)
        for labels, fraction in ((y, 1 - mixed.share), (mixed.labels, mixed.share)):
            total = total + (fraction * self._cross_entropy(logits, labels, "none")).sum()
            counted = counted + (fraction if self._weights is None else fraction * self._weights[labels]).sum()
        return total / counted

    def _cross_entropy(self, logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        return F.cross_entropy(logits, y, self._weights, label_smoothing=self._smoothing, reduction=reduction)
