"""The picture of a learning-rate range test: cost over rate, drawn by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from imagewise.curves import quiet_matplotlib
from imagewise.rate_finder import RateSearch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALLEY, RAW, SMOOTHED, CHOSEN, INK, GRID = "#eef4fb", "#b3bdca", "#2563a8", "#b4461f", "#4a5360", "#dfe3e8"
MARGIN = 0.15  # of the costs' range, above the first ones: what is higher says no more than that it diverges


def rate_plot(search: RateSearch) -> bytes:
    """A PNG, 1200 x 750 pixels: the costs, smoothed too, the valley, the suggestion and the recipe's rate."""
    with quiet_matplotlib():
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
        axes.set_xlabel("learning rate (rising from step to step)", color=INK)
        axes.set_ylabel("cost of a batch (cross-entropy)", color=INK)
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
        figure.savefig(file, format="png")
    return file.getvalue()


def _mark(
    axes: Axes, search: RateSearch, rate: float, words: str, colour: str, dash: str, align: Literal["left", "right"]
) -> None:
    """A line at a rate, where it meets the curve, and what it is, written above on the side that is free."""
    cost = search.cost_at(rate)
    if cost is None:
        return
    axes.axvline(rate, color=colour, linewidth=1.2, linestyle=dash)
    axes.plot([rate], [cost], "o", color=colour, markersize=6)
    top = axes.get_xaxis_transform()
    axes.text(rate, 1.01, f" {words}: {rate:g} ", color=colour, ha=align, va="bottom", transform=top)
