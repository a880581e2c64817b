"""What run.json says of a head: a logistic regression on the features of a pretrained network. It has no epochs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from imagewise.model.card import CardBackbone, Record


class HeadTrial(Record):
    """One choice that was tried.

    Attributes:
        views: of the training pictures whose features it was fitted on: `plain`, `flipped` ...
        strength: of the L2 regularisation.
        accuracy: fraction of the pictures that choices were made on.
        loss: mean cross-entropy on them.
    """

    views: tuple[str, ...] = ()
    strength: float
    accuracy: float | None = None
    loss: float | None = None


class HeadSeconds(Record):
    """Time that the features of all pictures and the fits took, in seconds."""

    features: float | None = None
    head: float | None = None


class HeadExpectation(Record):
    """The accuracy to expect of new pictures, where there are too few of them for a test.

    Attributes:
        accuracy, low, high: fractions; low and high are the ends of the 95% interval.
        count: number of pictures that it was measured on.
        method: how it was measured, for people: `5-fold cross-validation`.
    """

    accuracy: float
    low: float
    high: float
    count: int | None = None
    method: str = "cross-validation"


class HeadRecord(Record):
    """How a head was chosen and fitted.

    Attributes:
        backbone: the pretrained network.
        side: of the pictures that it sees, in pixels.
        features: length of a picture's feature vector.
        views, strength: those that were chosen.
        tried: everything that was tried, in this order.
        chosen_by: `validation`, or `cross-validation` where the validation split is small.
        chosen_on: number of pictures that the accuracies of `tried` are of.
        temperature: by which the logits were divided to calibrate them; it is part of the weights.
        kept: it is the model, since fine-tuning the whole network was no better on validation.
        seconds: time that it took.
        expectation: None where the test pictures tell the accuracy.
    """

    backbone: CardBackbone
    side: int | None = None
    features: int | None = None
    views: tuple[str, ...] = ()
    strength: float | None = None
    tried: tuple[HeadTrial, ...] = ()
    chosen_by: Literal["validation", "cross-validation"] = "validation"
    chosen_on: int | None = None
    temperature: float | None = None
    kept: bool = False
    seconds: HeadSeconds = Field(default_factory=HeadSeconds)
    expectation: HeadExpectation | None = None

    @property
    def total_seconds(self) -> float:
        """Time that features and head took together, in seconds."""
        return (self.seconds.features or 0.0) + (self.seconds.head or 0.0)
