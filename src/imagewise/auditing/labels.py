"""Labels that may be wrong: probabilities of pictures by a model that was not fitted on them, and cleanlab's ranking.

Which model, and which ranking, was chosen by labels that were changed on purpose (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imagewise.auditing.pictures import AuditedPictures
from imagewise.backbones.features import compute_features
from imagewise.backbones.opening import open_preferred
from imagewise.data.dataset import Dataset, Split
from imagewise.data.task import log_softmax
from imagewise.errors import ModelError
from imagewise.fetch import Progress
from imagewise.model.session import Session
from imagewise.training.engines.default import default_engine
from imagewise.training.fit import fit
from imagewise.training.head.choice.folds import stratified_folds
from imagewise.training.head.logistic import fit_logistic
from imagewise.training.planning.jobs import make_job, suits_backbones
from imagewise.training.recipe import Recipe
from imagewise.training.recipes.files import load_recipe
from imagewise.training.reports.callbacks import TrainingCallbacks

FOLDS = 5
_STRENGTH = 300.0  # of the regularisation; with less of it, wrong labels are memorised
_NETWORKS = 3  # whose probabilities are averaged
_SEEN, _FEWEST_EPOCHS, _MOST_EPOCHS = 40_000, 5, 20  # pictures that a network sees in training, and bounds of epochs
_COMPONENTS = 64  # of pixels, to tell how far pictures are from each other
_SAMPLE = 10_000  # pictures that the components are fitted on
Probabilities = NDArray[np.float32]
FitAndPredict = Callable[[NDArray[np.int64], NDArray[np.int64]], Probabilities]


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """Probabilities of the audited pictures by models that were not fitted on them.

    Attributes:
        probabilities: float32 (N, classes).
        features: float32 (N, F), of the audited pictures: near for pictures that look alike.
        method: in words.
    """

    probabilities: Probabilities
    features: NDArray[np.float32]
    method: str


def out_of_sample(
    pictures: AuditedPictures, copies: NDArray[np.int64], *, offline: bool = False, progress: Progress | None = None
) -> OutOfSample:
    """Probabilities of each audited picture.

    Photographs: a head on the features of a pretrained network. Others: small networks trained from random weights.
    If the rest of the set has as many pictures as are audited, the model is fitted on it, else in a cross-validation.

    Args:
        copies: (N,), equal for pictures that are copies of each other: they are in one fold.
        offline: download no weights.
        progress: told how far it is.

    Raises:
        TrainingError, EngineError: the model cannot be fitted.
    """
    photographs = suits_backbones(pictures.dataset.framing)
    backbone = open_preferred(offline=offline, progress=progress).backbone if photographs else None
    together = _together(pictures)
    if backbone is not None:
        (features,) = compute_features(backbone, together.images, progress=progress)
        own = np.asarray(features[: len(pictures.audited)])
        model: FitAndPredict = lambda rows, wanted: _head(pictures, together.labels, features, rows, wanted)  # noqa: E731
        name = f"a head on the features of {backbone.entry.title}"
    else:
        own = _components(pictures.audited.images)
        model = lambda rows, wanted: _network(pictures.dataset, together, rows, wanted)  # noqa: E731
        name = f"{_NETWORKS} small networks"
    count, everything = len(pictures.audited), np.arange(len(together))
    if len(together) >= 2 * count:
        if progress is not None:
            progress("a model of the other pictures", 0, len(together) - count, "pictures")
        return OutOfSample(
            model(everything[count:], everything[:count]),
            own,
            f"{name}, fitted on the {len(together) - count:,} others",
        )
    folds = stratified_folds(pictures.labels, FOLDS, 0, copies)
    found = np.zeros((count, len(pictures.dataset.class_names)), dtype=np.float32)
    for fold in range(FOLDS):
        if progress is not None:
            progress("models of parts of the pictures", fold * count // FOLDS, count, "pictures")
        held_out = np.flatnonzero(folds == fold)
        if len(held_out):
            found[held_out] = model(np.setdiff1d(everything, held_out), held_out)
    return OutOfSample(found, own, f"{name}, in a {FOLDS}-fold cross-validation")


def label_scores(labels: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.float64]:
    """How probable each label is, float64 (N,), the lowest first to look at: cleanlab's self-confidence.

    Northcutt, Jiang, Chuang 2021, "Confident learning", arXiv:1911.00068.
    """
    from cleanlab.rank import get_label_quality_scores

    scores = get_label_quality_scores(labels, probabilities.astype(np.float64), method="self_confidence")
    return np.asarray(scores, dtype=np.float64)


def outlier_scores(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """How near each picture is to its nearest ones, float64 (N,), 0 far to 1: cleanlab's, by 10 neighbours."""
    from cleanlab.outlier import OutOfDistribution

    neighbours = min(10, len(features) - 1)
    return np.asarray(
        OutOfDistribution({"k": neighbours}).fit_score(features=features, verbose=False), dtype=np.float64
    )


def _together(pictures: AuditedPictures) -> Split:
    """The audited pictures, then the others."""
    from imagewise.data.dataset import concatenate

    return concatenate([pictures.audited] if pictures.others is None else [pictures.audited, pictures.others])


def _head(
    pictures: AuditedPictures,
    labels: NDArray[np.int64],
    features: NDArray[np.float32],
    rows: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> Probabilities:
    head = fit_logistic(features[rows], labels[rows], len(pictures.dataset.class_names), _STRENGTH)
    return np.exp(log_softmax(head.logits(features[wanted])))


def _network(dataset: Dataset, together: Split, rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> Probabilities:
    engine = default_engine()
    recipe = load_recipe("perceptron-98" if engine == "numpy" else "quick")
    assert isinstance(recipe, Recipe)
    epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_SEEN / len(rows))))
    part = replace(dataset, splits={"train": together.take(rows)}, notices=(), skipped=())
    pictures, total = together.images[wanted], np.zeros((len(wanted), len(dataset.class_names)), dtype=np.float32)
    for seed in range(_NETWORKS):
        job = make_job(recipe.override({"epochs": epochs, "keep": "last", "seed": seed}), part, engine)
        fitted = fit(job, part, TrainingCallbacks())
        if fitted.interrupted:
            raise KeyboardInterrupt
        session = Session(fitted.graph.SerializeToString(), "a network of the audit")
        total += np.exp(log_softmax(session.run_all(pictures)[1]))
    return total / np.float32(_NETWORKS)


def _components(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Principal components of the pixels: float32 (N, up to 64)."""
    flat = images.reshape(len(images), -1)
    sample = flat[:: max(1, len(flat) // _SAMPLE)].astype(np.float32) / 255
    mean = sample.mean(axis=0)
    _, _, directions = np.linalg.svd(sample[:2000] - mean, full_matrices=False)
    step = 4096
    parts = [
        (flat[start : start + step].astype(np.float32) / 255 - mean) @ directions[:_COMPONENTS].T
        for start in range(0, len(flat), step)
    ]
    return np.concatenate(parts)


def require_cleanlab() -> None:
    """Refuse where cleanlab is not installed. To be called before anything that takes long.

    Raises:
        ModelError: names the command that installs it.
    """
    from importlib.util import find_spec

    from imagewise.installing import install_command

    if find_spec("cleanlab") is None:
        raise ModelError(
            "an audit needs cleanlab, which is not installed. Install it with: " + install_command("audit")
        )
