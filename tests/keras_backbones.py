"""What the tests ask of the benchmarks' Keras peers; runs in the process that `keras_process` starts."""

from __future__ import annotations

import numpy as np
from benchmarks.peers.keras_transfer import keras_backbone
from numpy.typing import NDArray

from imagewise.backbones.pretrained import Pretrained


def features(backbone: Pretrained, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, features) of pictures (N, side, side, 3)."""
    model = keras_backbone(backbone, pictures.shape[1])
    values: NDArray[np.float32] = model(pictures.astype(np.float32), training=False).numpy()
    return values
