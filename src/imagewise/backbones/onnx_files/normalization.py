"""How a network wants its pictures normalised: the usual ways, and a trial that finds the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import ModelError, did_you_mean

TRIAL_PICTURES = 200


@dataclass(frozen=True)
class Normalization:
    """The input of a network is (pixels / 255 - mean) / std, by channel.

    Attributes:
        name: by which it is named on the command line and in the card.
        mean, std: three each, in the order of the channels that the network sees.
        is_bgr: the network sees blue first.
    """

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    is_bgr: bool = False

    @property
    def scale_and_shift(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As `pixels * scale + shift`: two (3,) float32 arrays."""
        mean, std = np.array(self.mean), np.array(self.std)
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)


NORMALIZATIONS = (
    Normalization("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # torchvision, timm
    Normalization("-1..1", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # TensorFlow's mobile networks, ViT
    Normalization("0..1", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    Normalization("0..255", (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),  # it normalises by itself
    # Caffe's networks (Keras Applications, mode "caffe"): blue first, ImageNet's mean in levels
    Normalization("caffe", (103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255, 1 / 255, 1 / 255), True),
)


def normalization(name: str) -> Normalization:
    """The normalisation of that name. Raises ModelError, which lists the names."""
    known = {each.name: each for each in NORMALIZATIONS}
    if name not in known:
        raise ModelError(f"unknown normalisation {name!r}.{did_you_mean(name, known)} There are {', '.join(known)}.")
    return known[name]


@dataclass(frozen=True)
class Trial:
    """The scores of a trial.

    Attributes:
        chosen: the name of the best.
        scores: by name; NaN where the features were not finite.
        pictures: number of pictures.
    """

    chosen: str
    scores: dict[str, float]
    pictures: int


def try_normalizations(
    features_of: Callable[[Normalization, NDArray[np.uint8]], NDArray[np.float32]],
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    score: Callable[[NDArray[np.float32], NDArray[np.int64]], float],
    among: Sequence[Normalization] = NORMALIZATIONS,
) -> Trial:
    """Score each normalisation on a few training pictures; of equal scores, the one that comes first is chosen.

    Args:
        features_of: (n, features) float32 of pictures uint8 (n, side, side, 3).
        images, labels: training pictures (N, side, side, 3); at most `TRIAL_PICTURES` are used, always the same ones,
            as many of each class as can be.
        score: of features and labels, higher is better: the cross-validated accuracy of a quick head.

    Raises:
        ModelError: no normalisation gives finite features.
    """
    picked = _picked(labels)
    pictures = np.ascontiguousarray(images[picked])
    scores = {}
    for each in among:
        features = features_of(each, pictures)
        scores[each.name] = score(features, labels[picked]) if np.isfinite(features).all() else float("nan")
    if np.isnan(list(scores.values())).all():
        raise ModelError("the backbone's features are not finite with any normalisation. Take another file.")
    best = max(scores, key=lambda name: -np.inf if np.isnan(scores[name]) else scores[name])
    return Trial(best, scores, len(picked))


def _picked(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `TRIAL_PICTURES` places: a first of each class, a second of each, and so on."""
    order = np.random.default_rng(0).permutation(len(labels))
    ranks = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        ranks[of_class] = np.arange(len(of_class))
    return np.sort(np.lexsort((labels, ranks))[:TRIAL_PICTURES])
