"""The curves of a training run as inline SVG, drawn by matplotlib."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagewise.history import EpochRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The page chooses the colours, so that one drawing serves light and dark: these stand for them until then.
TRAIN, VALIDATION, INK, GRID = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
VARIABLES = {TRAIN: "--train", VALIDATION: "--validation", INK: "--muted", GRID: "--line"}
MARKED_UP_TO = 30  # epochs: with more, points would hide the line


def cost_curves(history: Sequence[EpochRecord], best_epoch: int | None) -> str:
    """Cost by epoch, train and validation, with the best epoch marked: an `<svg>` element.

    Colours are the CSS variables in `VARIABLES`, which the page around it has to define.
    """
    train = _series([record.cost for record in history])
    validation = _series([record.validation_cost for record in history])
    return _draw("Cost", history, train, validation, best_epoch, percent=False)


def accuracy_curves(history: Sequence[EpochRecord], best_epoch: int | None) -> str:
    """Accuracy in percent by epoch, as `cost_curves`."""
    train = 100 * _series([record.accuracy for record in history])
    validation = 100 * _series([record.validation_accuracy for record in history])
    return _draw("Accuracy", history, train, validation, best_epoch, percent=True)


def _series(values: Sequence[float | None]) -> NDArray[np.float64]:
    """What was not measured, and what broke down (infinite), leaves a gap."""
    series = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    series[~np.isfinite(series)] = np.nan
    return series


def _draw(
    title: str,
    history: Sequence[EpochRecord],
    train: NDArray[np.float64],
    validation: NDArray[np.float64],
    best_epoch: int | None,
    percent: bool,
) -> str:
    epochs = [record.epoch for record in history]
    with quiet_matplotlib():
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        # text as text in the page's font, and the same bytes for the same numbers
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "font.size": 10.5}):
            figure = Figure(figsize=(5.2, 3.1), layout="constrained")
            axes = figure.add_subplot()
            marker = {"marker": "o" if len(epochs) <= MARKED_UP_TO else "", "markersize": 4}
            for values, colour, dash in ((train, TRAIN, "--"), (validation, VALIDATION, "-")):
                if np.isfinite(values).any():
                    axes.plot(epochs, values, color=colour, linestyle=dash, linewidth=1.8, **marker)  # type: ignore[arg-type]
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
            axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
            axes.set_xlabel("epoch", color=INK)
            if percent:
                axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
                axes.set_ylim(top=min(axes.get_ylim()[1], 100.5))
            else:
                axes.set_ylim(bottom=0)
            if best_epoch in epochs:
                _mark_best(axes, best_epoch, validation[epochs.index(best_epoch)])
            _calm(axes)
            file = io.StringIO()
            figure.savefig(file, format="svg", transparent=True)
    return _inline(file.getvalue(), _in_words(title, epochs, train, validation, best_epoch, percent))


def _mark_best(axes: Axes, epoch: int, value: float) -> None:
    left, right = axes.get_xlim()
    place = (epoch - left) / (right - left)
    align = "left" if place < 0.2 else "right" if place > 0.8 else "center"
    axes.axvline(epoch, color=INK, linewidth=1, linestyle=":")
    top = axes.get_xaxis_transform()
    axes.text(epoch, 1.02, f"best epoch: {epoch}", color=INK, ha=align, va="bottom", transform=top)
    if np.isfinite(value):
        axes.plot([epoch], [value], "o", color=VALIDATION, markersize=10, fillstyle="none", markeredgewidth=1.8)


def _calm(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelcolor=INK, pad=6)


def _inline(svg: str, words: str) -> str:
    """Only the element itself, sized by the page, in the page's font and colours, with a text alternative."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # both drawings on the page number their groups alike
    svg = re.sub(r"font(-family)?: [^;\"]*'[^;\"]*", lambda match: _font(match[0]), svg)
    svg = re.sub(r'^<svg[^>]*viewBox="([^"]*)"[^>]*>', _opening(words), svg, count=1)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.strip()


def _font(declaration: str) -> str:
    """matplotlib names its own fonts; keep the size only."""
    size = re.search(r"[\d.]+px", declaration)
    return f"font-size: {size[0]}" if size else "font-family: inherit"


def _opening(words: str) -> str:
    return (
        r'<svg viewBox="\1" role="img" '
        f'aria-label="{words}" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )


def _in_words(
    title: str,
    epochs: Sequence[int],
    train: NDArray[np.float64],
    validation: NDArray[np.float64],
    best_epoch: int | None,
    percent: bool,
) -> str:
    parts = []
    for name, values in (("train", train), ("validation", validation)):
        finite = values[np.isfinite(values)]
        if len(finite):
            first, last = (f"{value:.1f}%" if percent else f"{value:.3g}" for value in finite[[0, -1]])
            parts.append(f"{name} from {first} to {last}")
    best = f"; best epoch: {best_epoch}" if best_epoch in epochs else ""
    return f"{title} from epoch {epochs[0]} to {epochs[-1]}: {', '.join(parts) or 'not a number'}{best}."


@contextmanager
def quiet_matplotlib() -> Iterator[None]:
    """Its first import on a machine tells about its font cache, which is no news to who trains a model."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
