"""The plot of a learning-rate range test: loss over learning rate, drawn by matplotlib."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from imagewise.errors import EngineError
from imagewise.framing.own_pictures import MARK
from imagewise.installing import install_command
from imagewise.training.lr_finder import RateSearch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALLEY, RAW, SMOOTHED, CHOSEN, INK, GRID = "#eef4fb", "#b3bdca", "#2563a8", "#b4461f", "#4a5360", "#dfe3e8"
MARGIN = 0.15  # of the losses' range, above the first ones: higher losses only say that training diverges


def require_matplotlib() -> None:
    """Refuse where matplotlib is not installed. To be called before the search, which takes longer.

    Raises:
        EngineError: names the command that installs it.
    """
    if find_spec("matplotlib") is None:
        command = install_command("train")
        raise EngineError(f"the plot needs matplotlib, which is not installed. Install it with: {command}")


def rate_plot(search: RateSearch) -> bytes:
    """A PNG, 1200 x 750 pixels: the losses, raw and smoothed, the valley, the suggestion and the recipe's rate.

    Raises:
        EngineError: matplotlib is not installed.
    """
    require_matplotlib()
    with _quiet_matplotlib():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 5), dpi=150, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.plot(search.rates, search.costs, color=RAW, linewidth=1, label="each batch")
        axes.plot(search.rates, search.smoothed, color=SMOOTHED, linewidth=2, label="smoothed")
        axes.set_xscale("log")
        axes.set_xlim(search.rates[0], search.rates[-1])
        low, high = search.costs.min(), search.costs[:10].max()
        axes.set_ylim(max(0.0, low - MARGIN * (high - low)), high + MARGIN * (high - low))
        axes.axvspan(*search.valley, color=VALLEY, zorder=0, label="valley")
        axes.set_xlabel("learning rate (rises at each step)", color=INK)
        axes.set_ylabel("loss of a batch (cross-entropy)", color=INK)
        axes.set_title(f"{search.data}, recipe {search.recipe}", color=INK, loc="left", fontsize=11, pad=24)
        higher = search.suggestion > search.recipe_rate
        _mark(axes, search, search.recipe_rate, "recipe's", INK, ":", "right" if higher else "left")
        _mark(axes, search, search.suggestion, "suggested", CHOSEN, "-", "left" if higher else "right")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set_color(GRID)
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", length=0, labelcolor=INK)
        axes.legend(loc="lower left", frameon=False, labelcolor=INK)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata=dict([MARK]))
    return file.getvalue()


def _mark(
    axes: Axes, search: RateSearch, rate: float, words: str, colour: str, dash: str, align: Literal["left", "right"]
) -> None:
    """Mark a learning rate: a line, a point where it meets the curve, and its name above on the side that is free."""
    cost = search.cost_at(rate)
    if cost is None:
        return
    axes.axvline(rate, color=colour, linewidth=1.2, linestyle=dash)
    axes.plot([rate], [cost], "o", color=colour, markersize=6)
    top = axes.get_xaxis_transform()
    axes.text(rate, 1.01, f" {words}: {rate:g} ", color=colour, ha=align, va="bottom", transform=top)


@contextmanager
def _quiet_matplotlib() -> Iterator[None]:
    """Silence for matplotlib's first import on a machine, which logs that it builds a font cache."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
