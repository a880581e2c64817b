"""Read several characters in one picture: segmentation, then the model on all of them at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from imagewise.errors import ModelError
from imagewise.framing.decoding import Pixels
from imagewise.framing.segmentation import Box, segment
from imagewise.model.model import Model
from imagewise.model.prediction import Prediction


@dataclass(frozen=True)
class ReadCharacter:
    """One character: where it is, and what the model says of it."""

    box: Box
    prediction: Prediction
    framed: Pixels

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the box in the picture's pixels."""
        return {"box": asdict(self.box)} | self.prediction.as_dict()


@dataclass(frozen=True)
class Reading:
    """The text in a picture.

    Attributes:
        label: the text; lines are separated by line breaks, separate numbers by a space.
        probability: that all of it is right, if the characters were independent: the product.
        characters: in reading order.
        top: nothing; there are too many readings to list.
    """

    label: str
    probability: float
    characters: tuple[ReadCharacter, ...]
    top: tuple[tuple[str, float], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The shape of `predict --segment --json`, without the picture's name."""
        characters = [character.as_dict() for character in self.characters]
        return {"text": self.label, "probability": self.probability, "characters": characters}


def read(model: Model, picture: Image.Image, top: int = 3) -> Reading:
    """Read a decoded picture (from `read_picture`).

    Raises:
        ModelError: the model is not one for single characters of ink.
    """
    framing = model.framing
    if framing.kind != "ink":
        raise ModelError(
            f"{model.name} recognises whole pictures (framing {framing.kind}), so --segment has nothing to look for. "
            "Use a model trained on characters, or leave --segment out."
        )
    found = segment(picture, framing.height, framing.width)
    if not found:
        return Reading("", 1.0, ())
    images = np.repeat(np.stack([c.framed for c in found])[..., None], framing.channels, axis=3)
    predictions = [model.prediction(row, top) for row in model.predict_batch(images)]
    text, line = "", 0
    for character, prediction in zip(found, predictions, strict=True):
        parted = "\n" * (character.line - line) or (" " if character.starts_word and text else "")
        text, line = text + parted + prediction.label, character.line
    characters = tuple(ReadCharacter(c.box, p, c.framed) for c, p in zip(found, predictions, strict=True))
    return Reading(text, float(np.prod([p.probability for p in predictions])), characters)
