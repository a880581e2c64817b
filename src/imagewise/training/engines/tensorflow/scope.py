"""What the TensorFlow engine does not train."""

from __future__ import annotations

from imagewise.errors import EngineError
from imagewise.training.recipe import Recipe


def check_scope(recipe: Recipe) -> None:
    """Raise EngineError for a field that TensorFlow would pass over; augmentation is checked where it is built."""
    if recipe.precision == "bfloat16":
        raise EngineError(
            "the TensorFlow engine computes in float32 only (precision); use --engine pytorch, or "
            "--set precision=float32."
        )
    if recipe.ema:
        raise EngineError("the TensorFlow engine does not average weights (ema); use --engine pytorch, or --set ema=0.")
