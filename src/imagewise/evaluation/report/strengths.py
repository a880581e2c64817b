"""How a head was chosen: the accuracy at each strength of its regularisation, as plain values and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from imagewise.display.formatting import percent
from imagewise.evaluation.report.curves import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Mark,
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


def strength_chart(strengths: Strengths) -> Chart | None:
    """Accuracy in percent by strength on a logarithmic axis, a line for each kind of views.

    None where there is nothing to compare: fewer than two strengths with an accuracy.
    """
    known = [trial for trial in strengths.trials if trial.accuracy is not None and isfinite(trial.accuracy)]
    places = sorted({trial.strength for trial in known})
    if len(places) < 2:
        return None
    x, y_ticks = _across(places), _accuracy_ticks(known)
    y = Scale(y_ticks[0], y_ticks[-1], BOTTOM, TOP)
    lines = []
    for views, look in strengths.looks.items():
        found = {trial.strength: trial.accuracy for trial in known if trial.views == views}
        if found:
            lines.append(line(look, [(x[at], y(100 * (found[at] or 0.0))) for at in places if at in found]))
    return Chart(
        title=strengths.measure.capitalize(),
        description=_in_words(strengths, known),
        x_ticks=_strength_ticks(places, x),
        y_ticks=tuple(Tick(y(value), f"{value:g}%") for value in y_ticks),
        lines=tuple(lines),
        best=_mark(strengths, x, y),
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


def _accuracy_ticks(known: Sequence[Trial]) -> list[float]:
    values = [100 * (trial.accuracy or 0.0) for trial in known]
    low, high = min(values), max(values)
    if high - low < 1:  # a flat line is drawn as one
        low = max(0.0, floor(low) - 1.0)
        high = min(100.0, low + 3)
    return nice_ticks(low, high)


def _mark(strengths: Strengths, x: dict[float, float], y: Scale) -> Mark | None:
    chosen = strengths.chosen
    if chosen is None or chosen.strength not in x:
        return None
    return mark(x[chosen.strength], None if chosen.accuracy is None else y(100 * chosen.accuracy), _label(chosen))


def _label(chosen: Trial) -> str:
    return f"chosen: {chosen.strength:g}"


def _in_words(strengths: Strengths, known: Sequence[Trial]) -> str:
    parts = []
    for views in strengths.views:
        found = [trial for trial in known if trial.views == views]
        if found:
            listed = ", ".join(
                f"{percent(each.accuracy or 0.0, strengths.count)} at {each.strength:g}" for each in found
            )
            parts.append(f"{views} views: {listed}" if len(strengths.views) > 1 else listed)
    chosen = f"; {_label(strengths.chosen)}" if strengths.chosen else ""
    return f"{strengths.measure.capitalize()} by strength of the regularisation: {'; '.join(parts)}{chosen}."
