"""Fitting of a head: the features of all pictures, the choice of views and strength, and the logits of each split."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.features import compute_features
from imagewise.backbones.views import PLAIN, View, view
from imagewise.data.dataset import Dataset, SplitName
from imagewise.training.head.job import HeadJob
from imagewise.training.head.record import HeadRecord, HeadSeconds
from imagewise.training.head.result import HeadResult
from imagewise.training.head.selection import choose_head
from imagewise.training.reports.callbacks import TrainingCallbacks

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
    choice = choose_head(
        features["train"],
        dataset["train"].labels,
        features["validation"][0] if "validation" in features else None,
        dataset["validation"].labels if "validation" in features else None,
        len(dataset.class_names),
        views=job.recipe.views,
        strengths=job.recipe.strengths,
        class_weights=job.class_weights,
        fit_on=job.recipe.fit_on,
        seed=job.recipe.seed,
    )
    record = HeadRecord.of({})
    callbacks.on_head(record)
    logits = {name: choice.head.logits(values[0]) for name, values in features.items()}
    held_out: SplitName = next(name for name in ("validation", "test", "train") if name in dataset)
    count = min(REFERENCE_PICTURES, len(dataset[held_out]))
    reference = (np.array(dataset[held_out].images[:count]), logits[held_out][:count])
    return HeadResult(choice.head, record, logits, reference)


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
