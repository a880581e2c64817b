"""The recipe's optimiser with PyTorch's meaning, by TensorFlow's fused update operations.

Keras's optimisers are not used: they put Adam's epsilon elsewhere, fold the rate into SGD's velocity, and decay
weights by another rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.recipe import SGD, Adam, AdamW


class Optimizer(Protocol):
    """Changes the parameters in place.

    Attributes:
        state: the variables that it keeps, by name.
    """

    state: dict[str, Any]

    def step_coefficients(self, rates: Sequence[float], first: int) -> NDArray[np.float64]:
        """A row for each step: what depends on the rate and on how many steps went before (`first`, from 0)."""
        ...

    def apply(self, gradients: Sequence[Any], coefficients: Any) -> None:
        """One step, by one row of `coefficients`, float32."""
        ...


def build_optimizer(
    parameters: Mapping[str, Any], choice: Adam | AdamW | SGD, rate_multiplier: Callable[[str], float] = lambda _: 1.0
) -> Optimizer:
    """The optimiser of these variables by canonical name; weight decay shrinks matrices and kernels, not biases."""
    multipliers = {name: rate_multiplier(name) for name in parameters}
    kind = MomentumDescent if isinstance(choice, SGD) else AdaptiveMoments
    return kind(parameters, choice, multipliers)  # type: ignore[arg-type]


class AdaptiveMoments:
    """Adam and AdamW."""

    def __init__(self, parameters: Mapping[str, Any], choice: Adam | AdamW, multipliers: Mapping[str, float]) -> None:
        self._parameters, self._choice, self._multipliers = parameters, choice, multipliers
        self._decay = choice.weight_decay if isinstance(choice, AdamW) else 0.0
        self.state = _zeros_like(parameters, "mean") | _zeros_like(parameters, "square")

    def step_coefficients(self, rates: Sequence[float], first: int) -> NDArray[np.float64]:
        """Rate and epsilon with the bias corrections in them, and what decay leaves."""
        steps, rate = np.arange(first + 1, first + 1 + len(rates)), np.array(rates)
        square = np.sqrt(1 - self._choice.beta2**steps)
        corrected = rate * square / (1 - self._choice.beta1**steps)
        return np.stack([corrected, self._choice.epsilon * square, 1 - rate * self._decay], axis=1)

    def apply(self, gradients: Sequence[Any], coefficients: Any) -> None:
        """See `Optimizer`."""
        for (name, parameter), gradient in zip(self._parameters.items(), gradients, strict=True):
            if self._decay and len(parameter.shape) > 1:
                parameter.assign(parameter * self._kept(name, coefficients[2]))
            tf.raw_ops.ResourceApplyAdam(
                var=parameter.handle,
                m=self.state[f"{name}.mean"].handle,
                v=self.state[f"{name}.square"].handle,
                beta1_power=0.0,  # the corrections are in the rate
                beta2_power=0.0,
                lr=_scaled(coefficients[0], self._multipliers[name]),
                beta1=self._choice.beta1,
                beta2=self._choice.beta2,
                epsilon=coefficients[1],
                grad=gradient,
            )

    def _kept(self, name: str, kept: Any) -> Any:
        """The fraction of a decayed parameter that a step leaves: 1 - rate x decay x multiplier."""
        multiplier = self._multipliers[name]
        return kept if multiplier == 1 else 1 - (1 - kept) * multiplier


class MomentumDescent:
    """SGD."""

    def __init__(self, parameters: Mapping[str, Any], choice: SGD, multipliers: Mapping[str, float]) -> None:
        self._parameters, self._choice, self._multipliers = parameters, choice, multipliers
        self.state = _zeros_like(parameters, "velocity") if choice.momentum else {}

    def step_coefficients(self, rates: Sequence[float], first: int) -> NDArray[np.float64]:
        """The rate."""
        return np.array(rates)[:, None]

    def apply(self, gradients: Sequence[Any], coefficients: Any) -> None:
        """See `Optimizer`."""
        for (name, parameter), gradient in zip(self._parameters.items(), gradients, strict=True):
            if self._choice.weight_decay and len(parameter.shape) > 1:
                gradient = gradient + self._choice.weight_decay * parameter
            if not self._choice.momentum:
                parameter.assign_sub(_scaled(coefficients[0], self._multipliers[name]) * gradient)
                continue
            tf.raw_ops.ResourceApplyMomentum(
                var=parameter.handle,
                accum=self.state[f"{name}.velocity"].handle,
                lr=_scaled(coefficients[0], self._multipliers[name]),
                grad=gradient,
                momentum=self._choice.momentum,
                use_nesterov=self._choice.nesterov,
            )


def _scaled(rate: Any, multiplier: float) -> Any:
    """The learning rate of one parameter; untouched where the multiplier is 1."""
    return rate if multiplier == 1 else rate * multiplier


def _zeros_like(parameters: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {f"{name}.{kind}": tf.Variable(tf.zeros_like(value)) for name, value in parameters.items()}


def read_state(optimizer: Optimizer) -> dict[str, NDArray[np.float32]]:
    """The optimiser's variables as arrays, copied."""
    return {name: np.array(variable.numpy()) for name, variable in optimizer.state.items()}


def load_state(optimizer: Optimizer, arrays: Mapping[str, NDArray[Any]]) -> None:
    """The inverse of `read_state`. Raises ValueError where they are of another optimiser or network."""
    if arrays.keys() != optimizer.state.keys():
        raise ValueError(f"it holds {', '.join(arrays) or 'nothing'} of the optimiser")
    for name, variable in optimizer.state.items():
        variable.assign(arrays[name])
