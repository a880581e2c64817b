"""The second part of fine-tuning: a job that trains the layers of a backbone further, from a fitted head on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imagewise.backbones.pretrained import Pretrained
from imagewise.framing.framing import FramingKind
from imagewise.networks import layers as L
from imagewise.networks.layers import Layer
from imagewise.networks.network import Network
from imagewise.training.engines.base import Engine, FitResult
from imagewise.training.head.job import FineTuneJob
from imagewise.training.head.logistic import Head
from imagewise.training.job import TrainingJob
from imagewise.training.recipe import Recipe

LEAST_SIDE = 32  # pixels: a backbone halves five times


def training_job(job: FineTuneJob, head: Head, framing_kind: FramingKind) -> TrainingJob:
    """The job that trains the whole network from the backbone's published weights and `head` on.

    The first blocks are frozen, and each block learns more slowly than the next, as the recipe's `fine_tuning` says.
    Batch normalisation keeps its published statistics: those of a few small batches are worse.
    """
    layers = job.backbone.layers(job.head.side)
    blocks = block_numbers(layers)
    count = blocks[-1] + 1
    tuning = job.recipe.fine_tuning
    trained_from = round(tuning.frozen * count)
    rates = [0.0 if b < trained_from else tuning.layer_decay ** (count - 1 - b) for b in range(count)]
    in_a_row = [int(name.partition(".")[0]) for name in job.backbone.weights]
    by_weight = [*(rates[blocks[number]] for number in in_a_row), tuning.head_rate, tuning.head_rate]
    multipliers = dict(zip(job.network.weight_shapes(), by_weight, strict=True))
    return TrainingJob(
        network=job.network,
        recipe=job.recipe,
        framing_kind=framing_kind,
        engine=job.engine,
        device=job.device,
        class_weights=job.class_weights,
        initial_weights=job.backbone.network_weights(job.head.side, head.weight, head.bias),
        rate_multipliers=multipliers,
        freeze_batch_norm=True,
        threads=job.threads,
    )


def settled(job: FineTuneJob, engine: Engine, framing_kind: FramingKind) -> FineTuneJob:
    """The job with what this computer decides; see `Engine.settle`."""
    head = Head(np.zeros((job.head.classes, job.backbone.features), np.float32), np.zeros(job.head.classes, np.float32))
    return replace(job, recipe=engine.settle(training_job(job, head, framing_kind)).recipe)


def with_temperature(result: FitResult, network: Network, temperature: float) -> FitResult:
    """The result with logits divided by the temperature, in the weights of the last layer, which is dense."""
    last = f"{len(network.layers) - 1}."
    factor = np.float32(1 / temperature)
    weights = {name: value * factor if name.startswith(last) else value for name, value in result.weights.items()}
    pictures, logits = result.reference
    return replace(result, weights=weights, reference=(pictures, logits * factor))


def fitting_resolution(recipe: Recipe, backbone: Pretrained, side: int) -> Recipe:
    """The recipe with the `augment.resolution` nearest to its own at which smaller pictures meet the same layers.

    Where a plane has an odd side, TensorFlow's padding is another: of 224x224, multiples of 32 fit.
    """
    wanted, _ = recipe.augment.training_sides(side, side)
    layers = backbone.layers(side)
    if backbone.layers(wanted) == layers:
        return recipe
    fitting = (other for other in range(LEAST_SIDE, side + 1) if backbone.layers(other) == layers)
    nearest = min(fitting, key=lambda other: abs(other - wanted))
    return recipe.override({"augment.resolution": nearest / side})


def block_numbers(layers: tuple[Layer, ...]) -> list[int]:
    """The block of each layer, from 0. A block ends with a residual branch, a linear projection, or before the pooling.

    >>> block_numbers((L.Conv(8, 3), L.BatchNorm(), L.ReLU6(), L.Conv(4, 1), L.BatchNorm(), L.Conv(8, 1)))
    [0, 0, 0, 0, 0, 1]
    """
    numbers, block = [], 0
    for place, layer in enumerate(layers):
        numbers.append(block)
        following = layers[place + 1] if place + 1 < len(layers) else None
        linear = isinstance(layer, L.BatchNorm) and isinstance(following, L.Conv | L.Branch)
        if following is not None and (isinstance(layer, L.Branch) or linear or isinstance(following, L.GlobalPool)):
            block += 1
    return numbers
