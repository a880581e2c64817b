"""The recipe's optimisers, against their papers' formulas in plain NumPy, and their state as plain arrays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.pytorch.optimization import Optimizer, build_optimizer
from imagewise.training.recipe import SGD, Adam, AdamW

Values = NDArray[np.float64]
Choice = Adam | AdamW | SGD


def a_module() -> nn.Module:
    """Matrices, kernels, biases and norms; in the engine's memory format."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4))
    for parameter in module.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator))
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def step(module: nn.Module, optimizer: Optimizer, rate: float, number: int) -> list[Values]:
    """One step with random gradients in another memory format than the kernels'; returns them in the module's order."""
    generator = torch.Generator().manual_seed(number)
    gradients: dict[Tensor, Tensor] = {p: torch.randn(p.shape, generator=generator) for p in module.parameters()}
    optimizer.step([gradients[parameter] for parameter in optimizer.parameters], rate)
    return [gradient.numpy().astype(np.float64) for gradient in gradients.values()]


def adam(o: Adam | AdamW, w: Values, g: Values, state: dict[str, Values], t: int) -> Values:
    """Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2, with the rate times the decay."""
    if isinstance(o, AdamW) and w.ndim > 1:
        w = w - o.learning_rate * o.weight_decay * w
    state["m"] = o.beta1 * state.get("m", np.zeros_like(w)) + (1 - o.beta1) * g
    state["v"] = o.beta2 * state.get("v", np.zeros_like(w)) + (1 - o.beta2) * g**2
    m, v = state["m"] / (1 - o.beta1**t), state["v"] / (1 - o.beta2**t)
    return np.asarray(w - o.learning_rate * m / (np.sqrt(v) + o.epsilon))


def sgd(o: SGD, w: Values, g: Values, state: dict[str, Values], t: int) -> Values:
    """As recipe.py has it; Nesterov's looks one step ahead."""
    g = g + (o.weight_decay * w if w.ndim > 1 else 0)
    state["v"] = o.momentum * state["v"] + g if t > 1 else g
    return np.asarray(w - o.learning_rate * (g + o.momentum * state["v"] if o.nesterov else state["v"]))


CASES: list[tuple[Choice, Callable[..., Values]]] = [
    (Adam(learning_rate=0.01), adam),
    (Adam(learning_rate=0.1, beta1=0.5, beta2=0.7, epsilon=0.1), adam),
    (AdamW(name="adamw", learning_rate=0.1, weight_decay=0.3), adam),
    (AdamW(name="adamw", learning_rate=0.1, beta1=0.2, beta2=0.8, epsilon=0.01, weight_decay=0.0), adam),
    (SGD(name="sgd", learning_rate=0.1), sgd),
    (SGD(name="sgd", learning_rate=0.1, momentum=0.9), sgd),
    (SGD(name="sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.2), sgd),
    (SGD(name="sgd", learning_rate=0.1, momentum=0.8, nesterov=True, weight_decay=0.1), sgd),
]
cases = pytest.mark.parametrize(("optimizer", "formula"), CASES, ids=[str(o) for o, _ in CASES])


@cases
def test_steps_are_those_of_the_paper_with_decay_on_matrices_and_kernels_only(
    optimizer: Choice, formula: Callable[..., Values]
) -> None:
    module = a_module()
    built = build_optimizer(module, optimizer)
    weights: list[Values] = [p.detach().numpy().astype(np.float64) for p in module.parameters()]
    states: list[dict[str, Values]] = [{} for _ in weights]
    for t in (1, 2, 3, 4):
        gradients = step(module, built, optimizer.learning_rate, t)
        weights = [formula(optimizer, *each, t) for each in zip(weights, gradients, states, strict=True)]
    for parameter, wanted in zip(module.parameters(), weights, strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), wanted, rtol=1e-4, atol=1e-5)


@cases
def test_state_read_and_loaded_goes_on_to_the_last_bit(
    optimizer: Choice, formula: Callable[..., Values], tmp_path: Path
) -> None:
    whole, taken_up = a_module(), a_module()
    one = build_optimizer(whole, optimizer)
    for t in (1, 2):
        step(whole, one, optimizer.learning_rate, t)
    Checkpoint(dict(one.read_state()), {}).write(tmp_path / "state")
    taken_up.load_state_dict(whole.state_dict())
    other = build_optimizer(taken_up, optimizer)
    other.load_state(Checkpoint.read(tmp_path / "state").arrays)
    for t in (3, 4):
        step(whole, one, optimizer.learning_rate, t)
        step(taken_up, other, optimizer.learning_rate, t)
    for wanted, found in zip(whole.parameters(), taken_up.parameters(), strict=True):
        assert torch.equal(wanted, found)


def test_the_state_read_is_a_copy() -> None:
    module = a_module()
    optimizer = build_optimizer(module, Adam(learning_rate=0.1))
    step(module, optimizer, 0.1, 1)
    before = optimizer.read_state()
    copies = {name: value.copy() for name, value in before.items()}
    step(module, optimizer, 0.1, 2)
    assert copies
    assert all(np.array_equal(before[name], copies[name]) for name in copies)


def test_state_of_another_optimiser_is_refused() -> None:
    state = build_optimizer(a_module(), SGD(name="sgd", learning_rate=0.1, momentum=0.9)).read_state()
    with pytest.raises(ValueError, match="another optimiser"):
        build_optimizer(a_module(), Adam(learning_rate=0.1)).load_state(state)


def test_making_an_optimiser_does_not_import_the_compiler() -> None:
    code = """
import sys, torch
from imagewise.training.engines.pytorch.optimization import build_optimizer
from imagewise.training.recipe import AdamW
module = torch.nn.Linear(3, 2)
optimizer = build_optimizer(module, AdamW(name="adamw", learning_rate=0.1))
gradients = torch.autograd.grad(module(torch.ones(1, 3)).sum(), optimizer.parameters)
optimizer.step(gradients, 0.1)
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
