"""How to fit a head on the features of a pretrained network, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from imagewise.backbones.views import view
from imagewise.errors import RecipeError
from imagewise.training.recipes.base import BaseRecipe


class HeadRecipe(BaseRecipe):
    """Everything that decides a multinomial logistic regression on the features of a backbone."""

    trains: Literal["head"]
    backbone: str = "auto"
    """A name of `imagewise backbones`, or the path of an ONNX file; auto: the best one that is on this machine or can
    be downloaded."""
    backbone_output: str | None = None
    """The value of an ONNX file that holds the features; None: its output, or the input of its classifier."""
    backbone_normalization: str | None = None
    """How pictures are normalised for an ONNX file: imagenet, -1..1, 0..1, 0..255 or caffe; None: chosen by a trial."""
    views: tuple[str, ...] = Field(("plain",), min_length=1)
    """Views of each training picture whose features are computed. Validation decides which of them are used."""
    strengths: tuple[float, ...] = Field(min_length=1)
    """Strengths of the L2 regularisation to choose from by validation."""

    @field_validator("views", "strengths", mode="before")
    @classmethod
    def _lists_count_as_tuples(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("strengths")
    @classmethod
    def _strengths_are_above_0(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for strength in value:
            if strength <= 0:
                raise ValueError(f"each must be above 0 (not {strength:g})")
        return value

    @field_validator("views")
    @classmethod
    def _views_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                view(name)
            except RecipeError as error:
                raise ValueError(str(error)) from error
        return value

    @classmethod
    def hint_of(cls, field: str) -> str:
        """See `BaseRecipe`; fields of recipes that train step by step get a hint of their own."""
        from imagewise.training.recipe import Recipe

        if field in Recipe.model_fields:
            return (
                f" A head is fitted in one go and has no {field}. Recipes finetune (more accurate, takes minutes) and "
                "photo (a network from random weights) have it: --recipe finetune."
            )
        return super().hint_of(field)
