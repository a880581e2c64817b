"""The gradients written out for Dense stacks are autograd's."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewise.engines.dense_stack import is_dense_stack
from imagewise.engines.pytorch.gradients import Autograd, DenseStack
from imagewise.engines.pytorch.mixing import Mixed
from imagewise.engines.pytorch.module import build_module, load_weights
from imagewise.initialization import initial_weights
from imagewise.layers import BatchNorm, Conv, Dense, Dropout, Flatten, Layer, ReLU
from imagewise.network import Network, perceptron


def a_stack(hidden: list[int], classes: int, seed: int) -> torch.nn.Sequential:
    """In float64, so that a wrong formula cannot hide in rounding."""
    network = Network((3, 4, 1), (0.0,), (1.0,), perceptron(classes, hidden=tuple(hidden)))
    module = build_module(network)
    load_weights(module, initial_weights(network, "normal", seed))
    return module.double()


@settings(max_examples=60)
@given(
    hidden=st.lists(st.integers(1, 9), max_size=3),
    classes=st.integers(2, 6),
    count=st.integers(1, 8),
    smoothing=st.one_of(st.just(0.0), st.floats(0, 0.9)),
    weighted=st.booleans(),
    mixes=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_dense_stacks_gradients_are_autograds(
    hidden: list[int], classes: int, count: int, smoothing: float, weighted: bool, mixes: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((count, 1, 3, 4), dtype=torch.float64, generator=generator)
    y = torch.randint(classes, (count,), generator=generator)
    by_hand, by_autograd = a_stack(hidden, classes, seed), a_stack(hidden, classes, seed)
    weights = 0.1 + 5 * torch.rand(classes, dtype=torch.float64, generator=generator) if weighted else None
    found, wanted = DenseStack(by_hand, smoothing, weights), Autograd(by_autograd, smoothing, weights)
    share = torch.rand(count, dtype=torch.float64, generator=generator) / 2
    mixed = Mixed(torch.randint(classes, (count,), generator=generator), share) if mixes else None
    for _ in range(2):  # the second step must not add to the first one's gradients
        cost, logits = found(x, y, mixed)
        wanted_cost, wanted_logits = wanted(x, y, mixed)
    torch.testing.assert_close(cost, wanted_cost)
    torch.testing.assert_close(logits, wanted_logits)
    for one, other in zip(by_hand.parameters(), by_autograd.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-9, atol=1e-11)


def test_nothing_flows_back_through_a_relu_that_is_off() -> None:
    by_hand = a_stack([3], 2, 0)
    first, last = by_hand[1], by_hand[3]
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        first.bias.fill_(-1e6)
    DenseStack(by_hand, 0.0)(torch.ones((2, 1, 3, 4), dtype=torch.float64), torch.tensor([0, 0]))
    assert first.weight.grad is not None
    assert last.bias.grad is not None
    assert not first.weight.grad.any()
    assert last.bias.grad.any()


@pytest.mark.parametrize("gradients", [DenseStack, Autograd])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, [0.5, 3.0, 1.0]])
def test_the_cost_is_pytorchs_cross_entropy(
    gradients: type[DenseStack] | type[Autograd], smoothing: float, weights: list[float] | None
) -> None:
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    module = a_stack([4], 3, 1)
    x, y = torch.rand((5, 1, 3, 4), dtype=torch.float64, generator=torch.Generator()), torch.arange(5) % 3
    cost, logits = gradients(module, smoothing, weight)(x, y)
    torch.testing.assert_close(logits, module(x).detach())
    wanted = torch.nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
    torch.testing.assert_close(cost, wanted(logits, y))
    assert not cost.requires_grad
    assert not logits.requires_grad


@pytest.mark.parametrize(
    ("layers", "plain"),
    [
        ((Flatten(), Dense(3)), True),
        (perceptron(3), True),
        (perceptron(3, hidden=(5, 5, 5)), True),
        (perceptron(3, dropout=0.5), False),
        ((Dense(3),), False),
        ((Flatten(),), False),
        ((Flatten(), Dense(3), ReLU()), False),
        ((Flatten(), ReLU(), Dense(3)), False),
        ((Flatten(), Dense(3), Dense(3)), False),
        ((Flatten(), Dense(3), ReLU(), Dense(3, bias=False)), False),
        ((Flatten(), Dense(3), BatchNorm(), Dense(3)), False),
        ((Flatten(), Dense(3), Dropout(0.0), Dense(3)), False),
        ((Conv(2, 3), ReLU(), Flatten(), Dense(3)), False),
    ],
)
def test_only_plain_dense_stacks_take_the_short_way(layers: tuple[Layer, ...], plain: bool) -> None:
    assert is_dense_stack(layers) == plain


@pytest.mark.parametrize("gradients", [DenseStack, Autograd])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_a_mixed_pictures_cost_is_pytorchs_for_the_two_labels_in_their_shares(
    gradients: type[DenseStack] | type[Autograd], smoothing: float
) -> None:
    module = a_stack([4], 3, 1)
    x, y = torch.rand((5, 1, 3, 4), dtype=torch.float64, generator=torch.Generator()), torch.arange(5) % 3
    share = torch.tensor([0.0, 0.5, 0.25, 0.1, 0.4], dtype=torch.float64)
    mixed = Mixed(y.roll(1), share)
    cost, logits = gradients(module, smoothing)(x, y, mixed)
    one_hot = torch.nn.functional.one_hot
    both = (1 - share)[:, None] * one_hot(y, 3) + share[:, None] * one_hot(mixed.labels, 3)
    torch.testing.assert_close(cost, torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, both))
