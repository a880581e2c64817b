"""The trial of normalisations: the right one is found, on few pictures, and what is not finite never wins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imagewise.backbones.onnx_files.normalization import (
    NORMALIZATIONS,
    TRIAL_PICTURES,
    Normalization,
    try_normalizations,
)
from imagewise.backbones.onnx_files.onnx_file import open_onnx_file
from imagewise.errors import ModelError
from onnx_graphs import convolution, model, pooling, write

NAMES = [each.name for each in NORMALIZATIONS]


def means(way: Normalization, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    scale, shift = way.scale_and_shift
    return np.asarray(pictures.mean(axis=(1, 2)) * scale + shift, np.float32)


def images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def centred(features: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """High where features are near 0, as they are for pictures of noise under -1..1."""
    return -float(np.abs(features).mean())


@pytest.mark.parametrize("wanted", NAMES)
def test_the_normalisation_of_the_highest_score_is_chosen(wanted: str) -> None:
    scores = iter([float(name == wanted) for name in NAMES])
    trial = try_normalizations(means, images(10), np.arange(10) % 2, lambda *_: next(scores))
    assert (trial.chosen, trial.pictures) == (wanted, 10)
    assert trial.scores == {name: float(name == wanted) for name in NAMES}


def test_of_equal_scores_the_first_is_chosen() -> None:
    assert try_normalizations(means, images(10), np.arange(10) % 2, lambda *_: 0.5).chosen == "imagenet"


def test_at_most_200_pictures_are_used_and_rare_classes_are_among_them() -> None:
    labels = np.array([0] * 900 + [1] * 3 + [2] * 97)
    seen: list[NDArray[np.int64]] = []

    def score(features: NDArray[np.float32], of: NDArray[np.int64]) -> float:
        assert len(features) == len(of)
        seen.append(of)
        return 0.0

    assert try_normalizations(means, images(1000), labels, score).pictures == TRIAL_PICTURES
    assert all(np.array_equal(each, seen[0]) for each in seen)
    assert np.bincount(seen[0]).tolist() == [100, 3, 97]


def test_features_that_are_not_finite_never_win_and_all_of_them_are_an_error() -> None:
    def broken(way: Normalization, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return means(way, pictures) / np.float32(way.name != "imagenet")

    with np.errstate(divide="ignore", invalid="ignore"):
        trial = try_normalizations(broken, images(4), np.arange(4) % 2, lambda *_: 0.5)
    assert trial.chosen == "-1..1"
    assert np.isnan(trial.scores["imagenet"])
    with pytest.raises(ModelError, match="not finite"):
        try_normalizations(lambda *_: np.full((4, 2), np.nan, np.float32), images(4), np.arange(4) % 2, centred)


def test_a_backbone_keeps_what_the_trial_chose_and_says_it(tmp_path: Path) -> None:
    backbone = open_onnx_file(write(tmp_path / "net.onnx", model([*convolution(), *pooling()], ["features"])))
    tried = backbone.normalized_by_trial(images(40).repeat(4, axis=1).repeat(4, axis=2), np.arange(40) % 2, centred)
    assert tried.normalized is not None
    assert tried.normalized.name == max(tried.tried or {}, key=lambda name: (tried.tried or {})[name])
    assert tried.card().normalization == tried.normalized.name
    assert f"normalisation {tried.normalized.name} (tried: imagenet " in tried.describe()
    assert tried.digest != backbone.digest or tried.normalized.name == "imagenet"
