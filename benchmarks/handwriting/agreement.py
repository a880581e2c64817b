"""How well what a framing kept agrees with the true ink, to a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Of one picture."""

    found: float
    """Share of the true ink that is within a pixel of what was kept; 1 where there is no ink."""
    stray: float
    """Share of what was kept that is farther than a pixel from true ink; 0 where nothing was kept."""

    def good(self) -> bool:
        """Whether the strokes are all there, and nothing else."""
        return self.found >= 0.98 and self.stray <= 0.03


def agreement(kept: Mask, true: Mask) -> Agreement:
    """Both bool (height, width) of the same picture, at its own size."""
    found = near(kept)[true]
    stray = ~near(true)[kept]
    return Agreement(float(found.mean()) if found.size else 1.0, float(stray.mean()) if stray.size else 0.0)


def near(mask: Mask) -> Mask:
    """Pixels of the mask and their eight neighbours."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    out = wide.copy()
    out[1:] |= wide[:-1]
    out[:-1] |= wide[1:]
    return out
