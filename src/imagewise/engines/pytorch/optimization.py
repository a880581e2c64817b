"""The recipe's optimiser by PyTorch's fused steps, and its state as plain arrays.

Through `torch.optim`'s functions, not its classes: to make an object of one of those imports torch._dynamo, which takes
1.5 s (PyTorch 2.13) and which no eager step needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from imagewise.recipe import SGD, Adam, AdamW

State = dict[str, list[Tensor]]
"""Of each kind of tensor that an optimiser keeps, one for each parameter."""


class _Group(Protocol):
    """Parameters with one weight decay, and what their optimiser keeps of them."""

    parameters: list[Tensor]
    state: State

    def step(self, gradients: list[Tensor], rate: float) -> None:
        """Change the parameters and the state, in place."""
        ...


class Optimizer:
    """Steps a module's parameters by their `grad`, at a rate that the caller sets."""

    def __init__(self, groups: list[_Group]) -> None:
        self._groups = groups

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step at learning rate `rate`."""
        for group in self._groups:
            group.step([p.grad for p in group.parameters if p.grad is not None], rate)

    def read_state(self) -> dict[str, NDArray[np.float32]]:
        """`<parameter>.<name>` of every tensor that is kept, copied."""
        return {key: value.cpu().contiguous().numpy().copy() for key, value in self._tensors().items()}

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `read_state`. Raises ValueError where they are of another optimiser or network."""
        tensors = self._tensors()
        shapes = {key: tuple(value.shape) for key, value in tensors.items()}
        if {key: value.shape for key, value in arrays.items()} != shapes:
            raise ValueError("the optimiser's state is of another optimiser or network")
        for key, value in arrays.items():
            tensors[key].copy_(torch.from_numpy(value))

    def _tensors(self) -> dict[str, Tensor]:
        tensors: dict[str, Tensor] = {}
        first = 0
        for group in self._groups:
            for name, values in group.state.items():
                tensors |= {f"{number}.{name}": value for number, value in enumerate(values, start=first)}
            first += len(group.parameters)
        return tensors


class _AdamGroup:
    def __init__(self, choice: Adam | AdamW, parameters: list[Tensor], weight_decay: float) -> None:
        self.parameters = parameters
        self.state: State = {
            "exp_avg": [torch.zeros_like(p) for p in parameters],
            "exp_avg_sq": [torch.zeros_like(p) for p in parameters],
            "step": [torch.zeros((), device=p.device) for p in parameters],
        }
        self._choice, self._weight_decay = choice, weight_decay

    def step(self, gradients: list[Tensor], rate: float) -> None:
        adam(
            self.parameters,
            gradients,
            self.state["exp_avg"],
            self.state["exp_avg_sq"],
            [],
            self.state["step"],
            fused=True,
            decoupled_weight_decay=True,
            amsgrad=False,
            beta1=self._choice.beta1,
            beta2=self._choice.beta2,
            lr=rate,
            weight_decay=self._weight_decay,
            eps=self._choice.epsilon,
            maximize=False,
        )


class _SGDGroup:
    def __init__(self, choice: SGD, parameters: list[Tensor], weight_decay: float) -> None:
        self.parameters = parameters
        # zeros make the first step what it is without momentum
        self.state: State = {"momentum_buffer": [torch.zeros_like(p) for p in parameters]} if choice.momentum else {}
        self._choice, self._weight_decay = choice, weight_decay

    def step(self, gradients: list[Tensor], rate: float) -> None:
        sgd(
            self.parameters,
            gradients,
            [*self.state.get("momentum_buffer", [None] * len(gradients))],
            fused=True,
            weight_decay=self._weight_decay,
            momentum=self._choice.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self._choice.nesterov,
            maximize=False,
        )


def build_optimizer(module: nn.Module, choice: Adam | AdamW | SGD) -> Optimizer:
    """Fused, with weight decay on matrices and kernels only: biases and norms are not shrunk."""
    parameters: list[Tensor] = [p for p in module.parameters() if p.requires_grad]
    decay = 0.0 if isinstance(choice, Adam) else choice.weight_decay
    shares = [(parameters, 0.0)]  # one group where one will do: each costs a call a step
    if decay:
        shares = [([p for p in parameters if p.ndim > 1], decay), ([p for p in parameters if p.ndim == 1], 0.0)]
    return Optimizer([_group(choice, share, its_decay) for share, its_decay in shares if share])


def _group(choice: Adam | AdamW | SGD, parameters: list[Tensor], weight_decay: float) -> _Group:
    if isinstance(choice, SGD):
        return _SGDGroup(choice, parameters, weight_decay)
    return _AdamGroup(choice, parameters, weight_decay)
