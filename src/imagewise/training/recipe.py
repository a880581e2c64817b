"""How to train, as data: frozen, validated at construction, the same in TOML and JSON. The loop holds no number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from imagewise.data.dataset import SplitName
from imagewise.errors import PictureError, RecipeError, did_you_mean
from imagewise.framing.framing import Framing
from imagewise.training.recipes.requirements import requirement


class _Part(BaseModel):
    # strict: neither true nor "3" is a number of epochs
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class NetworkChoice(_Part):
    """Which architecture of network.py, with its parameters; input shape and classes come from the data."""

    name: str
    params: dict[str, Any] = {}


class Adam(_Part):
    """Kingma and Ba 2015."""

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)


class AdamW(_Part):
    """Loshchilov and Hutter 2019: each step also shrinks weights (not biases and norms) by rate x weight_decay."""

    name: Literal["adamw"]
    learning_rate: float = Field(gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.01, ge=0)


class SGD(_Part):
    """Stochastic gradient descent: v = momentum v + g (+ weight_decay w), w = w - rate v."""

    name: Literal["sgd"]
    learning_rate: float = Field(gt=0)
    momentum: float = Field(0.0, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs momentum above 0")
        return self


class Schedule(_Part):
    """The learning rate over the run: up in a straight line for `warmup`, then as `name` says down to `final`."""

    name: Literal["constant", "linear", "cosine"] = "constant"
    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of all steps over which the rate rises from 0."""
    final: float = Field(0.0, ge=0, le=1)
    """Share of the rate that is left at the end (linear, cosine)."""

    @model_validator(mode="after")
    def _final_needs_decay(self) -> Self:
        if self.name == "constant" and self.final:
            raise ValueError("final needs name = 'linear' or 'cosine'; a constant rate does not end anywhere")
        return self


class Pen(_Part):
    """Random changes to how ink was written and taken, for pictures from other pens, scanners and cameras."""

    stroke: float = Field(0.0, ge=0, le=2)
    """Pixels by which each outline moves out, at most; in, half of that."""
    coarse: float = Field(0.0, ge=0, le=1)
    """Share of pictures that are reduced to 8 to 14 pixels and enlarged again."""
    blur: float = Field(0.0, ge=0, le=1)
    """Share of a Gaussian blur of one pixel, at most."""
    fade: float = Field(0.0, ge=0, lt=1)
    """Share by which ink is paler or stronger, at most."""
    clutter: float = Field(0.0, ge=0, le=1)
    """Share of pictures with a piece of a line near the edge."""
    noise: float = Field(0.0, ge=0, le=1)
    """Standard deviation of each pixel's noise, share of the full range, at most."""


class Augment(_Part):
    """Random changes to each training picture, drawn again in each epoch, uniform within plus or minus the value."""

    rotate: float = Field(0.0, ge=0, le=180)
    """Degrees."""
    translate: float = Field(0.0, ge=0, lt=1)
    """Share of the side."""
    scale: float = Field(0.0, ge=0, lt=1)
    """Share of the size."""
    shear: float = Field(0.0, ge=0, lt=90)
    """Degrees."""
    stretch: float = Field(0.0, ge=0, lt=1)
    """Share by which a picture grows in width and shrinks in height, or the other way."""
    elastic: float = Field(0.0, ge=0, lt=1)
    """Standard deviation of a smooth random displacement, share of the side."""
    elastic_width: float = Field(0.15, gt=0.02, le=1)
    """How smooth: the distance over which the displacement changes, share of the side."""
    flip: bool = False
    """Mirror left to right every second time."""
    crop: float = Field(1.0, gt=0, le=1)
    """Keep a random part of the picture: this share of its area at least, enlarged to the whole; 1 keeps all."""
    brightness: float = Field(0.0, ge=0, lt=1)
    """Share by which a picture is lighter or darker."""
    contrast: float = Field(0.0, ge=0, lt=1)
    """Share by which levels move away from the picture's mean, or towards it."""
    saturation: float = Field(0.0, ge=0, lt=1)
    """Share by which colours move away from grey, or towards it; grey pictures have none."""
    erase: float = Field(0.0, ge=0, le=1)
    """Share of pictures that have a rectangle, up to a quarter of the area, painted over (Zhong et al. 2017)."""
    mixup: float = Field(0.0, ge=0, le=1)
    """Share of pictures that are blended with another one, up to half and half, and get both labels (Zhang 2018)."""
    cutmix: float = Field(0.0, ge=0, le=1)
    """Share of pictures that have a rectangle, up to half the area, of another, and both labels (Yun et al. 2019)."""
    resolution: float = Field(1.0, gt=0, le=1)
    """Train on pictures made smaller, to this share of the side: random crops make things look larger than they will
    be, and this makes up for it, for less arithmetic (Touvron et al. 2019). Needs a network that takes any size."""
    pen: Pen = Pen()
    """For framing ink."""

    def training_sides(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what is trained on, of pictures with these."""
        return max(1, round(self.resolution * height)), max(1, round(self.resolution * width))

    @model_validator(mode="after")
    def _a_picture_is_mixed_one_way(self) -> Self:
        if self.mixup + self.cutmix > 1:
            raise ValueError("mixup and cutmix are shares of the pictures; together they are at most 1")
        return self


class Recipe(_Part):
    """Everything that decides how a network is trained. Every number lives here.

    Raises `RecipeError` through `parse`, `load` and `override`, naming the field.
    """

    name: str
    network: NetworkChoice
    optimizer: Annotated[Adam | AdamW | SGD, Field(discriminator="name")]
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    schedule: Schedule = Schedule()
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are the result: the best by validation accuracy, or the last."""
    patience: int = Field(0, ge=0)
    """Stop after this many epochs without improvement (validation accuracy, then loss); 0 never stops early."""
    framing: str | None = None
    """The input of the network, as `--framing` takes it (`photo:96`, `ink`); None: chosen from the pictures."""
    fit_on: Literal["train", "train+validation"] = "train"
    initialization: Literal["he", "glorot", "normal"] = "he"
    """he: N(0, 2 / fan-in); glorot: uniform; both with zero biases. normal: N(0, 1), biases too (the article)."""
    normalize: Literal["unit", "standard"] = "unit"
    """unit: pixels in 0..1; standard: mean 0, deviation 1 for each channel of the training pictures."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: Literal["none", "auto"] | dict[str, float] = "none"
    """Weight of each class in the loss. auto: rarer classes weigh more. A table: weights by name, 1 for the others."""
    augment: Augment = Augment()
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

    @model_validator(mode="after")
    def _choosing_needs_validation(self) -> Self:
        if self.fit_on == "train+validation" and (self.keep == "best" or self.patience):
            raise ValueError(
                "fit_on = 'train+validation' leaves nothing to choose by: it needs keep = 'last' and patience = 0"
            )
        return self

    @property
    def fitted_splits(self) -> tuple[SplitName, ...]:
        """The splits that training learns from."""
        return ("train", "validation") if self.fit_on == "train+validation" else ("train",)

    @classmethod
    def parse(cls, values: Mapping[str, Any], origin: str) -> Recipe:
        """Validate plain values. `origin` (a file, a recipe's name) is named in the RecipeError."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = "; ".join(_problem(dict(e)) for e in error.errors(include_url=False))
            raise RecipeError(f"recipe {origin}: {problems}. See `imagewise recipes` and docs/guide.md.") from error

    def override(self, changes: Mapping[str, Any]) -> Recipe:
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
        return Recipe.parse(values, self.name)

    def to_toml(self) -> str:
        """All fields that are set, defaults too; `parse(tomllib.loads(text))` gives the recipe back."""
        return tomli_w.dumps(json.loads(self.model_dump_json(exclude_none=True)))


_PARTS: Mapping[str, type[_Part]] = {
    "network": NetworkChoice,
    "adam": Adam,
    "adamw": AdamW,
    "sgd": SGD,
    "schedule": Schedule,
    "augment": Augment,
    "pen": Pen,
}


def _steps(key: str) -> list[str]:
    """`augment.pen.blur` part by part; what follows `class_weights.` is a class's name, dots and all."""
    field, dot, name = key.partition(".")
    return [field, name] if dot and field == "class_weights" else key.split(".")


def _problem(error: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"] if part not in ("adam", "adamw", "sgd"))
    if error["type"] == "extra_forbidden":
        *owners, field = error["loc"]
        fields = (_PARTS[owners[-1]] if owners else Recipe).model_fields
        hint = did_you_mean(str(field), fields) or f" The fields are {', '.join(fields)}."
        return f"{place}: unknown field.{hint}"
    if error["type"] == "union_tag_invalid":
        return f"{place}.name: there is no {error['ctx']['tag']!r}, only {error['ctx']['expected_tags']}"
    given = "" if error["type"] in ("missing", "value_error") else f" (not {error['input']!r})"
    message = requirement(error)
    return f"{place}: {message[:1].lower()}{message[1:]}{given}" if place else f"{message}{given}"
