"""One training step's gradients: by autograd, or written out for plain Dense stacks.

Both leave the gradients of the mean cross-entropy in `parameter.grad` and return (cost, logits). The second saves
what autograd costs a small network in bookkeeping and is held to the first by the tests. It derives from the layer
list: Flatten, Dense-ReLU pairs, Dense, every Dense with a bias.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.layers import Dense, Flatten, Layer, ReLU


class Gradients(Protocol):
    """(pictures (N, C, H, W), labels (N,)) to (cost (), logits (N, classes)), both detached."""

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Fill every `parameter.grad`."""
        ...


class Autograd:
    """Any module."""

    def __init__(self, module: nn.Module, label_smoothing: float) -> None:
        self._module = module
        self._smoothing = label_smoothing

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Forward, backward."""
        self._module.zero_grad(set_to_none=True)
        logits = self._module(x)
        cost = F.cross_entropy(logits, y, label_smoothing=self._smoothing)
        cost.backward()  # type: ignore[no-untyped-call]
        return cost.detach(), logits.detach()


class DenseStack:
    """Plain Dense stacks only; see `is_dense_stack`."""

    def __init__(self, module: nn.Sequential, label_smoothing: float) -> None:
        self._layers = [layer for layer in module if isinstance(layer, nn.Linear)]
        for layer in self._layers:
            layer.weight.grad = torch.zeros_like(layer.weight)
            layer.bias.grad = torch.zeros_like(layer.bias)
        self._smoothing = label_smoothing

    @torch.no_grad()
    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Forward keeping each layer's input, then the chain rule from the logits down."""
        inputs = [x.flatten(1)]
        for layer in self._layers[:-1]:
            inputs.append(torch.addmm(layer.bias, inputs[-1], layer.weight.t()).clamp_min_(0))
        last = self._layers[-1]
        logits = torch.addmm(last.bias, inputs[-1], last.weight.t())
        log_probabilities = torch.log_softmax(logits, dim=1)
        classes, right, share = logits.shape[1], 1 - self._smoothing, 1 / len(y)
        target = torch.full_like(logits, self._smoothing / classes * share)
        target.scatter_add_(1, y[:, None], target.new_full((len(y), 1), right * share))
        cost = -(target * log_probabilities).sum()
        # d cost / d logits = softmax - target, over the batch
        upstream = log_probabilities.exp_().mul_(share).sub_(target)
        for layer, value in zip(reversed(self._layers), reversed(inputs), strict=True):
            torch.mm(upstream.t(), value, out=layer.weight.grad)
            torch.sum(upstream, 0, out=layer.bias.grad)
            if value is not inputs[0]:
                # the input is a ReLU's output, so where it is 0 nothing flows back
                upstream = torch.ops.aten.threshold_backward(torch.mm(upstream, layer.weight), value, 0)
        return cost, logits


def is_dense_stack(layers: tuple[Layer, ...]) -> bool:
    """Flatten, then Dense and ReLU in turn, ending with Dense; every Dense with a bias."""
    expected = (Dense, ReLU) * (len(layers) // 2)
    kinds = tuple(type(layer) for layer in layers)
    biased = all(layer.bias for layer in layers if isinstance(layer, Dense))
    return len(layers) % 2 == 0 and kinds == (Flatten, *expected[: len(layers) - 1]) and biased
