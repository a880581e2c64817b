"""The pictures that a model recognises wrongly with the most confidence, for the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.dataset import Split

SMALLEST_PICTURE = 84  # px: smaller pictures are enlarged by whole factors, so that their pixels stay square
LARGEST_PICTURE = 132


@dataclass(frozen=True, eq=False)
class Mistake:
    """A picture that was recognised wrongly.

    Attributes:
        image: uint8 (H, W, C), as the network saw it.
        name: its file name, or its number.
        true: its class.
        predicted: the predicted class.
        probability: of `predicted`, fraction.
    """

    image: NDArray[np.uint8]
    name: str
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class InlinePicture:
    """A picture as the page holds it.

    Attributes:
        source: a data URI.
        width, height: on the page, px.
        pixelated: it is enlarged, and its pixels stay visible.
    """

    source: str
    width: int
    height: int
    pixelated: bool


def worst_mistakes(
    split: Split, probabilities: NDArray[np.float32], class_names: Sequence[str], limit: int = 36
) -> list[Mistake]:
    """The pictures that were recognised wrongly, the most confident first.

    Args:
        split: N pictures with their labels.
        probabilities: float32 (N, classes).
        class_names: one for each column.
        limit: how many at most.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != split.labels)
    confidence = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")[:limit]]
    return [
        Mistake(
            image=split.images[i],
            name=f"picture {i}" if split.names is None else split.names[i],
            true=class_names[split.labels[i]],
            predicted=class_names[predicted[i]],
            probability=float(probabilities[i, predicted[i]]),
        )
        for i in worst
    ]


def inline_picture(
    image: NDArray[np.uint8], smallest: int = SMALLEST_PICTURE, largest: int = LARGEST_PICTURE
) -> InlinePicture:
    """A picture, uint8 (H, W, C): small ones as enlarged PNG, others as JPEG of the size that the page shows.

    Args:
        smallest, largest: of the longer side on the page, px.
    """
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    side = max(picture.size)
    if side > largest:  # twice the size on the page, for screens with two dots a pixel
        picture.thumbnail((2 * largest, 2 * largest))
        factor = largest / max(picture.size)
    else:
        factor = -(-smallest // side)
    small = side < smallest
    file = io.BytesIO()
    picture.save(file, "PNG" if small else "JPEG", quality=88)
    data = base64.b64encode(file.getvalue()).decode()
    width, height = (max(1, round(length * factor)) for length in picture.size)
    return InlinePicture(f"data:image/{'png' if small else 'jpeg'};base64,{data}", width, height, small)
