"""Which networks are so plain that their gradients are written out instead of being left to autograd."""

from __future__ import annotations

from imagewise.layers import Dense, Flatten, Layer, ReLU


def is_dense_stack(layers: tuple[Layer, ...]) -> bool:
    """Flatten, then Dense and ReLU in turn, ending with Dense; every Dense with a bias."""
    expected = (Dense, ReLU) * (len(layers) // 2)
    kinds = tuple(type(layer) for layer in layers)
    biased = all(layer.bias for layer in layers if isinstance(layer, Dense))
    return len(layers) % 2 == 0 and kinds == (Flatten, *expected[: len(layers) - 1]) and biased
