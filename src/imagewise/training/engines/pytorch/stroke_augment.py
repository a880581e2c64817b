"""Random changes to how a character was written and taken: pen, resolution, blur, strength, noise, clutter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from imagewise.training.recipe import Pen

_BLURRED = (0.25, 0.5, 0.25)  # one pass; twice gives a standard deviation of one pixel
_COARSE_SIDES = (8, 14)  # of the small pictures that `coarse` reduces to, least and most
_EDGE = 3  # pixels from the edge within which clutter lies: framing keeps four of 28 free


class PenChanges:
    """Draws new values for each picture; ink is light on dark ground."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen

    def __call__(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels (N, C, H, W) float32, 0..255, to the same."""
        pen, count, device = self._pen, len(pixels), pixels.device
        draw = torch.rand((6, count, 1, 1, 1), device=device, generator=generator)
        if pen.stroke:
            pixels = _restroke(pixels, (2 * draw[0] - 1) * pen.stroke)
        if pen.coarse:
            least, most = _COARSE_SIDES
            side = int(torch.randint(least, most + 1, (1,), device=device, generator=generator))
            pixels = torch.where(draw[1] < pen.coarse, _coarsened(pixels, side), pixels)
        if pen.blur:
            pixels = torch.lerp(pixels, _blurred(pixels), draw[2] * pen.blur)
        if pen.fade:
            pixels = pixels * (1 + (2 * draw[3] - 1) * pen.fade)
        if pen.clutter:
            pixels = torch.where(draw[4] < pen.clutter, torch.maximum(pixels, _clutter(pixels, generator)), pixels)
        if pen.noise:
            noise = torch.randn(pixels.shape, device=device, generator=generator)
            pixels = pixels + noise * (255 * pen.noise * draw[5])
        return pixels.clamp_(0, 255)


def _restroke(pixels: Tensor, change: Tensor) -> Tensor:
    """Strokes wider (change above 0, up to 2) or thinner (below 0), in pixels of each outline."""
    wider = F.max_pool2d(pixels, 3, stride=1, padding=1)
    widest = F.max_pool2d(wider, 3, stride=1, padding=1)
    thinner = -F.max_pool2d(-pixels, 3, stride=1, padding=1)
    # half as much thinner as wider: a stroke is two to three pixels wide, and should not vanish
    inward = torch.lerp(pixels, thinner, (-change / 2).clamp(0, 1))
    outward = torch.lerp(torch.lerp(pixels, wider, change.clamp(0, 1)), widest, (change - 1).clamp(0, 1))
    return torch.where(change > 0, outward, inward)


def _coarsened(pixels: Tensor, side: int) -> Tensor:
    """As a picture of few pixels looks once it is enlarged."""
    small = F.interpolate(pixels, size=(side, side), mode="area")
    return F.interpolate(small, size=pixels.shape[2:], mode="bilinear", align_corners=False)


def _blurred(pixels: Tensor) -> Tensor:
    channels = pixels.shape[1]
    kernel = torch.tensor(_BLURRED, device=pixels.device)
    twice = F.conv1d(kernel.flip(0)[None, None], kernel[None, None], padding=2)[0, 0]
    across = twice.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    along = F.conv2d(pixels, across, padding=(0, 2), groups=channels)
    return F.conv2d(along, across.transpose(2, 3), padding=(2, 0), groups=channels)


def _clutter(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """A straight piece of a ruled line or of a box, near one edge: zeros elsewhere. (N, 1, H, W)."""
    count, _, height, width = pixels.shape
    draw = torch.rand((5, count, 1), device=pixels.device, generator=generator)
    along = torch.arange(width, device=pixels.device) / width
    piece = ((along >= draw[0] * 0.8) & (along <= draw[0] * 0.8 + 0.2 + draw[1] * 0.8)).float()
    across = torch.arange(height, device=pixels.device)
    line = (1 - (across - draw[2] * _EDGE).abs()).clamp(0, 1)
    strength = 255 * (0.3 + 0.7 * draw[3])
    plane = (line[:, :, None] * piece[:, None, :] * strength[:, :, None])[:, None]
    turned = plane.transpose(2, 3) if height == width else plane
    side = draw[4][:, :, None, None]
    plane = torch.where(side < 0.5, plane, turned)
    return torch.where((side * 4 % 2) < 1, plane, plane.flip((2, 3)))
