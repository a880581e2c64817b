"""`imagewise recipes`."""

from __future__ import annotations

from typing import Annotated

import typer

from imagewise.cli.framework.command import Command
from imagewise.cli.options import Json, examples

RecipeToPrint = Annotated[str | None, typer.Argument(metavar="NAME", help="Print this recipe in full.")]

commands = typer.Typer()


@commands.command(cls=Command, epilog=examples("recipes", "recipes perceptron > mine.toml", "train --recipe mine.toml"))
def recipes(name: RecipeToPrint = None, json_: Json = False) -> None:
    """List the recipes, or print one.

    A recipe holds all settings of a training. Printed in full, as TOML, it is a start for your own.
    """
    from imagewise.cli.print_runs import print_recipe, print_recipes

    if name is None:
        print_recipes(as_json=json_)
    else:
        print_recipe(name, as_json=json_)
