"""Training curves as plain values, and the geometry of their charts; templates/chart.html.j2 draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

MARKED_UP_TO = 30  # epochs: with more, points would hide the line
WIDTH, HEIGHT = 400.0, 240.0  # units of the SVG's viewBox; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 46.0, 394.0, 24.0, 202.0  # edges of the plot in it

Values = Sequence[float | None]


@dataclass(frozen=True)
class Curves:
    """Training epoch by epoch. Sequences have one value for each epoch; None where it was not measured.

    Attributes:
        epochs: numbers of the epochs, from 1.
        train_loss, validation_loss: mean loss of a picture.
        train_accuracy, validation_accuracy: fractions.
        learning_rates: at the end of each epoch.
        seconds: duration of the training steps of each epoch.
        best_epoch: the best epoch by validation; None if none was validated.
        train_count, validation_count: number of pictures that the accuracies are of.
    """

    epochs: Sequence[int]
    train_loss: Values
    validation_loss: Values
    train_accuracy: Values
    validation_accuracy: Values
    learning_rates: Values
    seconds: Values
    best_epoch: int | None
    train_count: int
    validation_count: int

    @property
    def validated(self) -> bool:
        """Whether any epoch was validated."""
        return any(value is not None for value in self.validation_accuracy)


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, in units of the viewBox."""

    position: float
    label: str


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: its CSS class: `train` and `validation`, or `first`, `second` ...
        segments: its unbroken parts, each the `points` of an SVG polyline.
        markers: (x, y) of the points that are marked.
    """

    name: str
    segments: tuple[str, ...]
    markers: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Mark:
    """What was chosen: a vertical line at x, a ring at y (None without a value), a label and its text-anchor."""

    x: float
    y: float | None
    label: str
    anchor: str


@dataclass(frozen=True)
class Chart:
    """All that the template needs to draw one chart. Positions are in units of the viewBox.

    Attributes:
        title: heading of the chart.
        description: the chart in words, for those who do not see it.
        x_ticks, y_ticks: labelled positions on the axes.
        lines: training first.
        best: mark of the best epoch, or of what was chosen; None if unknown.
        along: name of the horizontal axis.
    """

    title: str
    description: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    best: Mark | None
    along: str = "epoch"
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    bottom: float = BOTTOM


def loss_chart(curves: Curves) -> Chart:
    """The losses over the epochs, from 0."""
    train, validation = _finite(curves.train_loss), _finite(curves.validation_loss)
    values = [value for value in (*train, *validation) if value is not None]
    ticks = nice_ticks(0.0, max(values, default=0.0) or 1.0)
    return _chart("Loss", curves, train, validation, ticks, "")


def accuracy_chart(curves: Curves) -> Chart:
    """The accuracies in percent over the epochs."""
    train, validation = _finite(curves.train_accuracy, 100), _finite(curves.validation_accuracy, 100)
    values = [value for value in (*train, *validation) if value is not None] or [0.0, 100.0]
    low, high = min(values), max(values)
    if high - low < 1:  # a flat line is drawn as one
        low = max(0.0, low - 1)
        high = min(100.0, low + 2)
    return _chart("Accuracy", curves, train, validation, nice_ticks(low, high), "%")


def nice_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """At most `most` evenly spaced round numbers; the first is at or below `low`, the last at or above `high`."""
    power = 10.0 ** floor(log10((high - low) / (most - 1)))
    for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power, 20 * power):
        first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
        if last - first < most:
            break
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def epoch_ticks(first: int, last: int, most: int = 8) -> list[int]:
    """At most `most` epochs, all multiples of a round number."""
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if last // step - (first - 1) // step <= most)
    return [number for number in range(first, last + 1) if number % step == 0]


def mark(x: float, y: float | None, label: str) -> Mark:
    """A mark whose label stays within the chart."""
    return Mark(x, y, label, "start" if x < LEFT + 60 else "end" if x > RIGHT - 60 else "middle")


def _finite(values: Values, factor: float = 1.0) -> list[float | None]:
    """The values times `factor`. What was not measured and what is not finite leaves a gap."""
    return [None if value is None or not isfinite(value) else factor * value for value in values]


def _chart(title: str, curves: Curves, train: Values, validation: Values, y_ticks: Sequence[float], unit: str) -> Chart:
    x = Scale(curves.epochs[0] - 0.5, curves.epochs[-1] + 0.5, LEFT, RIGHT)
    y = Scale(y_ticks[0], y_ticks[-1], BOTTOM, TOP)
    lines = []
    for name, values in (("train", train), ("validation", validation)):
        points = [
            None if value is None else (x(epoch), y(value)) for epoch, value in zip(curves.epochs, values, strict=True)
        ]
        if any(points):
            lines.append(line(name, points))
    best = None
    if curves.best_epoch is not None and curves.best_epoch in curves.epochs:
        value = validation[curves.epochs.index(curves.best_epoch)]
        best = mark(x(curves.best_epoch), None if value is None else y(value), f"best epoch: {curves.best_epoch}")
    return Chart(
        title=title,
        description=_in_words(title, curves, train, validation, unit),
        x_ticks=tuple(Tick(x(epoch), str(epoch)) for epoch in epoch_ticks(curves.epochs[0], curves.epochs[-1])),
        y_ticks=tuple(Tick(y(value), f"{value:g}{unit}") for value in y_ticks),
        lines=tuple(lines),
        best=best,
    )


@dataclass(frozen=True)
class Scale:
    """A straight line from values (low to high) to positions (start to end)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The position of a value."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)


def line(name: str, points: Sequence[tuple[float, float] | None]) -> Line:
    """A curve through these points; None leaves a gap."""
    segments = list[list[tuple[float, float]]]([[]])
    for point in points:
        if point is not None:
            segments[-1].append(point)
        elif segments[-1]:
            segments.append([])
    marked = [point for part in segments for point in part if len(points) <= MARKED_UP_TO or len(part) == 1]
    drawn = (" ".join(f"{x:g},{y:g}" for x, y in part) for part in segments if len(part) > 1)
    return Line(name, tuple(drawn), tuple(marked))


def _in_words(title: str, curves: Curves, train: Values, validation: Values, unit: str) -> str:
    parts = []
    for name, values in (("train", train), ("validation", validation)):
        finite = [value for value in values if value is not None]
        if finite:
            first, last = (f"{value:.1f}%" if unit else f"{value:.3g}" for value in (finite[0], finite[-1]))
            parts.append(f"{name} from {first} to {last}")
    best = f"; best epoch: {curves.best_epoch}" if curves.best_epoch in curves.epochs else ""
    numbers = ", ".join(parts) or "no finite value"
    return f"{title} from epoch {curves.epochs[0]} to {curves.epochs[-1]}: {numbers}{best}."
