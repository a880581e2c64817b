"""The recipe's optimiser as PyTorch's, and its state as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imagewise.recipe import SGD, Adam, AdamW


def build_optimizer(module: nn.Module, optimizer: Adam | AdamW | SGD) -> torch.optim.Optimizer:
    """Fused, with weight decay on matrices and kernels only: biases and norms are not shrunk."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [{"params": parameters}]  # one where one will do: each costs a call a step
    if getattr(optimizer, "weight_decay", 0.0):
        groups = [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ]
    rate = optimizer.learning_rate
    if isinstance(optimizer, SGD):
        return torch.optim.SGD(
            groups,
            rate,
            momentum=optimizer.momentum,
            nesterov=optimizer.nesterov,
            weight_decay=optimizer.weight_decay,
            fused=True,
        )
    betas, epsilon = (optimizer.beta1, optimizer.beta2), optimizer.epsilon
    if isinstance(optimizer, AdamW):
        decay = optimizer.weight_decay
        return torch.optim.AdamW(groups, rate, betas, epsilon, weight_decay=decay, fused=True)
    return torch.optim.Adam(groups, rate, betas, epsilon, fused=True)


def read_state(optimizer: torch.optim.Optimizer) -> dict[str, NDArray[np.float32]]:
    """`<parameter>.<name>` of every tensor that the optimiser keeps, copied."""
    return {
        f"{number}.{name}": value.detach().cpu().contiguous().numpy().copy()
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if isinstance(value, torch.Tensor)
    }


def load_state(optimizer: torch.optim.Optimizer, arrays: Mapping[str, NDArray[Any]]) -> None:
    """The inverse of `read_state`."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        number, _, name = key.partition(".")
        like = parameters[int(number)]
        tensor = torch.tensor(value)
        if tensor.shape == like.shape:
            # in the parameter's own memory format: fused steps walk both in the order they lie in memory
            tensor = torch.empty_like(like).copy_(tensor)
        state.setdefault(int(number), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
