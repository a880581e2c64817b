"""Features of several depths: the mean over the planes of the last layer, and over the widest planes of blocks before.

The last features are made to tell the classes of ImageNet apart, and earlier ones hold what other pictures need (Evci
et al. 2022, arXiv:2201.03529). Like SSDLite's taps of MobileNet V2 (Sandler et al. 2018, section 6.2), they are taken
where a block is widest, in front of its linear projection.
"""

from __future__ import annotations

from imagewise.networks import layers as L
from imagewise.networks.layers import Layer


def pooled_at_depths(layers: tuple[Layer, ...], count: int) -> tuple[Layer, ...]:
    """The same layers, whose features are followed by those of `count` earlier places, the latest first.

    The weights are the same in the same order; their names differ.

    Args:
        layers: from (C, H, W) to (features,), without a classifier.
        count: of the last blocks without a shortcut, from the last on.

    Raises:
        ValueError: there are fewer such blocks.
    """
    places = [number + 3 for number, layer in enumerate(layers) if isinstance(layer, L.Conv) and layer.groups > 1]
    if count > len(places):
        raise ValueError(f"there are {len(places)} blocks without a shortcut, not {count}.")
    for place in reversed(places[len(places) - count :]):  # behind the convolution, its norm and activation
        layers = (*layers[:place], L.Branch("concat", layers[place:], (L.GlobalPool(),)))
    return layers
