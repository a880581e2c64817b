"""ResNet 18 and 50 (He et al. 2015, arXiv:1512.03385, table 1) without their classifier.

As torchvision has them: the stride of a bottleneck is in its 3x3 convolution ("version 1.5"), not in the 1x1 before it.
"""

from __future__ import annotations

from imagewise.networks import layers as L
from imagewise.networks.families.blocks import Style, halved
from imagewise.networks.layers import Layer

_STEM = 64
_WIDTHS = (64, 128, 256, 512)  # of the 3x3 convolutions, a stage
_STYLE = Style(L.ReLU())
_BASIC = (2, 2, 2, 2)  # blocks a stage
_BOTTLENECK = (3, 4, 6, 3)
_EXPANSION = 4  # a bottleneck's last convolution has so many times the filters of its 3x3 convolution


def resnet18(side: int) -> tuple[Layer, ...]:
    """Layers from (3, side, side) to (512,), of blocks with two 3x3 convolutions. `side` is in pixels."""
    return _layers(side, _BASIC, bottleneck=False)


def resnet50(side: int) -> tuple[Layer, ...]:
    """Layers from (3, side, side) to (2048,), of bottlenecks: 1x1, 3x3 and 1x1 convolutions. `side` is in pixels."""
    return _layers(side, _BOTTLENECK, bottleneck=True)


def _layers(side: int, blocks: tuple[int, ...], *, bottleneck: bool) -> tuple[Layer, ...]:
    layers = [*_STYLE.conv(_STEM, 7, side, 2)]
    side, before = halved(side, 2), _STEM
    layers.append(L.MaxPool(3, 2, _STYLE.padding(side, 3, 2)))
    side = halved(side, 2)
    for stage, (width, count) in enumerate(zip(_WIDTHS, blocks, strict=True)):
        for block in range(count):
            stride = 2 if stage and not block else 1
            layers += _block(before, width, side, stride, bottleneck=bottleneck)
            before, side = width * (_EXPANSION if bottleneck else 1), halved(side, stride)
    return (*layers, L.GlobalPool())


def _block(before: int, width: int, side: int, stride: int, *, bottleneck: bool) -> tuple[Layer, ...]:
    """A residual block; where the shape changes, the input is projected by a 1x1 convolution (option B)."""
    small = halved(side, stride)
    filters = width * _EXPANSION if bottleneck else width
    if bottleneck:
        body = (
            *_STYLE.conv(width, 1, side),
            *_STYLE.conv(width, 3, side, stride),
            *_STYLE.conv(filters, 1, small, activate=False),
        )
    else:
        body = (*_STYLE.conv(width, 3, side, stride), *_STYLE.conv(filters, 3, small, activate=False))
    projected = stride > 1 or before != filters
    shortcut = _STYLE.conv(filters, 1, side, stride, activate=False) if projected else ()
    return L.Branch("add", body, shortcut), _STYLE.activation


def resnet18_modules() -> list[str]:
    """Names of the modules that hold the weights, in the order of the layers, as torchvision's `resnet18` has them."""
    return _modules(_BASIC, bottleneck=False)


def resnet50_modules() -> list[str]:
    """Names of the modules that hold the weights, in the order of the layers, as torchvision's `resnet50` has them."""
    return _modules(_BOTTLENECK, bottleneck=True)


def _modules(blocks: tuple[int, ...], *, bottleneck: bool) -> list[str]:
    names = ["conv1", "bn1"]
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            parts = [f"{kind}{number}" for number in range(1, 4 if bottleneck else 3) for kind in ("conv", "bn")]
            if not block and (stage > 1 or bottleneck):
                parts += ["downsample.0", "downsample.1"]
            names += [f"layer{stage}.{block}.{part}" for part in parts]
    return names
