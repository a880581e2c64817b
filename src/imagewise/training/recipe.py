"""How to train, as data: frozen, validated at construction, the same in TOML and JSON. The loop holds no number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from imagewise.training.recipes.base import BaseRecipe, Part


class NetworkChoice(Part):
    """Which architecture of network.py, with its parameters; input shape and classes come from the data."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class Adam(Part):
    """Kingma and Ba 2015."""

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)


class AdamW(Part):
    """Loshchilov and Hutter 2019: each step also shrinks weights (not biases and norms) by rate x weight_decay."""

    name: Literal["adamw"]
    learning_rate: float = Field(gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.01, ge=0)


class SGD(Part):
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


class Schedule(Part):
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


class Pen(Part):
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


class Augment(Part):
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


class FineTuning(Part):
    """How the weights of a backbone are trained further."""

    layer_decay: float = Field(1.0, gt=0, le=1)
    """Multiple of the learning rate from one block to the block before it: early layers change least."""
    frozen: float = Field(0.0, ge=0, lt=1)
    """Share of the blocks, from the first one on, that keep their published weights."""
    head_rate: float = Field(1.0, gt=0)
    """Multiple of the learning rate for the head."""


class Recipe(BaseRecipe):
    """Everything that decides how a network is trained step by step. Every number lives here."""

    trains: Literal["network"] = "network"
    network: NetworkChoice | None = None
    """An architecture to train from random weights; None: `backbone` names a pretrained network to train further."""
    backbone: str | None = None
    """A name of `imagewise backbones`; auto: chosen. A head is fitted on its features first, then all is trained."""
    optimizer: Annotated[Adam | AdamW | SGD, Field(discriminator="name")]
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    schedule: Schedule = Schedule()
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are the result: the best by validation accuracy, or the last."""
    patience: int = Field(0, ge=0)
    """Stop after this many epochs without improvement (validation accuracy, then loss); 0 never stops early."""
    initialization: Literal["he", "glorot", "normal"] = "he"
    """he: N(0, 2 / fan-in); glorot: uniform; both with zero biases. normal: N(0, 1), biases too (the article)."""
    normalize: Literal["unit", "standard"] = "unit"
    """unit: pixels in 0..1; standard: mean 0, deviation 1 for each channel of the training pictures."""
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the arithmetic of training steps; weights stay float32. auto: bfloat16 where a short measurement before the
    run finds it faster; `run.json` says which one it was."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    ema: float = Field(0.0, ge=0, lt=1)
    """Average the weights over the steps with this decay, and validate and keep the average; 0 averages nothing."""
    augment: Augment = Augment()
    fine_tuning: FineTuning = FineTuning()
    """For a backbone."""

    @model_validator(mode="after")
    def _choosing_needs_validation(self) -> Self:
        if self.fit_on == "train+validation" and (self.keep == "best" or self.patience):
            raise ValueError(
                "fit_on = 'train+validation' leaves nothing to choose by: it needs keep = 'last' and patience = 0"
            )
        return self

    @model_validator(mode="after")
    def _one_thing_is_trained(self) -> Self:
        if self.network is not None and self.backbone is not None:
            raise ValueError("backbone: a network starts from random weights; name a network or a backbone, not both")
        if self.network is None and self.backbone is None:
            raise ValueError("network: is missing; name a network, which starts from random weights, or a backbone")
        return self

    @property
    def architecture(self) -> NetworkChoice:
        """The network of a recipe that starts from random weights."""
        assert self.network is not None, "a recipe with a backbone has no architecture of its own"
        return self.network

    @classmethod
    def tables(cls) -> Mapping[str, type[Part]]:
        """See `BaseRecipe`."""
        return {
            "network": NetworkChoice,
            "adam": Adam,
            "adamw": AdamW,
            "sgd": SGD,
            "schedule": Schedule,
            "augment": Augment,
            "pen": Pen,
            "fine_tuning": FineTuning,
        }
