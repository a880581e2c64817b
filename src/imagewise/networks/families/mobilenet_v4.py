"""MobileNet V4 Conv-Small (Qin et al. 2024, arXiv:2404.10518: MNv4-Conv-S) without its classifier."""

from __future__ import annotations

from dataclasses import dataclass

from imagewise.networks import layers as L
from imagewise.networks.families.blocks import Style, divisible, halved
from imagewise.networks.layers import Layer

FEATURES = 1280


@dataclass(frozen=True)
class _Plain:
    """A convolution with its normalisation and activation."""

    kernel: int
    filters: int
    stride: int = 1


@dataclass(frozen=True)
class _Universal:
    """The universal inverted bottleneck (section 3): an inverted residual with up to two depthwise convolutions.

    `start` is the kernel of the one before the expansion, `middle` of the one after it; 0 where there is none.
    """

    start: int
    middle: int
    expansion: int
    filters: int
    stride: int = 1


_STAGES: tuple[tuple[_Plain | _Universal, ...], ...] = (
    (_Plain(3, 32, 2), _Plain(1, 32)),
    (_Plain(3, 96, 2), _Plain(1, 64)),
    (_Universal(5, 5, 3, 96, 2), *[_Universal(0, 3, 2, 96)] * 4, _Universal(3, 0, 4, 96)),
    (
        _Universal(3, 3, 6, 128, 2),
        _Universal(5, 5, 4, 128),
        _Universal(0, 5, 4, 128),
        _Universal(0, 5, 3, 128),
        *[_Universal(0, 3, 4, 128)] * 2,
    ),
    (_Plain(1, 960),),
)


def mobilenetv4_conv_small(side: int) -> tuple[Layer, ...]:
    """Layers from (3, side, side) to (1280,), padded as PyTorch does. `side` is in pixels.

    The last convolution comes after the average over the plane, where it is a dense layer.
    """
    style = Style(L.ReLU())
    before = 32
    layers = [*style.conv(before, 3, side, 2)]
    side = halved(side, 2)
    for block in (block for stage in _STAGES for block in stage):
        match block:
            case _Plain():
                layers += style.conv(block.filters, block.kernel, side, block.stride)
            case _Universal():
                layers += _universal(style, block, before, side)
        before, side = block.filters, halved(side, block.stride)
    return (*layers, L.GlobalPool(), L.Dense(FEATURES, bias=False), L.BatchNorm(style.epsilon), style.activation)


def _universal(style: Style, block: _Universal, before: int, side: int) -> tuple[Layer, ...]:
    """The stride is the middle convolution's, or the first one's where there is no middle one."""
    wide = divisible(before * block.expansion)
    body: list[Layer] = []
    if block.start:
        stride = 1 if block.middle else block.stride
        body += style.conv(before, block.start, side, stride, groups=before, activate=False)
    body += style.conv(wide, 1, side)
    if block.middle:
        body += style.conv(wide, block.middle, side, block.stride, groups=wide)
    body += style.conv(block.filters, 1, halved(side, block.stride), activate=False)
    return (L.Branch("add", tuple(body)),) if block.stride == 1 and before == block.filters else tuple(body)


def timm_modules() -> list[str]:
    """Names of the modules that hold the weights, in the order of the layers, as timm's model has them."""
    names = ["conv_stem", "bn1"]
    for number, stage in enumerate(_STAGES):
        for index, block in enumerate(stage):
            parts = ["conv", "bn1"]
            if isinstance(block, _Universal):
                used = {"dw_start": block.start, "pw_exp": 1, "dw_mid": block.middle, "pw_proj": 1}
                parts = [f"{name}.{part}" for name, kernel in used.items() if kernel for part in ("conv", "bn")]
            names += [f"blocks.{number}.{index}.{part}" for part in parts]
    return [*names, "conv_head", "norm_head"]
