"""The recipe's optimiser over one vector of weights, with PyTorch's meaning.

A pass over the weights costs as much as a small matrix product, so that moments are kept divided by 1 - beta: the
running mean m = beta m + (1 - beta) g is then one multiplication and one addition in place, and the factor goes into
the rate, as the bias corrections do.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.training.recipe import SGD, Adam, AdamW

Array = NDArray[np.float32]


class Optimizer(Protocol):
    """Changes a vector of weights in place.

    Attributes:
        state: what it keeps, by name, and `step`, (), the number of steps so far.
    """

    state: dict[str, Array]

    def step(self, gradients: Array, rate: float) -> None:
        """One step at learning rate `rate`; `gradients` (n,) may be overwritten."""
        ...


def build_optimizer(
    values: Array, matrices: int, choice: Adam | AdamW | SGD, multipliers: Array | None = None
) -> Optimizer:
    """The optimiser of weights (n,), of which weight decay shrinks the first `matrices`: biases are not shrunk.

    `multipliers` (n,) are multiples of the learning rate; None: 1 for all.
    """
    if isinstance(choice, SGD):
        return MomentumDescent(values, matrices, choice, multipliers)
    return AdaptiveMoments(values, matrices, choice, multipliers)


class AdaptiveMoments:
    """Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

    def __init__(self, values: Array, matrices: int, choice: Adam | AdamW, multipliers: Array | None = None) -> None:
        self._multipliers = multipliers
        self._values, self._decayed, self._choice = values, values[:matrices], choice
        self._decay = choice.weight_decay if isinstance(choice, AdamW) else 0.0
        self.state = {"mean": np.zeros_like(values), "square": np.zeros_like(values), "step": np.zeros((), np.float32)}

    def step(self, gradients: Array, rate: float) -> None:
        """See `Optimizer`."""
        beta1, beta2 = self._choice.beta1, self._choice.beta2
        mean, square, number = self.state["mean"], self.state["square"], self.state["step"]
        number += 1
        if self._decay:
            self._decayed *= self._kept(rate)
        mean *= np.float32(beta1)
        mean += gradients
        square *= np.float32(beta2)
        np.multiply(gradients, gradients, out=gradients)
        square += gradients
        # m' / (sqrt(v') + epsilon), where m' = mean * first and v' = square * second
        first = (1 - beta1) / (1 - beta1 ** float(number))
        second = sqrt((1 - beta2) / (1 - beta2 ** float(number)))
        change = np.sqrt(square, out=gradients)
        change += np.float32(self._choice.epsilon / second)
        np.divide(mean, change, out=change)
        change *= np.float32(rate * first / second)
        if self._multipliers is not None:
            change *= self._multipliers
        self._values -= change

    def _kept(self, rate: float) -> Array | np.float32:
        """The fraction of each decayed weight that a step leaves."""
        if self._multipliers is None:
            return np.float32(1 - rate * self._decay)
        return 1 - np.float32(rate * self._decay) * self._multipliers[: len(self._decayed)]


class MomentumDescent:
    """SGD, with Nesterov's momentum as PyTorch has it."""

    def __init__(self, values: Array, matrices: int, choice: SGD, multipliers: Array | None = None) -> None:
        self._multipliers = multipliers
        self._values, self._matrices, self._choice = values, matrices, choice
        self.state = {"velocity": np.zeros_like(values)} if choice.momentum else {}

    def step(self, gradients: Array, rate: float) -> None:
        """See `Optimizer`."""
        momentum = np.float32(self._choice.momentum)
        if self._choice.weight_decay:
            shrunk = self._values[: self._matrices] * np.float32(self._choice.weight_decay)
            gradients[: self._matrices] += shrunk
        change = gradients
        if self._choice.momentum:
            velocity = self.state["velocity"]
            velocity *= momentum
            velocity += gradients
            change = gradients + momentum * velocity if self._choice.nesterov else velocity
        change = np.float32(rate) * change
        self._values -= change if self._multipliers is None else change * self._multipliers


def load_state(optimizer: Optimizer, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Take what `state` held. Raises ValueError where it is of another optimiser or network."""
    shapes = {name: value.shape for name, value in optimizer.state.items()}
    if {name: value.shape for name, value in arrays.items()} != shapes:
        raise ValueError("the optimiser's state is of another optimiser or network")
    for name, value in arrays.items():
        optimizer.state[name][...] = value
