"""The loss that the PyTorch engine minimises is PyTorch's own cross-entropy, for mixed labels too."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from imagewise.training.engines.pytorch.loss import TrainingLoss
from imagewise.training.engines.pytorch.mixup import Mixed


def logits_and_labels() -> tuple[torch.Tensor, torch.Tensor]:
    logits = torch.randn((5, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    return logits, torch.arange(5) % 3


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, [0.5, 3.0, 1.0]])
def test_the_loss_is_pytorchs_cross_entropy(smoothing: float, weights: list[float] | None) -> None:
    logits, y = logits_and_labels()
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    wanted = torch.nn.CrossEntropyLoss(weight, label_smoothing=smoothing)(logits, y)
    torch.testing.assert_close(TrainingLoss(smoothing, weight)(logits, y), wanted)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_a_mixed_pictures_loss_is_pytorchs_for_the_two_labels_in_their_fractions(smoothing: float) -> None:
    logits, y = logits_and_labels()
    fraction = torch.tensor([0.0, 0.5, 0.25, 0.1, 0.4], dtype=torch.float64)
    mixed = Mixed(y.roll(1), fraction)
    both = (1 - fraction)[:, None] * F.one_hot(y, 3) + fraction[:, None] * F.one_hot(mixed.labels, 3)
    wanted = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, both)
    torch.testing.assert_close(TrainingLoss(smoothing)(logits, y, mixed), wanted)


def test_mixed_labels_count_by_their_class_weights() -> None:
    logits, y = logits_and_labels()
    weight = torch.tensor([0.5, 3.0, 1.0], dtype=torch.float64)
    fraction = torch.full((5,), 0.25, dtype=torch.float64)
    mixed = Mixed(y.roll(1), fraction)
    each = (
        F.cross_entropy(logits, y, weight, reduction="none"),
        F.cross_entropy(logits, y.roll(1), weight, reduction="none"),
    )
    wanted = (0.75 * each[0] + 0.25 * each[1]).sum() / (0.75 * weight[y] + 0.25 * weight[y.roll(1)]).sum()
    torch.testing.assert_close(TrainingLoss(0.0, weight)(logits, y, mixed), wanted)


def test_a_loss_can_be_differentiated() -> None:
    logits, y = logits_and_labels()
    TrainingLoss(0.1)(logits, y).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad.any()
