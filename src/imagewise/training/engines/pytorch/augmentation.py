"""Random affine and elastic changes and mirroring of a whole batch at once: one matrix product, one sampling."""

from __future__ import annotations

from math import ceil, pi

import torch
from torch import Tensor
from torch.nn import functional as F

from imagewise.framing.framing import FramingKind
from imagewise.training.engines.pytorch.color_jitter import ExposureChanges
from imagewise.training.engines.pytorch.stroke_augment import PenChanges
from imagewise.training.recipe import Augment, Pen

_GEOMETRY = ("rotate", "translate", "scale", "shear", "stretch", "elastic", "crop", "resolution")
_ASPECT = 4 / 3  # of a crop, at most, as Szegedy et al. 2014 have it


class Augmentation:
    """Draws new values for each picture. What comes in from outside is ground (ink) or the mirrored picture (photo).

    Where each output pixel looks in the input is a sum of smooth fields over the plane: the coordinates themselves
    and 1 (affine), and Gaussian bumps on a lattice (elastic; a smoothed random field as in Simard, Steinkraus and
    Platt 2003, drawn on the lattice instead of on every pixel). So a batch's sampling grid is one product of
    random coefficients (2 N, fields) with the fields (fields, H W).
    """

    def __init__(self, augment: Augment, kind: FramingKind, height: int, width: int, device: torch.device) -> None:
        self._augment = augment
        self._moves = any(getattr(augment, name) != getattr(Augment(), name) for name in _GEOMETRY)
        self._pen = PenChanges(augment.pen) if augment.pen != Pen() else None
        self._exposure = ExposureChanges(augment)
        self._padding = "zeros" if kind == "ink" else "reflection"
        height, width = augment.training_sides(height, width)
        y, x = _centres(height), _centres(width)
        plane = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)])
        self._bumps = _bumps(augment.elastic_width, height, width) if augment.elastic else plane[:0]
        self._size = (height, width)
        self._fields = torch.cat([plane, self._bumps]).flatten(1).to(device)

    def __call__(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Pixels (N, C, H, W) float32 to the same shape, or to that of `augment.resolution`."""
        if self._augment.flip:
            mirrored = torch.rand(len(pixels), device=pixels.device, generator=generator) < 0.5
            pixels = torch.where(mirrored[:, None, None, None], pixels.flip(3), pixels)
        if self._moves:
            pixels = self._moved(pixels, generator)
        if self._pen is not None:
            pixels = self._pen(pixels, generator)
        return self._exposure(pixels, generator)

    def _moved(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        grid = self._coefficients(len(pixels), generator, pixels.device) @ self._fields
        grid = grid.view(len(pixels), 2, *self._size).permute(0, 2, 3, 1)
        return F.grid_sample(pixels, grid, padding_mode=self._padding, align_corners=False)

    def _coefficients(self, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """(2 N, fields): a row for x and one for y of each picture, in the grid's units (-1..1 across each side)."""
        augment, aspect = self._augment, self._size[0] / self._size[1]
        draw = 2 * torch.rand((6, count), device=device, generator=generator) - 1
        angle, shear = draw[0] * (augment.rotate * pi / 180), (draw[1] * (augment.shear * pi / 180)).tan()
        wide, high = 1 / (1 + draw[2] * augment.scale), 1 / (1 + draw[2] * augment.scale)
        if augment.stretch:
            wide, high = wide * (1 + draw[5] * augment.stretch), high / (1 + draw[5] * augment.stretch)
        cos, sin = angle.cos(), angle.sin()
        affine = torch.stack(
            [
                torch.stack([cos * wide, (cos * shear - sin) * high * aspect, 2 * augment.translate * draw[3]], 1),
                torch.stack([sin * wide / aspect, (sin * shear + cos) * high, 2 * augment.translate * draw[4]], 1),
            ],
            1,
        )
        if augment.crop < 1:
            affine = _cropped(affine, augment.crop, generator)
        if not augment.elastic:
            return affine.view(2 * count, 3)
        noise = torch.randn((count, 2, len(self._bumps)), device=device, generator=generator)
        return torch.cat([affine, noise.mul_(2 * augment.elastic)], 2).view(2 * count, -1)


def _cropped(affine: Tensor, least: float, generator: torch.Generator) -> Tensor:
    """The same coefficients, (N, 2, 3), looking at a random window only, of a share `least`..1 of the area."""
    draw = torch.rand((4, len(affine)), device=affine.device, generator=generator)
    size = (least + (1 - least) * draw[0]).sqrt()
    aspect = _ASPECT ** (draw[1] - 0.5)
    extent = torch.stack([(size * aspect).clamp(max=1), (size / aspect).clamp(max=1)], 1)
    place = (2 * draw[2:].t() - 1) * (1 - extent)
    # each side of the output spans `extent` of the input around `place`, in the grid's units
    shifted = affine[:, :, 2] + (affine[:, :, :2] @ place[:, :, None])[:, :, 0]
    return torch.cat([affine[:, :, :2] * extent[:, None, :], shifted[:, :, None]], 2)


def _centres(side: int) -> Tensor:
    """Where the pixels' centres are in the grid's units."""
    return (torch.arange(side) * 2 + 1) / side - 1


def _bumps(width: float, height_pixels: int, width_pixels: int) -> Tensor:
    """(bumps, H, W): Gaussians of standard deviation `width` (share of the side) on a lattice that far apart, scaled
    so that with unit normal coefficients the field has unit variance at its middle."""
    spacing = 2 * width
    steps = ceil(1 / spacing)
    lattice = torch.arange(-steps, steps + 1) * spacing
    along_y = torch.exp(-0.5 * ((_centres(height_pixels)[None] - lattice[:, None]) / spacing) ** 2)
    along_x = torch.exp(-0.5 * ((_centres(width_pixels)[None] - lattice[:, None]) / spacing) ** 2)
    bumps = (along_y[:, None, :, None] * along_x[None, :, None, :]).flatten(0, 1)
    centre = torch.exp(-0.5 * (lattice / spacing) ** 2)
    scaled: Tensor = bumps / torch.linalg.vector_norm(torch.outer(centre, centre))
    return scaled


def augmentation_for(
    augment: Augment, kind: FramingKind, height: int, width: int, device: torch.device
) -> Augmentation | None:
    """None where the recipe changes nothing."""
    return Augmentation(augment, kind, height, width, device) if augment != Augment() else None
