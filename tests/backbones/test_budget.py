"""Sizes and views whose features fit into the time that a user gives."""

from __future__ import annotations

import numpy as np
import pytest

from fake_backbone import MeanAndMax
from imagewise.backbones.budget import SHARE, Budget, measure_rate
from imagewise.backbones.computing.feature_session import FeatureSession


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Quadratic:
    """20 ms a picture at 224 pixels, and by area at other sides; notes the sides that it is asked about."""

    def __init__(self, slower: float = 1.0) -> None:
        self.asked: list[int] = []
        self._slower = slower  # below 224 pixels

    def __call__(self, backbone: object, side: int) -> float:
        self.asked.append(side)
        return 0.020 * (side / 224) ** 2 * (self._slower if side < 224 else 1)


def budget(seconds: float, rate: Quadratic | None = None, clock: Clock | None = None) -> Budget:
    """That leaves so many seconds for features."""
    return Budget(seconds / 60 / SHARE, "fake", MeanAndMax, clock=clock or Clock(), rate=rate or Quadratic())


# ---- the side


@pytest.mark.parametrize(
    ("pictures", "side", "seconds", "wanted"),
    [
        pytest.param(3000, 224, 61, 224, id="fits"),
        pytest.param(3000, 224, 59, 192, id="almost fits"),
        pytest.param(3000, 224, 60 * (160 / 224) ** 2 + 0.1, 160, id="next steps"),
        pytest.param(100_000, 224, 1, 96, id="nothing fits"),
        pytest.param(100_000, 96, 1, 96, id="no smaller one"),
        pytest.param(100_000, 64, 1, 64, id="small pictures"),
    ],
)
def test_the_side_is_the_largest_that_fits(pictures: int, side: int, seconds: float, wanted: int) -> None:
    chosen, reason = budget(seconds)(pictures, side)
    assert chosen == wanted
    assert (reason != "") == (wanted < side)


def test_the_reason_says_what_the_larger_size_would_take() -> None:
    _, reason = Budget(5, "fake", MeanAndMax, clock=Clock(), rate=Quadratic())(30_000, 224)
    assert reason == (
        "at 224 pixels, the features of 30,000 pictures would take about 10 min of the 5 min that the run may take"
    )


def test_a_side_that_is_slower_than_its_area_says_is_measured_and_left() -> None:
    rate = Quadratic(slower=1.3)
    assert budget(45, rate)(3000, 224)[0] == 160
    assert rate.asked == [224, 192]


def test_nothing_is_opened_before_there_are_photographs() -> None:
    opened: list[str] = []

    def open_it() -> MeanAndMax:
        opened.append("opened")
        return MeanAndMax()

    limit = Budget(1, "fake", open_it, clock=Clock(), rate=Quadratic())
    assert limit.key == "1 minutes, fake"
    assert opened == []
    limit(100, 224)
    limit(200, 192)
    assert opened == ["opened"]


# ---- the rate


def test_the_rate_is_measured_on_a_few_pictures_with_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    run = FeatureSession.run

    def note(self: FeatureSession, pictures: np.ndarray) -> np.ndarray:
        sizes.append(len(pictures))
        return run(self, pictures)

    monkeypatch.setattr(FeatureSession, "run", note)
    assert measure_rate(MeanAndMax(), 224, threads=2) > 0
    assert sizes == [4] * 6
    sizes.clear()
    measure_rate(MeanAndMax(), 224, threads=8)
    assert sizes == [4] * 24
