"""Loss and gradients of a batch, a few pictures at a time where the whole batch would need much memory.

The gradient of a sum is the sum of the gradients, unless pictures of a batch see each other, as in batch normalisation
that is trained. What is computed at once depends on the job only, not on the machine, so that results repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer, Shape
from imagewise.training.engines.pytorch.loss import TrainingLoss
from imagewise.training.engines.pytorch.mixup import Mixed
from imagewise.training.job import TrainingJob

AT_ONCE_BYTES = 192 * 2**20  # of activations that gradients need


class BatchGradients:
    """Computes gradients of a loss by a module's parameters.

    Args:
        module: in the mode that it is trained in.
        loss: of a batch.
        parameters: by which gradients are taken, in order.
        at_once: pictures; None: each batch whole.
        bfloat16: the precision of layers that are safe in it (PyTorch's autocast); else all is float32.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: TrainingLoss,
        parameters: Sequence[Tensor],
        at_once: int | None = None,
        bfloat16: bool = False,
    ) -> None:
        self._module, self._loss, self._parameters = module, loss, list(parameters)
        self._at_once, self._bfloat16 = at_once, bfloat16

    def __call__(self, x: Tensor, y: Tensor, mixed: Mixed | None) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Loss () and logits (N, classes) before the step, detached, and gradients, of pictures (N, C, H, W)."""
        parts = 1 if self._at_once is None else -(-len(x) // self._at_once)
        if parts == 1:
            logits = self._logits(x)
            loss = self._loss(logits, y, mixed)
            # not `backward()`: to keep gradients in `parameter.grad` costs a perceptron a tenth of its step
            return loss.detach(), logits.detach(), list(torch.autograd.grad(loss, self._parameters))
        weight = self._loss.weight(y, mixed)
        losses, all_logits = [], []
        gradients = [torch.zeros_like(parameter) for parameter in self._parameters]
        for chosen in torch.arange(len(x), device=x.device).tensor_split(parts):
            part = slice(int(chosen[0]), int(chosen[-1]) + 1)
            logits = self._logits(x[part])
            loss = self._loss.total(logits, y[part], None if mixed is None else mixed.part(part)) / weight
            torch._foreach_add_(gradients, torch.autograd.grad(loss, self._parameters))
            losses.append(loss.detach())
            all_logits.append(logits.detach())
        return torch.stack(losses).sum(), torch.cat(all_logits), gradients

    def _logits(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._bfloat16):
            logits: Tensor = self._module(x)
        return logits.float() if self._bfloat16 else logits


def pictures_at_once(job: TrainingJob) -> int | None:
    """How many pictures a step computes at once; None: each batch whole, where its pictures see each other."""
    if not job.freeze_batch_norm:
        return None
    height, width, channels = job.network.input_shape
    shape = (channels, *job.recipe.augment.training_sides(height, width))
    trained = {int(name.partition(".")[0]) for name in job.network.weight_shapes() if job.rate_multiplier(name) > 0}
    kept = activations(job.network.layers, shape, min(trained, default=0))
    return max(1, AT_ONCE_BYTES // (4 * max(1, kept)))


def activations(layers: tuple[Layer, ...], shape: Shape, first: int = 0) -> int:
    """Numbers that a step keeps of one picture for its gradients, about: outputs of convolutions and sums from layer
    `first` on. Norms and activations after a convolution keep none of their own."""
    count = 0
    for number, layer in enumerate(layers):
        output = layer.output_shape(shape)
        if number >= first:
            if isinstance(layer, L.Branch):
                count += activations(layer.body, shape) + activations(layer.shortcut, shape)
            count += prod(output) if isinstance(layer, L.Conv | L.Dense | L.Branch) else 0
        shape = output
    return count
