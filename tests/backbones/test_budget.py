"""Sizes and views whose features fit into the time that a user gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fake_backbone import MeanAndMax
from imagewise.backbones.budget import SHARE, Budget, measure_rate
from imagewise.backbones.computing.feature_session import FeatureSession
from imagewise.backbones.views import FLIPPED, PLAIN, view


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


# ---- the views


VIEWS = (PLAIN, FLIPPED, view("centre"), view("top-left"))


@pytest.mark.parametrize(
    ("seconds", "count"), [(1000, 4), (20 + 16 + 11.8, 3), (20 + 16 + 11.7, 2), (20 + 15.9, 1), (0.1, 1)]
)
def test_the_first_views_that_fit_are_kept(seconds: float, count: int) -> None:
    chosen, _ = budget(seconds).choose_views(VIEWS, 224, 1000, 800)
    assert chosen == VIEWS[:count]


def test_time_that_has_passed_is_not_left_for_views() -> None:
    clock = Clock()
    limit = Budget(1, "fake", MeanAndMax, clock=clock, rate=Quadratic())
    assert len(limit.choose_views(VIEWS, 224, 1000, 800)[0]) == 2
    clock.seconds += 15
    assert len(limit.choose_views(VIEWS, 224, 1000, 800)[0]) == 1
    clock.seconds += 1000
    assert len(limit.choose_views(VIEWS, 224, 1000, 800)[0]) == 1


@pytest.mark.parametrize(
    ("views", "pictures", "minutes", "sentence"),
    [
        (VIEWS[:2], 1000, 9, "224 pixels, plain and flipped views: about 36 s for 1,000 pictures."),
        (VIEWS[:1], 60_000, 90, "224 pixels, plain view: about 20 min for 60,000 pictures."),
        (VIEWS, 1000, 1, "224 pixels, plain and flipped views: about 36 s for 1,000 pictures, and 2 more would take"),
    ],
)
def test_a_sentence_says_what_was_chosen(views: Any, pictures: int, minutes: float, sentence: str) -> None:
    limit = Budget(minutes, "fake", MeanAndMax, clock=Clock(), rate=Quadratic())
    assert limit.choose_views(views, 224, pictures, pictures * 4 // 5)[1].startswith(sentence)


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
