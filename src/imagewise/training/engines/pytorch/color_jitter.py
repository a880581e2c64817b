"""Random changes to the light and colours of photographs, and rectangles painted over; a whole batch at once."""

from __future__ import annotations

import torch
from torch import Tensor

from imagewise.training.recipe import Augment

_LARGEST = 0.25  # share of the area that is erased at most
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow turns colour to grey


class ExposureChanges:
    """Draws new values for each picture. What the recipe does not name draws nothing."""

    def __init__(self, augment: Augment) -> None:
        self._augment = augment

    def __call__(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels (N, C, H, W) float32, 0..255, to the same."""
        augment = self._augment
        if augment.brightness or augment.contrast or augment.saturation:
            pixels = self._exposed(pixels, generator)
        return _erased(pixels, augment.erase, generator) if augment.erase else pixels

    def _exposed(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        augment = self._augment
        draw = 2 * torch.rand((3, len(pixels), 1, 1, 1), device=pixels.device, generator=generator) - 1
        grey = _grey(pixels)
        if pixels.shape[1] == 3 and augment.saturation:
            pixels = torch.lerp(grey, pixels, 1 + augment.saturation * draw[0])
        mean = grey.mean((1, 2, 3), keepdim=True)
        pixels = torch.lerp(mean, pixels, 1 + augment.contrast * draw[1])
        return (pixels * (1 + augment.brightness * draw[2])).clamp_(0, 255)


def _grey(pixels: Tensor) -> Tensor:
    """(N, 1, H, W)."""
    if pixels.shape[1] == 1:
        return pixels
    weights = torch.tensor(_LUMINANCE, device=pixels.device)[None, :, None, None]
    return (pixels * weights).sum(1, keepdim=True)


def _erased(pixels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A rectangle of one random colour over a `share` of the pictures."""
    count, channels, height, width = pixels.shape
    draw = torch.rand((5, count, 1, 1), device=pixels.device, generator=generator)
    colour = 255 * torch.rand((count, channels, 1, 1), device=pixels.device, generator=generator)
    side, aspect = (_LARGEST * draw[0]).sqrt(), 2 ** (2 * draw[1] - 1)
    high, wide = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    y = (torch.arange(height, device=pixels.device)[None, :, None] + 0.5) / height
    x = (torch.arange(width, device=pixels.device)[None, None, :] + 0.5) / width
    top, left = draw[2] * (1 - high), draw[3] * (1 - wide)
    inside = (y >= top) & (y < top + high) & (x >= left) & (x < left + wide) & (draw[4] < share)
    return torch.where(inside[:, None], colour, pixels)
