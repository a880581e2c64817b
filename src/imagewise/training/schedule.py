"""The learning rate as a function of the step: the same numbers for every engine."""

from __future__ import annotations

from math import cos, pi

from imagewise.training.recipe import Schedule


def learning_rate(schedule: Schedule, peak: float, step: int, steps: int) -> float:
    """The rate of step `step` (from 0) of `steps`, where `peak` is the recipe's learning rate."""
    warmup = schedule.warmup * steps
    if step + 1 < warmup:
        return peak * (step + 1) / warmup
    if schedule.name == "constant":
        return peak
    gone = max(step - warmup, 0) / max(steps - warmup, 1)
    left = 1 - gone if schedule.name == "linear" else (1 + cos(pi * gone)) / 2
    return peak * (schedule.final + (1 - schedule.final) * max(left, 0.0))
