"""One training step's gradients: by autograd, or written out for plain Dense stacks.

Both leave the gradients of the mean cross-entropy, as PyTorch defines it with label smoothing and class weights, in
`parameter.grad` and return (cost, logits). The second saves what autograd costs a small network in bookkeeping and is
held to the first by the tests. It is for what `is_dense_stack` is true of.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imagewise.engines.pytorch.mixing import Mixed


class Gradients(Protocol):
    """(pictures (N, C, H, W), labels (N,)) to (cost (), logits (N, classes)), both detached."""

    def __call__(self, x: Tensor, y: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        """Fill every `parameter.grad`."""
        ...


class Autograd:
    """Any module. `class_weights`: (classes,), or None."""

    def __init__(self, module: nn.Module, label_smoothing: float, class_weights: Tensor | None = None) -> None:
        self._module = module
        self._smoothing, self._weights = label_smoothing, class_weights

    def __call__(self, x: Tensor, y: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        """Forward, backward."""
        self._module.zero_grad(set_to_none=True)
        logits = self._module(x)
        cost = self._cost(logits, y) if mixed is None else self._mixed_cost(logits, y, mixed)
        cost.backward()  # type: ignore[no-untyped-call]
        return cost.detach(), logits.detach()

    def _cost(self, logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        return F.cross_entropy(logits, y, self._weights, label_smoothing=self._smoothing, reduction=reduction)

    def _mixed_cost(self, logits: Tensor, y: Tensor, mixed: Mixed) -> Tensor:
        """The mean over labels, each picture's two counting by their shares (times their class weights)."""
        total = torch.zeros((), device=logits.device)
        counted = torch.zeros((), device=logits.device)
        for labels, share in ((y, 1 - mixed.share), (mixed.labels, mixed.share)):
            total = total + (share * self._cost(logits, labels, "none")).sum()
            counted = counted + (share if self._weights is None else share * self._weights[labels]).sum()
        return total / counted


class DenseStack:
    """Plain Dense stacks only; see `imagewise.engines.dense_stack`."""

    def __init__(self, module: nn.Sequential, label_smoothing: float, class_weights: Tensor | None = None) -> None:
        self._layers = [layer for layer in module if isinstance(layer, nn.Linear)]
        for layer in self._layers:
            layer.weight.grad = torch.zeros_like(layer.weight)
            layer.bias.grad = torch.zeros_like(layer.bias)
        self._smoothing, self._weights = label_smoothing, class_weights

    @torch.no_grad()
    def __call__(self, x: Tensor, y: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        """Forward keeping each layer's input, then the chain rule from the logits down."""
        inputs = [x.flatten(1)]
        for layer in self._layers[:-1]:
            inputs.append(torch.addmm(layer.bias, inputs[-1], layer.weight.t()).clamp_min_(0))
        last = self._layers[-1]
        logits = torch.addmm(last.bias, inputs[-1], last.weight.t())
        log_probabilities = torch.log_softmax(logits, dim=1)
        target, mass = self._target(logits, y) if mixed is None else self._mixed_target(logits, y, mixed)
        cost = -(target * log_probabilities).sum()
        # d cost / d logits = softmax times the target's sum - target
        upstream = log_probabilities.exp_().mul_(mass).sub_(target)
        for layer, value in zip(reversed(self._layers), reversed(inputs), strict=True):
            torch.mm(upstream.t(), value, out=layer.weight.grad)
            torch.sum(upstream, 0, out=layer.bias.grad)
            if value is not inputs[0]:
                # the input is a ReLU's output, so where it is 0 nothing flows back
                upstream = torch.ops.aten.threshold_backward(torch.mm(upstream, layer.weight), value, 0)
        return cost, logits

    def _target(self, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor | float]:
        """What the log-probabilities are multiplied by, (N, classes), and its sum a picture: (N, 1), or the same."""
        spread, right = self._smoothing / logits.shape[1], 1 - self._smoothing
        if self._weights is None:
            share = 1 / len(y)
            target = torch.full_like(logits, spread * share)
            target.scatter_add_(1, y[:, None], target.new_full((len(y), 1), right * share))
            return target, share
        weights = self._weights[y]
        target = (spread * self._weights).repeat(len(y), 1)
        target.scatter_add_(1, y[:, None], right * weights[:, None]).div_(weights.sum())
        return target, target.sum(1, keepdim=True)

    def _mixed_target(self, logits: Tensor, y: Tensor, mixed: Mixed) -> tuple[Tensor, Tensor]:
        spread, right = self._smoothing / logits.shape[1], 1 - self._smoothing
        weights = logits.new_ones(logits.shape[1]) if self._weights is None else self._weights
        target, counted = torch.zeros_like(logits), logits.new_zeros(())
        for labels, share in ((y, 1 - mixed.share), (mixed.labels, mixed.share)):
            weight = share * weights[labels]
            target.addcmul_(share[:, None], weights, value=spread).scatter_add_(
                1, labels[:, None], right * weight[:, None]
            )
            counted += weight.sum()
        return target.div_(counted), target.sum(1, keepdim=True)
