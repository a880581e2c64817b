"""A training job crosses to another process whole, and nothing in it is executed there."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from contract import random_weights
from engine_runs import RESTLESS
from imagewise.data.dataset import Dataset
from imagewise.errors import ModelError, NetworkError
from imagewise.training.job import TrainingJob
from imagewise.training.planning.jobs import make_job
from imagewise.training.recipe import Recipe

VALUES = RESTLESS | {"optimizer": {"name": "adam", "learning_rate": 0.01}, "class_weights": "auto"}


@pytest.fixture
def job(tiny_dataset: Dataset) -> TrainingJob:
    return make_job(Recipe.parse(VALUES, "test"), tiny_dataset)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other)) and one.dtype == other.dtype
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def test_a_job_comes_back_as_it_went(job: TrainingJob) -> None:
    full = replace(
        job,
        engine="numpy",
        device="cpu",
        initial_weights=random_weights(job.network),
        rate_multipliers={"0.weight": 0.1},
        freeze_batch_norm=True,
        rank=1,
        world_size=3,
    )
    for sent in (job, full):
        back = TrainingJob.from_bytes(sent.to_bytes())
        assert all(same(getattr(back, field.name), getattr(sent, field.name)) for field in fields(TrainingJob))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\0\0\0\0\0\0\0{}      "], ids=["empty", "text", "other"])
def test_what_is_no_job_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="training job"):
        TrainingJob.from_bytes(content)


def test_a_damaged_job_is_refused(job: TrainingJob) -> None:
    content = job.to_bytes()
    for damaged in (content[:-1], content.replace(b"network", b"netwurk")):
        assert damaged != content
        with pytest.raises(ModelError, match="training job"):
            TrainingJob.from_bytes(damaged)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_multipliers": {"nowhere.weight": 1.0}},
        {"rate_multipliers": {"0.weight": -1.0}},
        {"rate_multipliers": {"0.weight": float("nan")}},
        {"rank": 2, "world_size": 2},
        {"initial_weights": {"0.weight": np.zeros(3, np.float32)}},
    ],
    ids=str,
)
def test_an_impossible_job_is_refused(job: TrainingJob, changes: dict[str, Any]) -> None:
    with pytest.raises(NetworkError):
        replace(job, **changes)
