"""What follows from recipe and data: the recipe where none was named, and the network."""

from __future__ import annotations

import numpy as np

from imagewise.data.dataset import Dataset
from imagewise.data.memmap import iter_chunks
from imagewise.errors import NetworkError, RecipeError
from imagewise.networks.architectures import build_layers
from imagewise.networks.network import Network
from imagewise.training.recipe import Recipe

MANY_PICTURES = 20_000


def default_recipe(dataset: Dataset, engine: str = "pytorch") -> str:
    """Name of the recipe where the user names none, by the framing, the number of pictures and what the engine can do.

    `quick` goes over the pictures twice: enough for MNIST, too little for a small set.
    """
    if dataset.framing.kind != "ink":
        return "photo"
    if engine == "numpy":
        return "perceptron"
    return "quick" if len(dataset["train"]) >= MANY_PICTURES else "convnet"


def design_network(recipe: Recipe, dataset: Dataset) -> Network:
    """The recipe's architecture for this data: input shape, classes and normalisation filled in.

    Raises:
        NetworkError: the architecture does not fit pictures of this size.
        RecipeError: `augment.resolution` asks for a size that the network does not take.
    """
    layers = build_layers(recipe.architecture.name, recipe.architecture.params, len(dataset.class_names))
    channels = dataset.shape[2]
    mean, std = (0.0,) * channels, (1.0,) * channels
    if recipe.normalize == "standard":
        mean, std = _mean_and_std(dataset)
    network = Network(dataset.shape, mean, std, layers)
    _check_resolution(recipe, network)
    return network


def _check_resolution(recipe: Recipe, network: Network) -> None:
    """A network that trains on smaller pictures must have the same weights there."""
    height, width, channels = network.input_shape
    sides = recipe.augment.training_sides(height, width)
    try:
        smaller = Network((*sides, channels), network.mean, network.std, network.layers).weight_shapes()
    except NetworkError:
        smaller = {}
    if smaller != network.weight_shapes():
        raise RecipeError(
            f"recipe {recipe.name}: augment.resolution = {recipe.augment.resolution:g} trains on {sides[1]}x{sides[0]} "
            f"of {width}x{height}, and {recipe.architecture.name!r} does not take another size; set it to 1, or take "
            "a network that does, such as resnet."
        )


def _mean_and_std(dataset: Dataset) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over the training pictures, in 0..1.

    From histograms: exact, and without a copy of the pictures.
    """
    images = dataset["train"].images
    levels = np.arange(256) / 255
    histograms = np.zeros((images.shape[3], 256))
    for piece in iter_chunks(images):
        for channel, histogram in enumerate(histograms):
            histogram += np.bincount(piece[..., channel].ravel(), minlength=256)
    means, stds = [], []
    for histogram in histograms:
        fraction = histogram / histogram.sum()
        mean = float(fraction @ levels)
        means.append(mean)
        # a channel that never changes has no deviation to divide by
        stds.append(float(np.sqrt(fraction @ (levels - mean) ** 2)) or 1.0)
    return tuple(means), tuple(stds)
