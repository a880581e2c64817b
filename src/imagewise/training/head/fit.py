"""Fitting of a head: the features of all pictures, the choice of views and strength, and the logits of each split."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.features import compute_features
from imagewise.backbones.views import PLAIN, View, view
from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.groups.grouping import Grouping, groups_by_name, units_of
from imagewise.data.groups.near_copies import near_clusters, signatures_of, usable_clusters
from imagewise.training.head.choice.expectation import expect
from imagewise.training.head.choice.selection import HeadChoice, choose_by_folds, choose_by_validation
from imagewise.training.head.job import HeadJob
from imagewise.training.head.record import HeadExpectation, HeadRecord, HeadSeconds
from imagewise.training.head.result import HeadResult
from imagewise.training.reports.callbacks import TrainingCallbacks

FEWEST_TESTED = 20  # pictures; the accuracy on fewer says next to nothing
COMPARED_SIDE = 64  # pixels of a picture, about, that is compared with others
REFERENCE_PICTURES = 64  # on which the model file is compared with features and head

SplitFeatures = dict[SplitName, tuple[NDArray[np.float32], ...]]


def fit_head(job: HeadJob, dataset: Dataset, callbacks: TrainingCallbacks) -> HeadResult:
    """The head of a job, chosen on validation.

    Features that an earlier run has computed are read from the cache, also where that run was interrupted.

    Raises:
        ModelError: the backbone does not run on these pictures.
        TrainingError: the features are not finite.
    """
    began = perf_counter()
    features = _features(job, dataset, callbacks)
    computed = perf_counter()
    choice = _choose(job, dataset, features)
    record = HeadRecord(
        backbone=job.backbone.card(),
        side=job.side,
        features=job.backbone.features,
        views=choice.views,
        strength=choice.strength,
        tried=choice.tried,
        chosen_by=choice.chosen_by,
        chosen_on=len(choice.rows),
        temperature=choice.temperature,
        seconds=HeadSeconds(features=computed - began, head=perf_counter() - computed),
        expectation=_expectation(choice, dataset),
    )
    callbacks.on_head(record)
    logits = {name: choice.head.logits(values[0]) for name, values in features.items()}
    held_out: SplitName = next(name for name in ("validation", "test", "train") if name in dataset)
    count = min(REFERENCE_PICTURES, len(dataset[held_out]))
    reference = (np.array(dataset[held_out].images[:count]), logits[held_out][:count].copy())
    if record.expectation is not None and set(dataset.splits) == {"train"}:
        logits["train"][choice.rows] = choice.logits  # what it answers where it has not seen the picture
    return HeadResult(choice.head, record, logits, reference)


def _choose(job: HeadJob, dataset: Dataset, features: SplitFeatures) -> HeadChoice:
    """By validation where the recipe keeps those pictures out of the fit; else by folds of all that it is fitted on."""
    recipe, classes = job.recipe, len(dataset.class_names)
    fitted = [name for name in recipe.fitted_splits if name in dataset]
    views = [[features[name][number] for name in fitted] for number in range(len(recipe.views))]
    labels = np.concatenate([dataset[name].labels for name in fitted])
    if "validation" in dataset and "validation" not in fitted:
        validation = (features["validation"][0], dataset["validation"].labels)
        return choose_by_validation(
            views, labels, validation, classes, recipe.views, recipe.strengths, job.class_weights, job.backbone.depths
        )
    groups = _groups(dataset, fitted, labels)
    return choose_by_folds(
        views,
        labels,
        classes,
        recipe.views,
        recipe.strengths,
        job.class_weights,
        groups,
        recipe.seed,
        job.backbone.depths,
    )


def _groups(dataset: Dataset, fitted: Sequence[SplitName], labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The number of each picture's group: named, or of near-copies. None where every picture is alone."""
    names = [name for split in fitted for name in dataset[split].names or ()]
    groups: Sequence[str | None] = [None] * len(labels)
    if dataset.group_by is not None and len(names) == len(labels):
        groups, _ = groups_by_name(dataset.name, names, Grouping(dataset.group_by, must_match=False))
    near: list[list[int]] = []
    if dataset.near_copies:
        signatures = [signatures_of(_sampled(dataset[split].images)) for split in fitted]
        near = usable_clusters(near_clusters(signatures), labels)
    if not near and not any(groups):
        return None
    keys = units_of(range(len(labels)), groups, near).keys  # alike content is among the near-copies
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _sampled(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every so many rows and columns: a signature is of 16x16 means, and all of a large picture take 3 ms."""
    step = max(1, min(images.shape[1:3]) // COMPARED_SIDE)
    return images[:, ::step, ::step]


def _expectation(choice: HeadChoice, dataset: Dataset) -> HeadExpectation | None:
    """What to expect, where the test pictures are too few to tell."""
    if choice.chosen_by == "validation" or choice.accuracy is None:
        return None
    if len(dataset.splits.get("test", ())) >= FEWEST_TESTED:
        return None
    return expect(choice.accuracy, len(choice.rows), choice.folds, choice.repeats, choice.units)


def _features(job: HeadJob, dataset: Dataset, callbacks: TrainingCallbacks) -> SplitFeatures:
    """Of each split, in each view: the recipe's views of what is trained on, the plain one of the others."""
    wanted = [view(name) for name in job.recipe.views]
    return {
        name: compute_features(
            job.backbone,
            split.images,
            _views(name, job, wanted),
            threads=job.threads,
            device=job.device,
            progress=callbacks.on_progress,
        )
        for name, split in dataset.splits.items()
    }


def _views(split: SplitName, job: HeadJob, wanted: Sequence[View]) -> Sequence[View]:
    return wanted if split in job.recipe.fitted_splits else (PLAIN,)
