"""An exponential moving average of a module's weights over the steps, which is what recognises in the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightAverage:
    """A second module whose weights follow those of the first: average = d average + (1 - d) weights.

    d is min(decay, (1 + step) / (10 + step)), so that the first steps do not count for as long as the later ones
    (`tf.train.ExponentialMovingAverage` with `num_updates`). Running statistics of batch normalisation are averaged
    alike. The average starts as the weights that it is made with.

    Args:
        source: the module that is trained.
        module: one of the same layers; it becomes the average.
        decay: above 0 and below 1.

    Attributes:
        module: with the averaged weights.
    """

    def __init__(self, source: nn.Module, module: nn.Module, decay: float) -> None:
        self.module = module
        self._source, self._decay = source, decay

    @torch.no_grad()
    def update(self, number: int) -> None:
        """Take in the weights after step `number`, which is 0 for the first one."""
        averages, weights = _numbers(self.module), _numbers(self._source)
        share = 1 - min(self._decay, (1 + number) / (10 + number))
        torch._foreach_lerp_(averages, weights, share)  # frozen weights stay to the last bit: they differ by 0


def _numbers(module: nn.Module) -> list[Tensor]:
    """Everything that training changes, of floating point."""
    return [value for value in module.state_dict().values() if value.is_floating_point()]
