"""The learning-rate range test: a rate for data that nobody has trained on before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset
from imagewise.display.notices import warn_of
from imagewise.display.progress import DownloadDisplay, Live, Silent
from imagewise.errors import RecipeError, TrainingError
from imagewise.framing.framing import Framing
from imagewise.training.engines.base import Engine
from imagewise.training.engines.loop import losses_at
from imagewise.training.job import TrainingJob
from imagewise.training.planning.plan import Data, Options
from imagewise.training.planning.planning import prepare
from imagewise.training.recipe import Recipe

STEPS, LOWEST, HIGHEST = 150, 1e-6, 10.0
DIVERGED = 4.0  # times the lowest running mean of the loss
MEMORY = 0.9  # of that running mean
WIDTH = 0.04  # deviation of the Gaussian that the curve is smoothed by, share of the steps
LEARNT = 0.01  # of the first loss: below it nothing is left to see, as high rates cannot harm what is memorised
LEAST_FALL = 0.02  # fraction of the first loss; a smaller dip counts as noise

Watcher = Callable[[int, int, float, float], None]
"""Called after each step with its number from 1, the number of steps at most, its rate and its loss."""


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        return f"RateSearch({self.data!r}, {self.recipe}: suggestion {self.suggestion:g}, {len(self.rates)} rates)"

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
    data: Data | None = None,
    *,
    recipe: str | Path | Recipe | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: str | None = None,
    device: str = "auto",
    steps: int = STEPS,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    framing: Framing | str | None = None,
    offline: bool = False,
    strict: bool = False,
    verbose: bool = True,
    group_by: str | None = None,
    near_copies: bool = True,
    columns: Mapping[str, str] | None = None,
) -> RateSearch:
    """Try learning rates from `lowest` to `highest`, one batch each (Smith 2017), on weights that are thrown away.

    Nothing is written. All but the rate is as the recipe says: batch size, optimiser, augmentation, class weights.

    Args:
        data, recipe, settings, engine, device, framing, offline, strict, group_by, near_copies, columns: as
            `imagewise.train` takes them.
        steps, lowest, highest: the rates, as `rates_between` takes them.
        verbose: show progress: a bar on a terminal and in a notebook.

    Raises:
        RecipeError: rates cannot rise from `lowest` to `highest` in so many steps.
        TrainingError: there is nothing to choose by: no rate made the cost fall.
        ImagewiseError: what `imagewise.train` raises before it starts.

    >>> import imagewise
    >>> found = imagewise.find_learning_rate("digits", recipe="perceptron")
    >>> 0.0001 < found.suggestion < 0.01
    True
    """
    rates = rates_between(lowest, highest, steps)  # before the data: a slip should not cost a download
    with DownloadDisplay() if verbose else Silent() as reading:
        options = Options(
            recipe=recipe,
            engine=engine,
            device=device,
            overrides=dict(settings or {}),
            offline=offline,
            strict=strict,
            framing=framing,
            group_by=group_by,
            near_copies=near_copies,
            columns=columns,
            download_progress=reading,
        )
        dataset, job, opened = prepare(data, options)
    if not isinstance(data, Dataset):  # `load_data` has warned
        warn_of(dataset.notices, dataset.skipped)
    with Live() if verbose else Silent() as live:
        return range_test(job, dataset, rates, watcher_of(live), opened)


def rates_between(lowest: float = LOWEST, highest: float = HIGHEST, steps: int = STEPS) -> NDArray[np.float64]:
    """Learning rates (steps,) that rise from `lowest` to `highest`, evenly spaced by their logarithms.

    Args:
        lowest: above 0.
        highest: above `lowest`, finite.
        steps: how many; 3 or more.

    Raises:
        RecipeError: one of them is not.
    """
    if not (0 < lowest < highest and isfinite(highest)):
        raise RecipeError(
            f"learning rates cannot rise from {lowest:g} (lowest) to {highest:g} (highest). Give two numbers above 0, "
            f"the lowest first, such as {LOWEST:g} and {HIGHEST:g}."
        )
    if steps < 3:
        raise RecipeError(f"{steps:,} learning rates are too few to compare (steps). Try 3 or more, such as {STEPS}.")
    return np.geomspace(lowest, highest, steps)


def watcher_of(live: Live | Silent) -> Watcher:
    """A watcher that moves the bar."""

    def show(step: int, steps: int, rate: float, loss: float) -> None:
        live.update("", step, steps, f"{step}/{steps}  lr {rate:.1e}  loss {loss:.4f}")

    return show


def range_test(
    job: TrainingJob,
    dataset: Dataset,
    rates: NDArray[np.float64],
    watcher: Watcher | None = None,
    engine: Engine | None = None,
) -> RateSearch:
    """One batch at each of `rates` (n,), rising, until the loss explodes or all is learned. Raises TrainingError."""
    losses = list[float]()
    mean, best, diverged = 0.0, np.inf, False
    for loss in losses_at(job, dataset, rates.tolist(), engine):
        if not isfinite(loss):
            diverged = True
            break
        losses.append(loss)
        if watcher is not None:
            watcher(len(losses), len(rates), float(rates[len(losses) - 1]), loss)
        mean = MEMORY * mean + (1 - MEMORY) * loss
        running = mean / (1 - MEMORY ** len(losses))
        best = min(best, running)
        if running > DIVERGED * best:
            diverged = True
            break
        if running < LEARNT * losses[0]:
            break
    values = np.array(losses)
    smoothed = smooth(values, WIDTH * len(rates))
    if len(losses) < 3 or smoothed.min() > (1 - LEAST_FALL) * smoothed[0]:
        raise TrainingError(
            f"no rate from {rates[0]:g} to {rates[max(len(losses), 1) - 1]:.2g} lowered the loss, so there is no rate "
            "to suggest. Look at the pictures and labels (imagewise show), or try another recipe."
        )
    rate = job.recipe.optimizer.learning_rate
    return RateSearch(dataset.name, job.recipe.name, rate, rates[: len(values)], values, smoothed, diverged)


def smooth(values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Means weighted by a Gaussian over the steps, of those that there are: no lag, where a running mean has one."""
    steps = np.arange(len(values))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / deviation) ** 2)
    smoothed: NDArray[np.float64] = weights @ values / weights.sum(1)
    return smoothed
