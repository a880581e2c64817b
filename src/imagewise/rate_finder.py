"""The learning-rate range test: a rate for data that nobody has trained on before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.dataset import Dataset
from imagewise.engines import Engine, TriesRates
from imagewise.errors import EngineError, TrainingError
from imagewise.network import Network
from imagewise.planning import Options, prepare
from imagewise.recipe import Recipe

STEPS, LOWEST, HIGHEST = 150, 1e-6, 10.0
DIVERGED = 4.0  # times the lowest running mean of the cost
MEMORY = 0.9  # of that running mean
WIDTH = 0.04  # deviation of the Gaussian that the curve is smoothed by, share of the steps
LEARNT = 0.01  # of the first cost: below it nothing is left to see, as high rates cannot harm what is learnt by heart
LEAST_FALL = 0.02  # share of the first cost; below it, a dip is taken for noise

Watcher = Callable[[int, int, float, float], None]
"""Told of each step: its number from 1, how many there are at most, its rate and its cost."""


@dataclass(frozen=True, eq=False)
class RateSearch:
    """What a range test found.

    Attributes:
        data, recipe: their names.
        recipe_rate: the rate that the recipe itself names.
        rates: (n,) float64, rising, the rate of each step.
        costs: (n,) float64, of each step's batch, before the step.
        smoothed: (n,) float64, the same, each a mean of its neighbours by a Gaussian.
        diverged: the cost rose to `DIVERGED` times its lowest, or was no number any more, before the last rate.
    """

    data: str
    recipe: str
    recipe_rate: float
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
    def valley(self) -> tuple[float, float]:
        """First and last rate around the lowest cost at which at least half of the smoothed cost's fall is kept."""
        low = self.smoothed <= (self.smoothed[0] + self.smoothed.min()) / 2
        bottom = int(self.smoothed.argmin())
        before, after = np.flatnonzero(~low[:bottom]), np.flatnonzero(~low[bottom:])
        start = before[-1] + 1 if len(before) else 0
        end = bottom + after[0] - 1 if len(after) else len(low) - 1
        return float(self.rates[start]), float(self.rates[end])

    @property
    def suggestion(self) -> float:
        """Half the middle of the valley (by logarithms), to two digits.

        The middle, since where in a flat valley the lowest cost lies is chance; half, since one rate too high costs
        more than one too low. By trials: docs/decisions.md.
        """
        start, end = self.valley
        return float(f"{sqrt(start * end) / 2:.1e}")

    def cost_at(self, rate: float) -> float | None:
        """The smoothed cost at a rate, or None where the test did not get there."""
        if not self.rates[0] <= rate <= self.rates[-1]:
            return None
        return float(np.interp(np.log(rate), np.log(self.rates), self.smoothed))

    def as_dict(self) -> dict[str, Any]:
        """The shape of `lr-find --json`."""
        return {
            "data": self.data,
            "recipe": self.recipe,
            "suggestion": self.suggestion,
            "recipe_rate": self.recipe_rate,
            "valley": list(self.valley),
            "steepest": self.steepest,
            "lowest": self.lowest,
            "diverged": self.diverged,
            "rates": self.rates.tolist(),
            "costs": self.costs.tolist(),
            "smoothed": self.smoothed.tolist(),
        }


def find_learning_rate(
    data: Dataset | str | Path | None = None,
    *,
    recipe: str | Path | Recipe | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: str | None = None,
    device: str = "auto",
    steps: int = STEPS,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    offline: bool = False,
    strict: bool = False,
) -> RateSearch:
    """Try learning rates from `lowest` to `highest`, one batch each (Smith 2017), on weights that are thrown away.

    Nothing is written. All but the rate is as the recipe says: batch size, optimiser, augmentation, class weights.

    Args:
        data, recipe, settings, engine, device, offline, strict: as `imagewise.train` takes them.
        steps: how many rates, evenly spaced by their logarithms; 3 or more.

    Raises:
        EngineError: the engine offers no range test.
        TrainingError: there is nothing to choose by: no rate made the cost fall.
        ImagewiseError: what `imagewise.train` raises before it starts.

    >>> import imagewise
    >>> found = imagewise.find_learning_rate("digits", recipe="perceptron")
    >>> 0.0001 < found.suggestion < 0.01
    True
    """
    options = Options(recipe, engine, device, None, None, dict(settings or {}), offline, strict)
    dataset, chosen, network, engine_name, opened = prepare(data, options)
    able = require_range_test(opened, engine_name)
    return range_test(able, network, chosen, dataset, np.geomspace(lowest, highest, steps))


def require_range_test(engine: Engine, name: str) -> TriesRates:
    """The engine, where it offers a range test. Raises EngineError."""
    if not isinstance(engine, TriesRates):
        raise EngineError(
            f"the {name} engine has no learning-rate range test; use pytorch or numpy: engines mean the same by a rate."
        )
    return engine


def range_test(
    engine: TriesRates,
    network: Network,
    recipe: Recipe,
    dataset: Dataset,
    rates: NDArray[np.float64] | None = None,
    watcher: Watcher | None = None,
) -> RateSearch:
    """A batch at each of `rates` (n,), rising, until the cost explodes or all is learnt. Raises TrainingError."""
    if rates is None:
        rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    costs = list[float]()
    mean, best, diverged = 0.0, np.inf, False
    for cost in engine.try_rates(network, recipe, dataset, rates.tolist()):
        if not isfinite(cost):
            diverged = True
            break
        costs.append(cost)
        if watcher is not None:
            watcher(len(costs), len(rates), float(rates[len(costs) - 1]), cost)
        mean = MEMORY * mean + (1 - MEMORY) * cost
        running = mean / (1 - MEMORY ** len(costs))
        best = min(best, running)
        if running > DIVERGED * best:
            diverged = True
            break
        if running < LEARNT * costs[0]:
            break
    values = np.array(costs)
    smoothed = smooth(values, WIDTH * len(rates))
    if len(costs) < 3 or smoothed.min() > (1 - LEAST_FALL) * smoothed[0]:
        raise TrainingError(
            f"no rate from {rates[0]:g} to {rates[max(len(costs), 1) - 1]:.2g} made the cost fall, so there is none to "
            "suggest. Look at the pictures and labels (imagewise show), or try another recipe."
        )
    rate = recipe.optimizer.learning_rate
    return RateSearch(dataset.name, recipe.name, rate, rates[: len(values)], values, smoothed, diverged)


def smooth(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Means weighted by a Gaussian over the steps, of those that there are: no lag, where a running mean has one."""
    steps = np.arange(len(values))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / deviation) ** 2)
    smoothed: NDArray[np.float64] = weights @ values / weights.sum(1)
    return smoothed
