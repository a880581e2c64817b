from __future__ import annotations

from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.training.recipe import Schedule
from imagewise.training.schedule import learning_rate

schedules = st.builds(
    lambda name, warmup, final: Schedule(name=name, warmup=warmup, final=0.0 if name == "constant" else final),
    st.sampled_from(["constant", "linear", "cosine"]),
    st.floats(0, 0.99),
    st.floats(0, 1),
)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Schedule(), {0: 2.0, 50: 2.0, 99: 2.0}),
        (Schedule(warmup=0.1), {0: 0.2, 4: 1.0, 8: 1.8, 9: 2.0, 10: 2.0, 99: 2.0}),
        (Schedule(name="linear"), {0: 2.0, 25: 1.5, 50: 1.0, 99: 0.02}),
        (Schedule(name="linear", final=0.5), {0: 2.0, 50: 1.5, 99: 1.01}),
        (Schedule(name="linear", warmup=0.2), {0: 0.1, 9: 1.0, 20: 2.0, 60: 1.0, 99: 0.025}),
        (Schedule(name="cosine"), {0: 2.0, 25: 1 + cos(pi / 4), 50: 1.0, 75: 1 - cos(pi / 4), 99: 1 + cos(0.99 * pi)}),
        (
            Schedule(name="cosine", warmup=0.2, final=0.1),
            {0: 0.1, 19: 2.0, 20: 2.0, 60: 1.1, 99: 0.2 + 0.9 * (1 + cos(pi * 79 / 80))},
        ),
    ],
    ids=str,
)
def test_the_rate_at_known_steps_of_a_hundred(schedule: Schedule, rates: dict[int, float]) -> None:
    assert {step: learning_rate(schedule, 2.0, step, 100) for step in rates} == pytest.approx(rates)


@given(schedules, st.integers(1, 300))
def test_the_rate_stays_between_nothing_and_the_peak_and_rises_then_falls(schedule: Schedule, steps: int) -> None:
    rates = [learning_rate(schedule, 0.1, step, steps) for step in range(steps)]
    assert all(0 < rate <= 0.1 * (1 + 1e-12) for rate in rates)
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@given(schedules)
def test_a_single_step_is_taken_at_a_rate_above_nothing(schedule: Schedule) -> None:
    assert learning_rate(schedule, 0.1, 0, 1) > 0
