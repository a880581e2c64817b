"""The answer of a model to one picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imagewise.display.html import bars


@dataclass(frozen=True, repr=False)
class Prediction:
    """The answer of a model to one picture.

    Attributes:
        label: the most probable class.
        probability: its probability, 0..1.
        top: the most probable classes with their probabilities, best first.
        picture: the path of the picture, where it is one of several files; no part of what makes answers equal.
    """

    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    picture: str | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        picture = "" if self.picture is None else f", picture={self.picture!r}"
        return f"Prediction(label={self.label!r}, probability={self.probability!r}, top={self.top!r}{picture})"

    def _repr_html_(self) -> str:
        return bars(self.picture or f"Prediction: {self.label}", self.top or ((self.label, self.probability),))

    def as_dict(self) -> dict[str, Any]:
        """The shape of `predict --json`, without the picture's name."""
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {"label": self.label, "probability": self.probability, "top": top}
