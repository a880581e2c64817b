"""Test accuracy of a PyTorch module, 1,000 pictures at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def score(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of (N, C, H, W) pictures whose largest logit is at their label."""
    model.eval()
    parts = range(0, len(y), 1000)
    right = sum(int((model(x[at : at + 1000]).argmax(1) == y[at : at + 1000]).sum()) for at in parts)
    return right / len(y)
