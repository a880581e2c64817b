"""What the pages answer about a head on the features of a pretrained network. Part of the OpenAPI document."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from imagewise.training.head.record import HeadRecord


class TriedHead(BaseModel):
    """One choice that was tried."""

    views: list[str] = Field(description="Views of the training pictures that it was fitted on.")
    strength: float = Field(description="Of the L2 regularisation.")
    accuracy: float | None
    loss: float | None


class HeadAccuracy(BaseModel):
    """The accuracy to expect of new pictures, with its 95% interval, fractions."""

    accuracy: float
    low: float
    high: float
    count: int | None = Field(description="Pictures that it was measured on.")
    method: str


class HeadFit(BaseModel):
    """How a head was chosen and fitted."""

    side: int | None = Field(description="Side of the pictures that the network sees, in pixels.")
    features: int | None = Field(description="Length of a picture's feature vector.")
    views: list[str]
    strength: float | None = Field(description="Of the L2 regularisation.")
    temperature: float | None = Field(description="By which the logits were divided to calibrate them.")
    tried: list[TriedHead]
    chosen_by: Literal["validation", "cross-validation"]
    chosen_on: int | None = Field(description="Pictures that the accuracies of `tried` are of.")
    kept: bool = Field(description="It is the model: fine-tuning was no better on validation.")
    feature_seconds: float | None
    head_seconds: float | None
    expectation: HeadAccuracy | None

    @classmethod
    def of(cls, stored: HeadRecord | None) -> Self | None:
        """The known fields of a stored record, or None."""
        if stored is None:
            return None
        expected = stored.expectation
        return cls(
            side=stored.side,
            features=stored.features,
            views=list(stored.views),
            strength=stored.strength,
            temperature=stored.temperature,
            tried=[
                TriedHead(views=list(each.views), strength=each.strength, accuracy=each.accuracy, loss=each.loss)
                for each in stored.tried
            ],
            chosen_by=stored.chosen_by,
            chosen_on=stored.chosen_on,
            kept=stored.kept,
            feature_seconds=stored.seconds.features,
            head_seconds=stored.seconds.head,
            expectation=expected
            and HeadAccuracy(
                accuracy=expected.accuracy,
                low=expected.low,
                high=expected.high,
                count=expected.count,
                method=expected.method,
            ),
        )
