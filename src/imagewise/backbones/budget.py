"""The size of pictures whose features can be computed in the time that a user gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.computing.feature_session import FeatureSession
from imagewise.model.session import Device

SMALLEST, STEP = 96, 32  # sides in pixels, from the first one on
SHARE = 0.7  # of the time for features; the rest is for reading, the head, its scores and the report
_MEASURED = 16  # pictures at least

Rate = Callable[[Backbone, int], float]


class Budget:
    """The time that a run may take, which bounds the side of photographs; a `SideLimit`.

    The side is bounded before any picture is read, so that each is decoded once and resized once.

    Args:
        minutes: above 0; they run from now on.
        name: of the pretrained network, or `auto`.
        backbone: opens the pretrained network; it is called at most once, and only where there are photographs.
        threads, device: as for `compute_features`.
        clock: seconds.
        rate: seconds a picture takes at a side, in the plain view; None to measure it.
    """

    def __init__(
        self,
        minutes: float,
        name: str,
        backbone: Callable[[], Backbone],
        *,
        threads: int | None = None,
        device: Device = "cpu",
        clock: Callable[[], float] = time.monotonic,
        rate: Rate | None = None,
    ) -> None:
        self.minutes, self._name = minutes, name
        self._clock, self._ends = clock, clock() + 60 * minutes
        self._backbone = cache(backbone)
        measure = rate or (lambda opened, side: measure_rate(opened, side, threads, device))
        self._rate = cache(lambda side: measure(self._backbone(), side))

    @property
    def key(self) -> str:
        """See `SideLimit`. A choice is kept, so that a run that is repeated finds the features of the one before."""
        return f"{self.minutes:g} minutes, {self._name}"

    def __call__(self, pictures: int, side: int) -> tuple[int, str]:
        """See `SideLimit`. The largest side at which the features of all pictures in the plain view fit."""
        allowed = self._seconds_left()
        whole = pictures * self._rate(side)
        if whole <= allowed or side <= SMALLEST:
            return side, ""
        smaller = list(range(SMALLEST, side, STEP))
        fitting = [each for each in smaller if whole * (each / side) ** 2 <= allowed] or smaller[:1]
        chosen = fitting[-1]
        if len(fitting) > 1 and pictures * self._rate(chosen) > allowed:  # small pictures take longer than their share
            chosen = fitting[-2]
        return chosen, (
            f"at {side} pixels, the features of {pictures:,} pictures would take about {_about(whole)} of the "
            f"{_about(60 * self.minutes)} that the run may take"
        )

    def _seconds_left(self) -> float:
        """For features."""
        return SHARE * max(0.0, self._ends - self._clock())


def measure_rate(backbone: Backbone, side: int, threads: int | None = None, device: Device = "cpu") -> float:
    """Seconds that a picture of that side takes, of some random ones, with all threads at work."""
    session = FeatureSession(backbone, side, threads, device)
    parts = max(2 * session.runs, -(-_MEASURED // session.batch))
    pictures = np.random.default_rng(0).integers(0, 256, (session.batch, side, side, 3), dtype=np.uint8)
    indices = np.arange(len(pictures))
    for _ in session.map(lambda _: session.run(pictures), [indices] * session.runs):
        pass  # memory is taken and the weights are laid out during the first runs
    began = time.perf_counter()
    for _ in session.map(lambda _: session.run(pictures), [indices] * parts):
        pass
    return (time.perf_counter() - began) / (parts * len(pictures))


def _about(seconds: float) -> str:
    """`40 s`, `9 min`, `2.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
