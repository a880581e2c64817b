"""What the numpy engine trains."""

from __future__ import annotations

from imagewise.networks.network import Network
from imagewise.training.engines.numpy.stack import is_dense_stack
from imagewise.training.recipe import Augment, Recipe


def refusal(recipe: Recipe, network: Network) -> str | None:
    """The reason why the numpy engine cannot train this, with the field; None if it can."""
    if not is_dense_stack(network.layers):
        return (
            f"network {recipe.architecture.name!r}: the numpy engine trains plain perceptrons only: alternating Dense "
            "and ReLU, without batch normalisation and dropout."
        )
    if recipe.augment != Augment():
        return f"recipe {recipe.name}: the numpy engine has no augmentation (augment)."
    return None
