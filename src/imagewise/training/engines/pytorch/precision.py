"""Which precision trains faster here: measured by training steps, as lists of processors age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Literal

import numpy as np
import torch

from imagewise.data.dataset import Split
from imagewise.training.engines.base import Step
from imagewise.training.engines.pytorch.learner import PyTorchLearner
from imagewise.training.job import TrainingJob

Precision = Literal["float32", "bfloat16"]
PICTURES = 8  # of a measured step: what a precision gains does not depend on the batch
GAIN = 1.2  # how many times as fast bfloat16 must be: less is within the noise, and it costs accuracy


def faster_precision(job: TrainingJob, device: torch.device) -> Precision:
    """The precision in which a step of this job takes less time; float32 unless bfloat16 is clearly faster.

    It takes three steps of each with a few pictures. Called within the engine's `active()`.
    """
    try:
        steps = {precision: _step_of(job, precision, device) for precision in ("float32", "bfloat16")}
        for step in steps.values():
            step()  # the first one prepares its operators
        seconds = {precision: min(seconds_of(step) for _ in range(2)) for precision, step in steps.items()}
    except RuntimeError:  # an operator that this device does not have in bfloat16
        return "float32"
    return "bfloat16" if seconds["float32"] > GAIN * seconds["bfloat16"] else "float32"


def seconds_of(step: Callable[[], object]) -> float:
    """Duration of a step, whose results are waited for."""
    began = perf_counter()
    step()
    return perf_counter() - began


def _step_of(job: TrainingJob, precision: str, device: torch.device) -> Callable[[], object]:
    """A training step of the job on random pictures. Its weights are thrown away."""
    count = min(PICTURES, job.recipe.batch_size)
    images = np.random.default_rng(0).integers(0, 256, (count, *job.network.input_shape), dtype=np.uint8)
    pictures = Split(images, np.zeros(count, dtype=np.int64))
    learner = PyTorchLearner(replace(job, recipe=job.recipe.override({"precision": precision})), pictures, device)
    return lambda: learner.steps([Step(np.arange(count), 0, 0.0, 0)])
