"""The architectures that a recipe can name: each builds a list of layers from a few parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from imagewise.errors import NetworkError
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer


def perceptron(
    classes: int, *, hidden: tuple[int, ...] = (256, 256), batch_norm: bool = False, dropout: float = 0.0
) -> tuple[Layer, ...]:
    """A multi-layer perceptron: Dense and ReLU for each of `hidden`, then Dense. The article's is (256, 256).

    With `batch_norm` a BatchNorm comes before each ReLU; the model file folds it away, so that the network that
    recognises is the same.
    """
    layers: list[Layer] = [L.Flatten()]
    for units in hidden:
        layers += [L.Dense(units, bias=False), L.BatchNorm(), L.ReLU()] if batch_norm else [L.Dense(units), L.ReLU()]
        if dropout:
            layers.append(L.Dropout(dropout))
    return (*layers, L.Dense(classes))


def convnet(
    classes: int,
    *,
    filters: tuple[int, ...] = (16, 32),
    repeats: int = 2,
    stem_kernel: int = 3,
    downsample: str = "pool",
    dense: int = 128,
    dropout: float = 0.0,
) -> tuple[Layer, ...]:
    """A plain convolutional network: for each of `filters` a stage that halves the picture, then a hidden Dense layer
    (no such layer if `dense` is 0) and the logits.

    A stage is `repeats` times Conv-BatchNorm-ReLU. The network's first kernel is `stem_kernel` (odd) wide, all others
    are 3x3. `downsample` names the layer that halves: `pool`, a 2x2 MaxPool at the end of the stage, or `stride`, its
    first convolution, which takes a quarter of the arithmetic and costs a little accuracy.
    """
    if downsample not in ("pool", "stride"):
        raise NetworkError(f"downsample is pool or stride, not {downsample!r}")
    layers: list[Layer] = []
    for stage, width in enumerate(filters):
        for number in range(repeats):
            side = stem_kernel if stage == number == 0 else 3
            stride = 2 if downsample == "stride" and not number else 1
            layers += [*_normed(L.Conv(width, kernel=side, stride=stride, padding=side // 2, bias=False)), L.ReLU()]
        if downsample == "pool":
            layers.append(L.MaxPool(2, stride=2))
    layers.append(L.Flatten())
    if dense != 0:
        layers += [L.Dense(dense, bias=False), L.BatchNorm(), L.ReLU()]
    if dropout:
        layers.append(L.Dropout(dropout))
    return (*layers, L.Dense(classes))


def resnet(
    classes: int,
    *,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    blocks: int = 1,
    stem_stride: int = 2,
    squeeze: int = 0,
    dropout: float = 0.0,
) -> tuple[Layer, ...]:
    """A residual network for photographs (He et al. 2015): a 3x3 stem, then for each of `widths` a stage of `blocks`
    blocks, each stage but the first halving the picture; global average, Dropout, the logits.

    With `squeeze` each block ends with squeeze-and-excitation (Hu et al. 2018), whose hidden layer is a `squeeze`-th
    as wide as the block.
    """
    layers: list[Layer] = [*_normed(L.Conv(widths[0], kernel=3, stride=stem_stride, padding=1, bias=False)), L.ReLU()]
    before = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers += [_residual(before, width, stride, squeeze), L.ReLU()]
            before = width
    layers.append(L.GlobalPool())
    if dropout:
        layers.append(L.Dropout(dropout))
    return (*layers, L.Dense(classes))


def _residual(before: int, width: int, stride: int, squeeze: int) -> L.Branch:
    body = (
        *_normed(L.Conv(width, kernel=3, stride=stride, padding=1, bias=False)),
        L.ReLU(),
        *_normed(L.Conv(width, kernel=3, padding=1, bias=False)),
    )
    if squeeze:
        gate = (L.GlobalPool(), L.Dense(max(1, width // squeeze)), L.ReLU(), L.Dense(width), L.Sigmoid())
        body = (*body, L.Branch("multiply", gate))
    same = stride == 1 and before == width
    return L.Branch("add", body, () if same else _normed(L.Conv(width, kernel=1, stride=stride, bias=False)))


def _normed(layer: L.Conv) -> tuple[Layer, ...]:
    return (layer, L.BatchNorm())


def builders() -> dict[str, Callable[..., tuple[Layer, ...]]]:
    """Builders by the names that recipes use."""
    return {"perceptron": perceptron, "convnet": convnet, "resnet": resnet}


def build_layers(name: str, params: Mapping[str, Any], classes: int) -> tuple[Layer, ...]:
    """Layers of the architecture `name` with a recipe's `params`. Raises NetworkError on an unknown name or value."""
    known = builders()
    if name not in known:
        raise NetworkError(f"unknown network {name!r}; the networks are {', '.join(known)}.")
    signature = inspect.signature(known[name])
    unknown = set(params) - {key for key, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    if unknown:
        options = [key for key, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY]
        raise NetworkError(
            f"network {name!r} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(options)}."
        )
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in params.items()}
    try:
        return known[name](classes, **values)
    except (TypeError, ValueError, NetworkError) as error:
        raise NetworkError(f"network {name!r}: network.params {dict(params)} are not usable: {error}") from error
