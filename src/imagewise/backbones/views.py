"""Views of a picture that features are computed of: as it is, mirrored, and windows of it at its own scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import RecipeError, did_you_mean

Window = Literal["whole", "centre", "top-left", "top-right", "bottom-left", "bottom-right"]
# Where the free room goes, in halves: (above, left).
_PLACES: Mapping[Window, tuple[int, int]] = {
    "centre": (1, 1),
    "top-left": (0, 0),
    "top-right": (0, 2),
    "bottom-left": (2, 0),
    "bottom-right": (2, 2),
}
_SHARE = 6 / 7  # of the side: 192 of 224 pixels
_STEP = 16  # a window's side is a multiple of it, for networks that halve five times


@dataclass(frozen=True)
class View:
    """One way to look at a square picture. A window goes to the network at its own size: it is not resized.

    Attributes:
        window: which part of the picture.
        flipped: left and right exchanged, after the window was cut out.
    """

    window: Window = "whole"
    flipped: bool = False

    @property
    def name(self) -> str:
        """As recipes write it: `plain`, `flipped`, `centre`, `centre-flipped`, `top-left` ..."""
        if self.window == "whole":
            return "flipped" if self.flipped else "plain"
        return f"{self.window}-flipped" if self.flipped else self.window

    def side(self, side: int) -> int:
        """Side of the view of a picture of that side, in pixels."""
        if self.window == "whole":
            return side
        return min(side, max(_STEP, round(side * _SHARE / _STEP) * _STEP))

    def cut(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view of each of (n, side, side, C) pictures, which need not be contiguous."""
        side = pictures.shape[1]
        size = self.side(side)
        above, left = ((side - size) * half // 2 for half in _PLACES.get(self.window, (0, 0)))
        part = pictures[:, above : above + size, left : left + size]
        return part[:, :, ::-1] if self.flipped else part


PLAIN, FLIPPED = View(), View(flipped=True)


def views() -> dict[str, View]:
    """All views by name."""
    known = (View(window, flipped) for window in get_args(Window) for flipped in (False, True))
    return {view.name: view for view in known}


def view(name: str) -> View:
    """The view of that name. Raises RecipeError, with the nearest names, for an unknown name."""
    known = views()
    if name not in known:
        raise RecipeError(f"no view is called {name!r}.{did_you_mean(name, known)} There are {', '.join(known)}.")
    return known[name]
