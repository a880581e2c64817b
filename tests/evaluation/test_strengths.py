"""The chart of the strengths that were tried: points where the axes say, nothing empty."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.evaluation.report.curves import BOTTOM, LEFT, RIGHT, TOP, Chart
from imagewise.evaluation.report.strengths import LOOKS, Strengths, Trial, strength_charts


def tried(*accuracies: float | None, views: str = "plain", first: float = 0.01, factor: float = 10) -> list[Trial]:
    return [Trial(views, first * factor**i, accuracy, None) for i, accuracy in enumerate(accuracies)]


def strengths(trials: list[Trial], chosen: int | None = None) -> Strengths:
    return Strengths(trials, None if chosen is None else trials[chosen], 200, cross_validated=False)


def chart_of(trials: list[Trial], chosen: int | None = None) -> Chart:
    (chart,) = strength_charts(strengths(trials, chosen))
    return chart


def points(chart: Chart, line: int = 0) -> list[tuple[float, ...]]:
    return [tuple(map(float, point.split(","))) for point in chart.lines[line].segments[0].split()]


def test_points_are_where_the_axes_say() -> None:
    chart = chart_of(tried(0.8, 0.9, 0.84), 1)
    across = {tick.label: tick.position for tick in chart.x_ticks}
    up = {tick.label: tick.position for tick in chart.y_ticks}
    assert list(across) == ["0.01", "0.1", "1"]
    steps = [across["0.1"] - across["0.01"], across["1"] - across["0.1"]]
    assert steps[0] == pytest.approx(steps[1], abs=0.02)  # a logarithmic axis
    assert points(chart) == [(across["0.01"], up["80%"]), (across["0.1"], up["90%"]), (across["1"], up["84%"])]
    assert chart.best is not None
    assert (chart.best.x, chart.best.y, chart.best.label) == (across["0.1"], up["90%"], "chosen: 0.1")
    assert chart.along == "strength of the regularisation"


def test_each_kind_of_views_has_a_line_of_its_own() -> None:
    trials = [*tried(0.8, 0.9), *tried(0.82, 0.91, views="plain and flipped"), *tried(None, None, views="crops")]
    chart = chart_of(trials)
    assert [line.name for line in chart.lines] == ["first", "second"]
    assert "plain views: 80% at 0.01, 90% at 0.1; plain and flipped views: 82% at 0.01" in chart.description
    many = [trial for i in range(6) for trial in tried(0.8, 0.9, views=str(i))]
    assert list(strengths(many).looks.values()) == [*LOOKS, LOOKS[-1], LOOKS[-1]]


def test_strength_0_is_one_step_before_the_least() -> None:
    trials = [Trial("plain", 0.0, 0.7, None), *tried(0.8, 0.9)]
    chart = chart_of(trials, 0)
    positions = [tick.position for tick in chart.x_ticks]
    assert [tick.label for tick in chart.x_ticks] == ["0", "0.01", "0.1"]
    assert positions[1] - positions[0] == pytest.approx(positions[2] - positions[1], abs=0.02)


@pytest.mark.parametrize("trials", [[], tried(0.8), tried(None, None), tried(0.8, None), [*tried(0.8), *tried(0.9)]])
def test_without_two_strengths_to_compare_there_is_no_chart(trials: list[Trial]) -> None:
    assert strength_charts(strengths(trials)) == []


def test_of_many_strengths_the_powers_of_ten_are_labelled() -> None:
    chart = chart_of(tried(*[0.5 + i / 100 for i in range(13)], first=0.001, factor=10**0.5))
    assert [tick.label for tick in chart.x_ticks] == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]
    odd = chart_of(tried(*[0.5 + i / 100 for i in range(20)], first=0.003, factor=1.3))
    assert 1 < len(odd.x_ticks) <= 7


def test_cross_validation_is_named() -> None:
    (chart,) = strength_charts(replace(strengths(tried(0.8, 0.9)), cross_validated=True))
    assert chart.title == "Cross-validated accuracy"


@given(
    st.lists(st.floats(1e-12, 1e12) | st.just(0.0), min_size=2, max_size=40, unique=True),
    st.data(),
)
def test_whatever_was_tried_is_within_the_chart(values: list[float], data: st.DataObject) -> None:
    accuracies, losses = st.none() | st.floats(0, 1), st.none() | st.just(nan) | st.floats(0, 1e6)
    trials = [Trial("plain", value, data.draw(accuracies), data.draw(losses)) for value in values]
    charts = strength_charts(strengths(trials, 0))
    known = [[each.accuracy for each in trials], [each.loss for each in trials]]
    assert len(charts) == sum(len([v for v in each if v is not None and isfinite(v)]) > 1 for each in known)
    for chart in charts:
        for x, y in chart.lines[0].markers or points(chart):
            assert LEFT <= x <= RIGHT
            assert TOP - 0.01 <= y <= BOTTOM + 0.01


def test_the_loss_has_a_chart_of_its_own_which_shows_the_choice() -> None:
    trials = [Trial("plain", 10.0**i, 0.8, loss) for i, loss in enumerate((0.5, 0.4, 0.45))]
    accuracy, loss = strength_charts(strengths(trials, 1))
    assert (accuracy.title, loss.title) == ("Validation accuracy", "Loss")
    assert loss.best is not None
    assert loss.best.y == max(y for _, y in points(loss))  # the lowest point
    assert loss.description == "Loss by strength of the regularisation: 0.5 at 1, 0.4 at 10, 0.45 at 100; chosen: 10."
    assert not any("%" in tick.label for tick in loss.y_ticks)
