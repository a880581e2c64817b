"""How a head was chosen: accuracy and loss at each strength of its regularisation, as plain values and as charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from imagewise.display.formatting import percent
from imagewise.evaluation.report.curves import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Scale,
    Tick,
    line,
    mark,
    nice_ticks,
)

LOOKS = ("first", "second", "third", "fourth")  # CSS classes of lines; more kinds of views than these share the last
MOST_TICKS = 7


@dataclass(frozen=True)
class Trial:
    """One choice that was tried.

    Attributes:
        views: of the training pictures it was fitted on, in words.
        strength: of the regularisation, 0 or more.
        accuracy: fraction.
        loss: mean cross-entropy.
    """

    views: str
    strength: float
    accuracy: float | None
    loss: float | None


@dataclass(frozen=True)
class Strengths:
    """Everything that was tried.

    Attributes:
        trials: in the order in which they are listed.
        chosen: the one that the model has; None if unknown.
        count: number of pictures that the accuracies are of; 0 if unknown.
        cross_validated: the accuracies are of cross-validation, not of the validation split.
    """

    trials: Sequence[Trial]
    chosen: Trial | None
    count: int
    cross_validated: bool

    @property
    def measure(self) -> str:
        """Name of the accuracy."""
        return "cross-validated accuracy" if self.cross_validated else "validation accuracy"

    @property
    def views(self) -> list[str]:
        """The kinds of views, each once."""
        return list(dict.fromkeys(trial.views for trial in self.trials))

    @property
    def looks(self) -> dict[str, str]:
        """The CSS class of each kind of views."""
        return {views: LOOKS[min(place, len(LOOKS) - 1)] for place, views in enumerate(self.views)}


def strength_charts(strengths: Strengths) -> list[Chart]:
    """Accuracy in percent and loss by strength on a logarithmic axis, a line for each kind of views.

    What leaves nothing to compare, fewer than two strengths with a value, has no chart.
    """
    share = _Measure(strengths.measure.capitalize(), "%", lambda trial: _percent(trial.accuracy))
    loss = _Measure("Loss", "", lambda trial: trial.loss)
    charts = (_chart(strengths, share), _chart(strengths, loss))
    return [chart for chart in charts if chart is not None]


@dataclass(frozen=True)
class _Measure:
    """What a chart shows of each trial; `unit` is written behind numbers on its axis."""

    title: str
    unit: str
    of: Callable[[Trial], float | None]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _chart(strengths: Strengths, measure: _Measure) -> Chart | None:
    known = {trial: value for trial in strengths.trials if (value := measure.of(trial)) is not None and isfinite(value)}
    places = sorted({trial.strength for trial in known})
    if len(places) < 2:
        return None
    x, y_ticks = _across(places), _ticks(known.values(), measure.unit)
    y = Scale(y_ticks[0], y_ticks[-1], BOTTOM, TOP)
    lines = []
    for views, look in strengths.looks.items():
        points = sorted((x[trial.strength], y(value)) for trial, value in known.items() if trial.views == views)
        if points:
            lines.append(line(look, points))
    chosen, best = strengths.chosen, None
    if chosen is not None and chosen.strength in x:
        best = mark(x[chosen.strength], y(known[chosen]) if chosen in known else None, f"chosen: {chosen.strength:g}")
    return Chart(
        title=measure.title,
        description=_in_words(strengths, measure, known),
        x_ticks=_strength_ticks(places, x),
        y_ticks=tuple(Tick(y(value), f"{value:g}{measure.unit}") for value in y_ticks),
        lines=tuple(lines),
        best=best,
        along="strength of the regularisation",
    )


def _across(places: Sequence[float]) -> dict[float, float]:
    """Horizontal positions of the strengths; 0, which has no logarithm, is one step before the least."""
    logs = [log10(place) for place in places if place > 0]
    step = (logs[-1] - logs[0]) / max(len(logs) - 1, 1) or 1.0
    along = {place: log10(place) if place > 0 else logs[0] - step for place in places}
    scale = Scale(along[places[0]] - step / 2, along[places[-1]] + step / 2, LEFT, RIGHT)
    return {place: scale(value) for place, value in along.items()}


def _strength_ticks(places: Sequence[float], x: dict[float, float]) -> tuple[Tick, ...]:
    """The strengths themselves if they are few, else those that are powers of ten, else some."""
    shown = list(places)
    if len(shown) > MOST_TICKS:
        powers = [place for place in places if place <= 0 or abs(log10(place) - round(log10(place))) < 1e-6]
        shown = powers if 1 < len(powers) <= MOST_TICKS else shown[:: -(-len(shown) // MOST_TICKS)]
    return tuple(Tick(x[place], f"{place:g}") for place in shown)


def _ticks(values: Iterable[float], unit: str) -> list[float]:
    low, high = min(values), max(values)
    if unit and high - low < 1:  # a flat line is drawn as one
        low = max(0.0, floor(low) - 1.0)
        high = min(100.0, low + 3)
    elif not unit and high - low < 0.1 * high:
        low, high = max(0.0, low - 0.1 * high), 1.1 * high
    return nice_ticks(low, high if high > low else low + 1.0)


def _in_words(strengths: Strengths, measure: _Measure, known: Mapping[Trial, float]) -> str:
    parts = []
    for views in strengths.views:
        found = [(trial, value) for trial, value in known.items() if trial.views == views]
        if found:
            listed = ", ".join(f"{_value_text(strengths, measure, *each)} at {each[0].strength:g}" for each in found)
            parts.append(f"{views} views: {listed}" if len(strengths.views) > 1 else listed)
    chosen = f"; chosen: {strengths.chosen.strength:g}" if strengths.chosen else ""
    return f"{measure.title} by strength of the regularisation: {'; '.join(parts)}{chosen}."


def _value_text(strengths: Strengths, measure: _Measure, trial: Trial, value: float) -> str:
    return percent(trial.accuracy or 0.0, strengths.count) if measure.unit else f"{value:.3g}"
