"""The recipe's optimiser by PyTorch's fused steps, and its state as plain arrays.

Through `torch.optim`'s functions, not its classes: to make an object of one of those imports torch._dynamo, which takes
1.5 s (PyTorch 2.13) and which no eager step needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from imagewise.training.recipe import SGD, Adam, AdamW

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
    """Steps a module's parameters by gradients and at a rate that the caller gives.

    Attributes:
        parameters: all that are stepped, in the order of the gradients that `step` takes.
    """

    def __init__(self, groups: list[tuple[_Group, float]]) -> None:
        self._groups, self._multipliers = [group for group, _ in groups], [multiplier for _, multiplier in groups]
        self.parameters = [parameter for group in self._groups for parameter in group.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """One step at learning rate `rate`, times each group's multiplier."""
        rest = iter(_like(parameter, gradient) for parameter, gradient in zip(self.parameters, gradients, strict=True))
        for group, multiplier in zip(self._groups, self._multipliers, strict=True):
            group.step(list(islice(rest, len(group.parameters))), rate * multiplier)

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
        adamw(  # Adam where nothing decays; `adam` itself cannot decouple decay before PyTorch 2.7
            self.parameters,
            gradients,
            self.state["exp_avg"],
            self.state["exp_avg_sq"],
            [],
            self.state["step"],
            fused=True,
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


def _like(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in its parameter's memory layout: the fused steps walk through both as they are in memory."""
    return gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)


def build_optimizer(
    module: nn.Module, choice: Adam | AdamW | SGD, rate_multiplier: Callable[[str], float] = lambda _: 1.0
) -> Optimizer:
    """Fused steps, with weight decay on matrices and kernels only: biases and norms are not shrunk.

    Args:
        module: its parameters that require gradients are stepped.
        choice: the recipe's.
        rate_multiplier: from a parameter's name, the multiple of the learning rate.
    """
    decay = 0.0 if isinstance(choice, Adam) else choice.weight_decay
    # one group for each decay and multiplier, as each costs a call a step; those that are shrunk first
    members: dict[tuple[bool, float], list[Tensor]] = {}
    for shrunk in (True, False):
        for name, parameter in module.named_parameters():
            if parameter.requires_grad and (bool(decay) and parameter.ndim > 1) == shrunk:
                members.setdefault((shrunk, rate_multiplier(name)), []).append(parameter)
    return Optimizer(
        [
            (_group(choice, parameters, decay if shrunk else 0.0), multiplier)
            for (shrunk, multiplier), parameters in members.items()
        ]
    )


def _group(choice: Adam | AdamW | SGD, parameters: list[Tensor], weight_decay: float) -> _Group:
    if isinstance(choice, SGD):
        return _SGDGroup(choice, parameters, weight_decay)
    return _AdamGroup(choice, parameters, weight_decay)
