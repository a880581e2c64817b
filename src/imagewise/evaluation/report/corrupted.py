"""Scores on corrupted pictures for the report: a row for each corruption, with a strip of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.evaluation.report.mistakes import InlinePicture, inline_picture
from imagewise.evaluation.robustness import Robustness

_GAP = 1 / 14  # between pictures of a strip, of their width
_SMALLEST, _LARGEST = 56, 96  # px of a picture in a strip


@dataclass(frozen=True)
class CorruptionRow:
    """A row of the table.

    Attributes:
        name: of the corruption; "no corruption" in the first row.
        accuracy: mean over the severities, fraction.
        accuracies: for each severity; empty where there is only one.
        strip: pictures side by side.
        worst: no other corruption has a lower accuracy.
    """

    name: str
    accuracy: float
    accuracies: Sequence[float]
    strip: InlinePicture
    worst: bool = False


def corruption_rows(robustness: Robustness) -> list[CorruptionRow]:
    """The pictures without corruption, then each corruption, in the order of the paper."""
    clean = CorruptionRow("no corruption", robustness.clean, (), _strip(robustness.originals))
    return [
        clean,
        *(
            CorruptionRow(
                score.name,
                score.accuracy,
                score.accuracies if len(score.accuracies) > 1 else (),
                _strip(score.examples),
                worst=score is robustness.worst,
            )
            for score in robustness.scores
        ),
    ]


def _strip(images: NDArray[np.uint8]) -> InlinePicture:
    """Pictures (N, H, W, C) side by side with grey gaps between them."""
    _, height, width, channels = images.shape
    gap = np.full((height, max(1, round(width * _GAP)), channels), 128, dtype=np.uint8)
    parts = [part for image in images for part in (image, gap)][:-1]
    strip = np.concatenate(parts, axis=1)
    factor = max(1, _SMALLEST // height)
    return inline_picture(strip, smallest=factor * strip.shape[1], largest=_LARGEST * len(images))
