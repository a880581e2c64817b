from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imagewise.evaluation.report.curves import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Curves,
    accuracy_chart,
    epoch_ticks,
    loss_chart,
    nice_ticks,
)  # fmt: skip
from reports import CURVES


def points(chart: Chart, name: str) -> list[list[tuple[float, float]]]:
    line = next(line for line in chart.lines if line.name == name)
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in segment.split())] for segment in line.segments
    ]


def longer(count: int) -> Curves:
    values = tuple(1 / (epoch + 1) for epoch in range(count))
    return Curves(tuple(range(1, count + 1)), *(values,) * 4, values, values, None, 100, 100)


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_even_and_round_and_enclose_the_range(low: float, span: float) -> None:
    high = low + span
    assume(span > 1e-6 * high)
    ticks = nice_ticks(low, high)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= high - 1e-6 * step
    assert all(b - a == pytest.approx(step, rel=1e-3) for a, b in pairwise(ticks))
    assert float(f"{step:.0e}") == pytest.approx(step, rel=0.3)
    assert step <= 2.1 * span


@given(st.integers(1, 2000), st.integers(0, 2000))
def test_ticks_of_epochs_are_whole_few_and_within_the_run(first: int, more: int) -> None:
    ticks = epoch_ticks(first, first + more)
    assert 1 <= len(ticks) <= 8
    assert all(first <= tick <= first + more for tick in ticks)
    assert len({b - a for a, b in pairwise(ticks)}) <= 1


def test_points_are_where_the_axes_say() -> None:
    chart = loss_chart(CURVES)
    at = {tick.label: tick.position for tick in chart.y_ticks}
    across = {tick.label: tick.position for tick in chart.x_ticks}
    assert at["0"] == BOTTOM
    assert max(at, key=float) == "1"
    ((first, second, third),) = points(chart, "train")
    assert [x for x, _ in (first, second, third)] == pytest.approx([across["1"], across["2"], across["3"]], abs=0.01)
    assert first[1] == pytest.approx(BOTTOM - 0.9 * (BOTTOM - at["1"]), abs=0.01)
    assert LEFT < first[0] < third[0] < RIGHT


def test_accuracies_are_percentages_that_end_at_100() -> None:
    chart = accuracy_chart(replace(CURVES, train_accuracy=(0.97, 0.999, 1.0)))
    assert chart.y_ticks[-1].label == "100%"
    assert chart.y_ticks[-1].position == TOP
    assert "train from 97.0% to 100.0%" in chart.description
    flat = accuracy_chart(replace(CURVES, train_accuracy=(1.0,) * 3, validation_accuracy=(1.0,) * 3))
    assert flat.y_ticks[-1].label == "100%"
    assert flat.y_ticks[0].label == "99%"


def test_the_best_epoch_is_marked_where_its_validation_is() -> None:
    chart = loss_chart(replace(CURVES, best_epoch=2))
    assert chart.best is not None
    assert (chart.best.x, chart.best.y) == points(chart, "validation")[0][1]
    assert "2" in chart.best.label
    assert loss_chart(replace(CURVES, best_epoch=None)).best is None
    alone = loss_chart(replace(CURVES, validation_loss=(None,) * 3))
    assert alone.best is not None
    assert alone.best.y is None


@pytest.mark.parametrize(("best", "anchor"), [(1, "start"), (50, "middle"), (100, "end")])
def test_the_label_of_the_best_epoch_stays_within_the_chart(best: int, anchor: str) -> None:
    chart = loss_chart(replace(longer(100), best_epoch=best))
    assert chart.best is not None
    assert chart.best.anchor == anchor


@pytest.mark.parametrize("gap", [None, float("nan"), float("inf")])
def test_what_was_not_measured_leaves_a_gap_and_a_lonely_point_is_marked(gap: float | None) -> None:
    values = (*longer(100).train_loss[:50], gap, 0.3, gap, *longer(100).train_loss[53:])
    chart = loss_chart(replace(longer(100), train_loss=values))
    assert [len(part) for part in points(chart, "train")] == [50, 47]
    (train, validation) = chart.lines
    assert len(train.markers) == 1
    assert validation.markers == ()


def test_few_epochs_are_marked_point_by_point_and_one_epoch_is_one_point() -> None:
    assert len(loss_chart(longer(30)).lines[0].markers) == 30
    assert len(loss_chart(longer(31)).lines[0].markers) == 0
    one = loss_chart(longer(1))
    assert one.lines[0].segments == ()
    assert len(one.lines[0].markers) == 1
    assert [tick.label for tick in one.x_ticks] == ["1"]


def test_a_run_without_a_finite_value_still_has_axes() -> None:
    nothing = (float("nan"),) * 3
    curves = replace(
        CURVES, train_loss=nothing, validation_loss=nothing, train_accuracy=nothing, validation_accuracy=nothing
    )
    for chart in (loss_chart(curves), accuracy_chart(curves)):
        assert chart.lines == ()
        assert len(chart.y_ticks) >= 2
        assert "nan" not in chart.description
