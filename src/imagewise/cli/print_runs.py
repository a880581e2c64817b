"""Results of training on stdout: runs, learning-rate tests, recipes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from imagewise.cli.console import log, print_fact, print_json, print_table
from imagewise.cli.print_scores import accuracy_line
from imagewise.training.head.facts import expectation_text

if TYPE_CHECKING:
    from imagewise.training.lr_finder import RateSearch
    from imagewise.training.result import Run


def print_run(run: Run) -> None:
    """Print the scores of a run, its time, and the path of its model."""
    epochs = f", epoch {run.best_epoch} of {len(run.history)}" if run.best_epoch else ""
    if run.test is not None:
        print_fact("test", accuracy_line(run.test.metrics))
    if run.validation is not None:
        print_fact("validation", accuracy_line(run.validation.metrics) + epochs)
    if run.head is not None and run.head.expectation:
        print_fact("expected", expectation_text(run.head.expectation))
    if run.head is not None and run.head.kept:
        print_fact("kept", "the head: fine-tuning was not better on the validation pictures")
    if run.head is not None or run.history:
        print_fact("trained", run.time_text)
    print_fact("model", run.folder / "model.onnx")


def print_interrupted(run: Run) -> None:
    """Print on stderr what Ctrl-C has left, and the command that resumes the run."""
    if run.head is not None and run.head.kept and run.history:
        log("Stopped. The model is the head, which fine-tuning has not improved yet.")
    elif not run.best_epoch:
        log("Stopped during the first epoch. The model was saved as it is; resuming starts the run again.")
    else:
        log(f"Stopped. The best model so far, from epoch {run.best_epoch}, was saved.")
    log(f"Resume with: imagewise train --resume {shlex.quote(str(run.folder))}")


def print_rates(found: RateSearch) -> None:
    """Print the rates that a range test points at, the smoothed loss at each, and how to use the suggestion."""
    named = {
        "suggested": found.suggestion,
        "recipe's": found.recipe_rate,
        "steepest fall": found.steepest,
        "lowest loss": found.lowest,
        "valley from": found.valley[0],
        "valley to": found.valley[1],
    }
    losses = {name: found.cost_at(rate) for name, rate in named.items()}
    rows = [
        (name, f"{rate:.2g}", "-" if (loss := losses[name]) is None else f"{loss:.3f}") for name, rate in named.items()
    ]
    print_table([("learning rate", "", "loss"), *rows])
    print()
    print_fact("use it", f"imagewise train ... --learning-rate {found.suggestion:g}")


def print_recipe(name: str, *, as_json: bool) -> None:
    """Print one recipe in full: a bundled one with its comments, another as its fields."""
    from imagewise.training.recipes.files import bundled_recipes, load_recipe

    recipe = load_recipe(name)
    if as_json:
        print_json(recipe.model_dump(mode="json"))
    else:
        print(bundled_recipes().get(name) or recipe.to_toml(), end="")


def print_recipes(*, as_json: bool) -> None:
    """Print the name of each bundled recipe and its purpose, the first line of its file."""
    from imagewise.training.recipes.files import recipes

    if as_json:
        print_json(recipes())
    else:
        print_table([("recipe", "purpose"), *recipes().items()])
