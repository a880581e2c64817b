"""The learning-rate range test: a rate for data that nobody has trained on before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Dataset
from imagewise.engines import TriesRates
from imagewise.errors import EngineError, TrainingError
from imagewise.planning import Options, prepare

DIVERGED = 4.0  # times the lowest smoothed cost
MEMORY = 0.9  # of the running mean that divergence is told by
WIDTH = 0.04  # deviation of the Gaussian that the curve is smoothed by, share of the steps


@dataclass(frozen=True, eq=False)
class RateSearch:
    """What a range test found.

    Attributes:
        rates: (n,) float64, rising, the rate of each step.
        costs: (n,) float64, of each step's batch.
        smoothed: (n,) float64, the same as a running Gaussian mean.
        diverged: the cost rose to `DIVERGED` times its lowest, or was no number any more, before the last rate.
    """

    data: str
    recipe: str
    rates: NDArray[np.float64]
    costs: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    diverged: bool

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed cost is lowest."""
        return float(self.rates[self.smoothed.argmin()])

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed cost falls fastest by the logarithm of the rate, before its lowest."""
        slope = np.gradient(self.smoothed)[: int(self.smoothed.argmin()) + 1]
        return float(self.rates[slope.argmin()])

    @property
    def suggestion(self) -> float:
        """A tenth of `lowest`, to two digits."""
        return float(f"{self.lowest / 10:.1e}")

    def as_dict(self) -> dict[str, Any]:
        """The shape of `lr-find --json`."""
        return {
            "data": self.data,
            "recipe": self.recipe,
            "suggestion": self.suggestion,
            "lowest": self.lowest,
            "steepest": self.steepest,
            "diverged": self.diverged,
            "rates": self.rates.tolist(),
            "costs": self.costs.tolist(),
            "smoothed": self.smoothed.tolist(),
        }


def find_learning_rate(
    data: Dataset | str | Path | None = None,
    *,
    recipe: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: str | None = None,
    device: str = "auto",
    steps: int = 150,
    lowest: float = 1e-6,
    highest: float = 10.0,
    offline: bool = False,
    strict: bool = False,
) -> RateSearch:
    """Try learning rates from `lowest` to `highest`, one batch each (Smith 2017), on weights that are thrown away.

    Args:
        data, recipe, settings, engine, device, offline, strict: as `imagewise.train` takes them.
        steps: how many rates, evenly spaced by their logarithms.

    Raises:
        EngineError: the engine offers no range test.
        TrainingError: there is nothing to choose by: the cost was no number from the start.
        ImagewiseError: what `imagewise.train` raises before it starts.
    """
    options = Options(recipe, engine, device, None, None, dict(settings or {}), offline, strict)
    dataset, chosen, network, engine_name, opened = prepare(data, options)
    if not isinstance(opened, TriesRates):
        raise EngineError(f"the {engine_name} engine offers no learning-rate range test; leave out --engine.")
    rates, costs, diverged = np.geomspace(lowest, highest, steps), list[float](), False
    mean, best = 0.0, np.inf
    for cost in opened.try_rates(network, chosen, dataset, rates.tolist()):
        if not isfinite(cost):
            diverged = True
            break
        costs.append(cost)
        mean = MEMORY * mean + (1 - MEMORY) * cost
        running = mean / (1 - MEMORY ** len(costs))
        best = min(best, running)
        if running > DIVERGED * best:
            diverged = True
            break
    if len(costs) < 3:
        raise TrainingError(f"the cost was no number after {len(costs)} steps; try a lower --lowest.")
    values = np.array(costs)
    return RateSearch(dataset.name, chosen.name, rates[: len(values)], values, smooth(values, WIDTH * steps), diverged)


def smooth(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Means weighted by a Gaussian over the steps, of those that there are: no lag, where a running mean has one."""
    steps = np.arange(len(values))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / deviation) ** 2)
    smoothed: NDArray[np.float64] = weights @ values / weights.sum(1)
    return smoothed
