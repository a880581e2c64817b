"""Random affine changes and mirroring of a whole batch at once."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from imagewise.picture import FramingKind
from imagewise.recipe import Augment


class Augmentation:
    """Draws anew for each picture. What comes in from outside is ground (ink) or the mirrored picture (photo)."""

    def __init__(self, augment: Augment, kind: FramingKind) -> None:
        self._augment = augment
        self._affine = any((augment.rotate, augment.translate, augment.scale, augment.shear))
        self._padding = "zeros" if kind == "ink" else "reflection"

    def __call__(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels (N, C, H, W) float32 to the same shape."""
        if self._augment.flip:
            mirrored = torch.rand(len(pixels), device=pixels.device, generator=generator) < 0.5
            pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
        if self._affine:
            grid = F.affine_grid(self._transform(pixels, generator), list(pixels.shape), align_corners=False)
            pixels = F.grid_sample(pixels, grid, padding_mode=self._padding, align_corners=False)
        return pixels

    def _transform(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """(N, 2, 3): rotation x shear x scale in pixels, then brought to the grid's -1..1 of each side."""
        count, _, height, width = pixels.shape
        draw = 2 * torch.rand((5, count), device=pixels.device, generator=generator) - 1
        augment = self._augment
        angle, shear = draw[0] * (augment.rotate * pi / 180), (draw[1] * (augment.shear * pi / 180)).tan()
        scale = 1 / (1 + draw[2] * augment.scale)
        cos, sin = angle.cos() * scale, angle.sin() * scale
        aspect = height / width
        rows = [
            torch.stack([cos, (cos * shear - sin) * aspect, 2 * augment.translate * draw[3]], 1),
            torch.stack([sin / aspect, sin * shear + cos, 2 * augment.translate * draw[4]], 1),
        ]
        return torch.stack(rows, 1)


def augmentation_for(augment: Augment, kind: FramingKind) -> Augmentation | None:
    """None where the recipe changes nothing."""
    return Augmentation(augment, kind) if augment != Augment() else None
