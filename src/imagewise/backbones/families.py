"""The families of the catalog: the builder of the layers, and how published files name the weights of these layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.catalog import Entry
from imagewise.errors import ModelError
from imagewise.networks.families import efficientnet_lite, mobilenet_v2, mobilenet_v4, resnet
from imagewise.networks.layers import Layer, weight_shapes
from imagewise.networks.network import Weights

Tensors = Mapping[str, NDArray[np.float32]]


class Builder(Protocol):
    """Makes the layers of a family for a side in pixels: (3, side, side) to (features,)."""

    def __call__(self, side: int, /) -> tuple[Layer, ...]:
        """The layers. Families take parameters of their own besides."""
        ...


def builders() -> dict[str, Callable[..., tuple[Layer, ...]]]:
    """Builders by the names of families in the catalog."""
    return {
        "efficientnet_lite0": efficientnet_lite.efficientnet_lite0,
        "mobilenet_v2": mobilenet_v2.mobilenet_v2,
        "mobilenetv4_conv_small": mobilenet_v4.mobilenetv4_conv_small,
        "resnet18": resnet.resnet18,
        "resnet50": resnet.resnet50,
    }


def module_names() -> dict[tuple[str, str], Callable[[], list[str]]]:
    """By family and kind of names: the published modules that hold the weights, in the order of the layers."""
    return {
        ("efficientnet_lite0", "timm"): efficientnet_lite.timm_modules,
        ("mobilenet_v2", "torchvision"): mobilenet_v2.torchvision_modules,
        ("mobilenetv4_conv_small", "timm"): mobilenet_v4.timm_modules,
        ("resnet18", "torchvision"): resnet.resnet18_modules,
        ("resnet50", "torchvision"): resnet.resnet50_modules,
    }


def build_layers(entry: Entry, side: int) -> tuple[Layer, ...]:
    """The layers of a backbone: (3, side, side) to (features,)."""
    return builders()[entry.family](side, **entry.params)


def published_values(entry: Entry) -> int:
    """Number of values in a published file: of the layers and, if it has one, of the classifier for 1,000 classes."""
    shapes = weight_shapes(build_layers(entry, entry.side), (3, entry.side, entry.side))
    classifier = 1000 * (entry.features[0] + 1) if entry.classifier else 0
    return sum(prod(shape) for _, _, shape in shapes) + classifier


def canonical_weights(entry: Entry, tensors: Tensors, origin: str) -> Weights:
    """The weights by the names of `networks.layers.weight_shapes`, out of the published ones.

    Args:
        tensors: all tensors of the file, by their published names.
        origin: the file, for errors.

    Raises:
        ModelError: a tensor is missing or has another shape: the file is of another architecture.
    """
    shapes = list(weight_shapes(build_layers(entry, entry.side), (3, entry.side, entry.side)))
    owners = list(dict.fromkeys(name.rpartition(".")[0] for name, _, _ in shapes))
    published = dict(zip(owners, module_names()[entry.family, entry.names](), strict=True))
    weights: Weights = {}
    for name, _, shape in shapes:
        owner, _, part = name.rpartition(".")
        weights[name] = published_tensor(entry, tensors, f"{published[owner]}.{part}", shape, origin)
    return weights


def published_tensor(
    entry: Entry, tensors: Tensors, name: str, shape: tuple[int, ...], origin: str
) -> NDArray[np.float32]:
    """One tensor of that shape; a 1x1 convolution may stand for a dense layer. Raises ModelError."""
    found = tensors.get(name)
    if found is not None and found.ndim == len(shape) + 2 and found.shape == (*shape, 1, 1):
        found = found.reshape(shape)
    if found is None or found.shape != shape:
        has = "lacks it" if found is None else f"has {'x'.join(map(str, found.shape))}"
        raise ModelError(
            f"{origin}: not the weights of {entry.name}: the tensor {name} should be {'x'.join(map(str, shape))}, and "
            f"the file {has}. Take the file that `imagewise backbones` names."
        )
    return found
