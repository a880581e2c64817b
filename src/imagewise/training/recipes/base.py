"""What every recipe has, whatever it trains: data that is frozen, validated, and the same in TOML and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from typing import Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from imagewise.data.dataset import SplitName
from imagewise.errors import PictureError, RecipeError, did_you_mean
from imagewise.framing.framing import Framing
from imagewise.training.recipes.requirements import requirement

_UNION_TAGS = ("adam", "adamw", "sgd")


class Part(BaseModel):
    """Base of recipes and of the tables in them."""

    # strict: neither true nor "3" is a number of epochs
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class BaseRecipe(Part):
    """The fields that all recipes share, and how they are read, changed and written.

    Raises `RecipeError` through `parse`, `load` and `override`, naming the field.
    """

    name: str
    framing: str | None = None
    """The input of the network, as `--framing` takes it (`photo:96`, `ink`); None: chosen from the pictures."""
    fit_on: Literal["train", "train+validation"] = "train"
    class_weights: Literal["none", "auto"] | dict[str, float] = "none"
    """Weight of each class in the loss. auto: rarer classes weigh more. A table: weights by name, 1 for the others."""
    seed: int = Field(0, ge=0, lt=2**63)

    @field_validator("class_weights", mode="before")
    @classmethod
    def _weights_are_above_0(cls, value: Any) -> Any:
        """Here, as pydantic names its own failures after each member of the union."""
        if not isinstance(value, dict):
            if value not in ("none", "auto"):
                raise ValueError(f"must be 'none', 'auto' or a weight for classes by name (not {value!r})")
            return value
        for name, weight in value.items():
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not 0 < weight < inf:
                raise ValueError(f"the weight of {name!r} must be a number above 0 (not {weight!r})")
        return value

    @field_validator("framing")
    @classmethod
    def _framing_is_written_right(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                Framing.parse(value)
            except PictureError as error:
                raise ValueError(str(error)) from error
        return value

    @property
    def fitted_splits(self) -> tuple[SplitName, ...]:
        """The splits that training learns from."""
        return ("train", "validation") if self.fit_on == "train+validation" else ("train",)

    @classmethod
    def tables(cls) -> Mapping[str, type[Part]]:
        """The tables in this kind of recipe, by the name of the field or of the choice that holds them."""
        return {}

    @classmethod
    def hint_of(cls, field: str) -> str:
        """What to say of a field that this kind of recipe lacks."""
        return did_you_mean(field, cls.model_fields) or f" The fields are {', '.join(cls.model_fields)}."

    @classmethod
    def parse(cls, values: Mapping[str, Any], origin: str) -> Self:
        """Validate plain values. `origin` (a file, a recipe's name) is named in the RecipeError."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(cls._problem(dict(e)) for e in error.errors(include_url=False))
            raise RecipeError(f"recipe {origin}: {problems}. See `imagewise recipes` and docs/guide.md.") from error

    def override(self, changes: Mapping[str, Any]) -> Self:
        """A new recipe with fields replaced: `{"epochs": 30, "augment.rotate": 10}`. Raises RecipeError."""
        values = self.model_dump(mode="json", exclude_unset=True)
        for key, value in changes.items():
            *path, last = _steps(key)
            place = values
            if path == ["class_weights"] and place.get("class_weights") == "none":
                del place["class_weights"]
            for part in path:
                place = place.setdefault(part, {})
                if not isinstance(place, dict):
                    raise RecipeError(f"recipe {self.name}: {key}: {part} has no fields.")
            if isinstance(place.get(last), dict) and not isinstance(value, dict) and key != "class_weights":
                raise RecipeError(f"recipe {self.name}: {key} has fields of its own; set one, as in {key}.name.")
            place[last] = value
        return self.parse(values, self.name)

    def to_toml(self) -> str:
        """All fields that are set, defaults too; `parse(tomllib.loads(text))` gives the recipe back."""
        return tomli_w.dumps(json.loads(self.model_dump_json(exclude_none=True)))

    @classmethod
    def _problem(cls, error: dict[str, Any]) -> str:
        place = ".".join(str(part) for part in error["loc"] if part not in _UNION_TAGS)
        if error["type"] == "extra_forbidden":
            *owners, field = error["loc"]
            if not owners:
                return f"{place}: unknown field.{cls.hint_of(str(field))}"
            fields = cls.tables()[str(owners[-1])].model_fields
            hint = did_you_mean(str(field), fields) or f" The fields are {', '.join(fields)}."
            return f"{place}: unknown field.{hint}"
        if error["type"] == "union_tag_invalid":
            return f"{place}.name: there is no {error['ctx']['tag']!r}, only {error['ctx']['expected_tags']}"
        given = "" if error["type"] in ("missing", "value_error") else f" (not {error['input']!r})"
        message = requirement(error)
        return f"{place}: {message[:1].lower()}{message[1:]}{given}" if place else f"{message}{given}"


def _steps(key: str) -> list[str]:
    """`augment.pen.blur` part by part; what follows `class_weights.` is a class's name, dots and all."""
    field, dot, name = key.partition(".")
    return [field, name] if dot and field == "class_weights" else key.split(".")
