"""What fitting a head made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import SplitName
from imagewise.training.head.logistic import Head
from imagewise.training.head.record import HeadRecord


@dataclass(frozen=True, eq=False)
class HeadResult:
    """A head, and what is known of it.

    Attributes:
        head: weight (classes, features) and bias (classes,), float32, calibrated.
        record: how it was chosen.
        logits: (N, classes) float32 of each split, from its features.
        reference: pictures (n, H, W, C) uint8 and their logits (n, classes) float32: the model file is checked against
            them.
    """

    head: Head
    record: HeadRecord
    logits: Mapping[SplitName, NDArray[np.float32]]
    reference: tuple[NDArray[np.uint8], NDArray[np.float32]]
