"""Training pictures that are partly another of their batch and count as both: mixup and CutMix, a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from imagewise.training.recipe import Augment

_MOST = 0.5  # share of a picture that is the other's at most: it stays mostly what its own label says


@dataclass(frozen=True)
class Mixed:
    """What else the pictures of a batch are.

    Attributes:
        labels: (N,) int64, of the other picture.
        share: (N,) float32 in 0..0.5, how much of the cost goes by the other label.
    """

    labels: Tensor
    share: Tensor

    def part(self, which: slice) -> Mixed:
        """Of these pictures only."""
        return Mixed(self.labels[which], self.share[which])


class Mixing:
    """Each picture's other is the one before it in the batch.

    `augment.mixup` of the pictures are laid over each other in proportion (Zhang et al. 2018), `augment.cutmix` of
    them have a rectangle of the other (Yun et al. 2019). The proportion is uniform up to a half: Beta(1, 1) of the
    papers, but for who is called the other, since the larger share is always the picture's own.
    """

    def __init__(self, augment: Augment) -> None:
        self._mixup, self._cutmix = augment.mixup, augment.cutmix

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Mixed]:
        """Pictures (N, C, H, W) and labels (N,) to pictures of the same shape, and what else they are."""
        count, _, height, width = x.shape
        draw = torch.rand((5, count), device=x.device, generator=generator)
        lie, cut = draw[0] < self._mixup, draw[0] >= 1 - self._cutmix
        share = _MOST * draw[1]
        inside = _rectangles(share, draw[2] - 0.5, draw[3], draw[4], height, width)
        covered = torch.where(cut[:, None, None], inside, (share * lie)[:, None, None])
        mixed = Mixed(y.roll(1), torch.where(cut, inside.mean((1, 2)), share * lie))
        return torch.lerp(x, x.roll(1, 0), covered[:, None]), mixed


def _rectangles(share: Tensor, aspect: Tensor, down: Tensor, across: Tensor, height: int, width: int) -> Tensor:
    """(N, H, W) float32, 1 inside a rectangle of about that share of the area, wholly in the picture."""
    high, wide = (share * 2**aspect).sqrt() * height, (share / 2**aspect).sqrt() * width
    top, left = down * (height - high), across * (width - wide)
    y = torch.arange(height, device=share.device)[None, :, None] + 0.5
    x = torch.arange(width, device=share.device)[None, None, :] + 0.5
    rows = (y >= top[:, None, None]) & (y < (top + high)[:, None, None])
    columns = (x >= left[:, None, None]) & (x < (left + wide)[:, None, None])
    return (rows & columns).to(torch.float32)


def mixing_for(augment: Augment) -> Mixing | None:
    """None where the recipe mixes nothing."""
    return Mixing(augment) if augment.mixup or augment.cutmix else None
