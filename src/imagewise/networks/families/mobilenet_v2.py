"""MobileNet V2 (Sandler et al. 2018, arXiv:1801.04381, table 2) without its classifier."""

from __future__ import annotations

from imagewise.networks import layers as L
from imagewise.networks.families.blocks import Style, divisible, halved
from imagewise.networks.layers import Layer

FEATURES = 1280
_STAGES = (  # expansion, filters, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(
    side: int, *, width: float = 1.0, epsilon: float = 1e-5, tensorflow: bool = False
) -> tuple[Layer, ...]:
    """Layers from (3, side, side) to (1280,).

    Args:
        side: of the picture in pixels.
        width: multiple of the filters of every layer but, below 1, of the last.
        epsilon: of batch normalisation.
        tensorflow: pad as TensorFlow does.
    """
    style = Style(L.ReLU6(), epsilon, tensorflow)
    before = divisible(32 * width)
    layers = [*style.conv(before, 3, side, 2)]
    side = halved(side, 2)
    for expansion, filters, blocks, first in _STAGES:
        after = divisible(filters * width)
        for block in range(blocks):
            stride = 1 if block else first
            layers += style.inverted_residual(before, after, side, kernel=3, stride=stride, expansion=expansion)
            before, side = after, halved(side, stride)
    last = divisible(FEATURES * max(1.0, width))
    return (*layers, *style.conv(last, 1, side), L.GlobalPool())


def torchvision_modules() -> list[str]:
    """Names of the modules that hold the weights, in the order of the layers, as torchvision's `mobilenet_v2` has."""
    names = ["features.0.0", "features.0.1"]
    number = 1
    for expansion, _, blocks, _ in _STAGES:
        for _ in range(blocks):
            parts = ["0.0", "0.1", "1", "2"] if expansion == 1 else ["0.0", "0.1", "1.0", "1.1", "2", "3"]
            names += [f"features.{number}.conv.{part}" for part in parts]
            number += 1
    return [*names, f"features.{number}.0", f"features.{number}.1"]
