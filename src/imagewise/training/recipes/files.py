"""Recipes by name and from TOML files, and `KEY=VALUE` settings that override their fields."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from imagewise.errors import RecipeError, did_you_mean
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.recipe import Recipe

_QUOTED_CLASS = re.compile(r"""\s*class_weights\.(["'])(.+)\1\s*=(.*)""", re.DOTALL)


def bundled_recipes() -> dict[str, str]:
    """Name and TOML text, its opening comment included, of each recipe that comes with imagewise."""
    files = (resources.files("imagewise.training") / "recipes").iterdir()
    return {
        file.name.removesuffix(".toml"): file.read_text("utf-8")
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


def recipes() -> dict[str, str]:
    """Name and purpose of each recipe that comes with imagewise; `load_recipe(name)` gives its settings.

    >>> import imagewise
    >>> "perceptron" in imagewise.recipes()
    True
    """
    return {name: text.splitlines()[0].removeprefix("# ") for name, text in bundled_recipes().items()}


def load_recipe(name_or_file: str | Path) -> Recipe | HeadRecipe:
    """A bundled recipe by name, or one from a TOML file. Raises RecipeError."""
    bundled = bundled_recipes()
    if str(name_or_file) in bundled:
        return _parse_toml(bundled[str(name_or_file)], str(name_or_file))
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        try:
            return _parse_toml(path.read_text("utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"recipe {path}: cannot be read: {error}. Check the path.") from error
    hint = did_you_mean(str(name_or_file), bundled)
    raise RecipeError(f"unknown recipe {str(name_or_file)!r}; there are {', '.join(bundled)}, or a .toml file.{hint}")


def parse_recipe(values: Mapping[str, Any], origin: str) -> Recipe | HeadRecipe:
    """The recipe of plain values, of the kind that its field `trains` names. Raises RecipeError."""
    if values.get("trains", "network") not in ("network", "head"):
        raise RecipeError(f"recipe {origin}: trains: must be 'network' or 'head' (not {values['trains']!r}).")
    return HeadRecipe.parse(values, origin) if values.get("trains") == "head" else Recipe.parse(values, origin)


def _parse_toml(text: str, origin: str) -> Recipe | HeadRecipe:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"recipe {origin}: not TOML: {error}.") from error
    return parse_recipe({"name": Path(origin).stem} | values, origin)


def parse_setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of `--set`: the value in TOML's notation, or as plain text. Raises RecipeError.

    A class's name that holds `=` stands in quotation marks: `class_weights."a=b"=2`.
    """
    if quoted := _QUOTED_CLASS.fullmatch(text):
        key, equals, value = f"class_weights.{quoted[2]}", "=", quoted[3]
    else:
        key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {text!r}: write KEY=VALUE, as in --set augment.rotate=10.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()
