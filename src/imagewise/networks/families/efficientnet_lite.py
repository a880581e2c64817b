"""EfficientNet-Lite0 without its classifier.

EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946, table 1) without squeeze-and-excitation and with ReLU6, as published
at github.com/tensorflow/tpu, models/official/efficientnet/lite.
"""

from __future__ import annotations

from imagewise.networks import layers as L
from imagewise.networks.families.blocks import Style, halved
from imagewise.networks.layers import Layer

FEATURES = 1280
_STAGES = (  # expansion, filters, blocks, stride of the first, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def efficientnet_lite0(side: int) -> tuple[Layer, ...]:
    """Layers from (3, side, side) to (1280,), padded as TensorFlow does. `side` is in pixels."""
    style = Style(L.ReLU6(), 1e-3, tensorflow=True)
    before = 32
    layers = [*style.conv(before, 3, side, 2)]
    side = halved(side, 2)
    for expansion, filters, blocks, first, kernel in _STAGES:
        for block in range(blocks):
            stride = 1 if block else first
            layers += style.inverted_residual(before, filters, side, kernel=kernel, stride=stride, expansion=expansion)
            before, side = filters, halved(side, stride)
    return (*layers, *style.conv(FEATURES, 1, side), L.GlobalPool())


def timm_modules() -> list[str]:
    """Names of the modules that hold the weights, in the order of the layers, as timm's `tf_efficientnet_lite0` has."""
    names = ["conv_stem", "bn1"]
    for stage, (expansion, _, blocks, _, _) in enumerate(_STAGES):
        separable = ["conv_dw", "bn1", "conv_pw", "bn2"]
        inverted = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
        for block in range(blocks):
            names += [f"blocks.{stage}.{block}.{part}" for part in (separable if expansion == 1 else inverted)]
    return [*names, "conv_head", "bn2"]
