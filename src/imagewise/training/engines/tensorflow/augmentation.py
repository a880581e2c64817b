"""Random affine changes and mirroring of a whole batch at once, with the meaning that the PyTorch engine gives them."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from imagewise.errors import EngineError
from imagewise.framing.framing import FramingKind
from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.recipe import Augment

_DONE_HERE = {"rotate", "translate", "scale", "shear", "stretch", "flip"}
_WITHOUT_EFFECT = {"elastic_width"}  # unless `elastic` is set, which is refused


class Augmentation:
    """Draws new values for each picture. What comes in from outside is ground (ink) or the mirrored picture (photo)."""

    def __init__(self, augment: Augment, kind: FramingKind) -> None:
        self._augment = augment
        self._moves = augment.model_copy(update={"flip": False}) != Augment()
        self._mirror_outside = kind != "ink"

    def __call__(self, pixels: Any, seed: Any) -> Any:
        """Pixels (N, H, W, C) float32 to the same shape; `seed` is an int64 tensor ()."""
        count = tf.shape(pixels)[0]
        if self._augment.flip:
            mirrored = tf.random.stateless_uniform([count], tf.stack([seed, -1])) < 0.5
            pixels = tf.where(mirrored[:, None, None, None], tf.reverse(pixels, [2]), pixels)
        if not self._moves:
            return pixels
        draw = tf.random.stateless_uniform([6, count], tf.stack([seed, -2]), -1, 1)
        _, height, width, _ = pixels.shape
        y, x = tf.meshgrid(_centres(height), _centres(width), indexing="ij")
        plane = tf.reshape(tf.stack([x, y, tf.ones_like(x)]), (3, height * width))
        grid = affine_coefficients(self._augment, draw, height / width) @ plane
        return sample(pixels, grid[:, 0], grid[:, 1], self._mirror_outside)


def affine_coefficients(augment: Augment, draw: Any, aspect: float) -> Any:
    """(N, 2, 3): from x, y, 1 of an output pixel to where it looks, in -1..1 across each side; `draw` is (6, N)."""
    angle, shear = draw[0] * (augment.rotate * pi / 180), tf.tan(draw[1] * (augment.shear * pi / 180))
    stretch, scale = 1 + draw[5] * augment.stretch, 1 + draw[2] * augment.scale
    wide, high = stretch / scale, 1 / (scale * stretch)
    cos, sin = tf.cos(angle), tf.sin(angle)
    rows = [
        tf.stack([cos * wide, (cos * shear - sin) * high * aspect, 2 * augment.translate * draw[3]], 1),
        tf.stack([sin * wide / aspect, (sin * shear + cos) * high, 2 * augment.translate * draw[4]], 1),
    ]
    return tf.stack(rows, 1)


def sample(pixels: Any, x: Any, y: Any, mirror_outside: bool) -> Any:
    """Pixels (N, H, W, C) at `x`, `y` (N, H * W), in -1..1 across each side, between pixels in proportion.

    What `torch.nn.functional.grid_sample` makes of them with align_corners=False and padding_mode `reflection` or
    `zeros`.
    """
    _, height, width, channels = pixels.shape
    x, y = ((value + 1) * side / 2 - 0.5 for value, side in ((x, width), (y, height)))
    if mirror_outside:
        x, y = _mirrored(x, width), _mirrored(y, height)
    flat = tf.reshape(pixels, (-1, height * width, channels))
    values = tf.zeros_like(flat)
    for row in (tf.floor(y), tf.floor(y) + 1):
        for column in (tf.floor(x), tf.floor(x) + 1):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            share = tf.where(inside, (1 - tf.abs(x - column)) * (1 - tf.abs(y - row)), 0.0)
            place = tf.cast(tf.where(inside, row * width + column, 0.0), tf.int32)
            values += share[:, :, None] * tf.gather(flat, place, batch_dims=1)
    return tf.reshape(values, (-1, height, width, channels))


def _mirrored(value: Any, side: int) -> Any:
    """Reflected at the outer edges of the first and last pixel as often as needed."""
    folded = tf.math.floormod(value + 0.5, 2.0 * side)
    return tf.clip_by_value(tf.minimum(folded, 2.0 * side - folded) - 0.5, 0.0, side - 1.0)


def _centres(side: int) -> Any:
    return tf.constant((np.arange(side) * 2 + 1) / side - 1, tf.float32)


def augmentation_for(augment: Augment, kind: FramingKind) -> Augmentation | None:
    """None where the recipe changes nothing.

    Raises:
        EngineError: the recipe asks for a change that is not written here.
    """
    default = Augment().model_dump()
    changed = {name for name, value in augment.model_dump().items() if value != default[name]} - _WITHOUT_EFFECT
    other = [f"augment.{name}" for name in sorted(changed - _DONE_HERE)]
    if other:
        usual = default[other[0].removeprefix("augment.")]
        raise EngineError(
            f"the TensorFlow engine cannot do {' and '.join(other)} yet; use --engine pytorch, or "
            f"--set {other[0]}={'{}' if isinstance(usual, dict) else format(usual, 'g')}."
        )
    return Augmentation(augment, kind) if changed else None
