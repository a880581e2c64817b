"""What the numpy engine trains."""

from __future__ import annotations

from imagewise.networks.network import Network
from imagewise.training.engines.numpy.stack import is_dense_stack
from imagewise.training.recipe import Augment, Recipe


def refusal(recipe: Recipe, network: Network) -> str | None:
    """The reason why the numpy engine cannot train this, with the field; None if it can."""
    if not is_dense_stack(network.layers):
        trained = f"backbone {recipe.backbone!r}" if recipe.network is None else f"network {recipe.network.name!r}"
        return (
            f"{trained}: the numpy engine trains plain perceptrons only: alternating Dense "
            "and ReLU, without batch normalisation and dropout."
        )
    if recipe.augment != Augment():
        return f"recipe {recipe.name}: the numpy engine has no augmentation (augment)."
    if recipe.precision == "bfloat16":
        return f"recipe {recipe.name}: the numpy engine computes in float32 only (precision)."
    if recipe.ema:
        return f"recipe {recipe.name}: the numpy engine does not average weights (ema)."
    return None
