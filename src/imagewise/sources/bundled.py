"""`digits`, the set that needs no network: 1,797 digits of 8x8 levels that scikit-learn carries."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from imagewise.dataset import Dataset, Split
from imagewise.errors import DataError
from imagewise.picture import Framing, Pixels, frame
from imagewise.sources.catalog import NamedSet
from imagewise.sources.looking import framing_of_arrays
from imagewise.sources.splits import complete_splits
from imagewise.splitting import content_hashes

_LEVELS = 16
_SIDE, _MARGIN = 20, 4  # of MNIST


def digits_file() -> Path:
    """The table inside scikit-learn, found without importing it: that would take 2 to 3 seconds
    (measured)."""
    package = importlib.util.find_spec("sklearn")
    for root in (package.submodule_search_locations or ()) if package else ():
        path = Path(root, "datasets", "data", "digits.csv.gz")
        if path.is_file():
            return path
    raise DataError("scikit-learn, which carries the digits, is missing. Install it with: pip install scikit-learn")


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(1797, 8, 8) levels 0..16, and labels: what `sklearn.datasets.load_digits` gives."""
    table = np.loadtxt(digits_file(), delimiter=",", dtype=np.int64)
    return table[:, :-1].reshape(-1, 8, 8).astype(np.uint8), table[:, -1]


def load_digits(entry: NamedSet, framing: Framing | None = None) -> Dataset:
    """Scaled to 0..255 and framed as a picture file would be, so that a file of one of them frames to itself."""
    levels, labels = read_digits()
    shades = (levels * (255 / _LEVELS) + 0.5).astype(np.uint8)
    images = np.stack([frame(_on_ground(shade), entry.framing) for shade in shades])
    framing, _ = framing_of_arrays(entry.name, images, framing or entry.framing)
    splits, rule = complete_splits({"train": Split(images, labels)}, lambda: content_hashes(levels))
    return Dataset(entry.name, entry.class_names, splits, framing, rule)


def _on_ground(shade: Pixels) -> Image.Image:
    """Enlarged, with a margin: the strokes reach the edge of the 8x8, where framing looks for the ground (without
    the margin it takes strokes for ground, and nearest neighbours fall from 97% to 75%)."""
    enlarged = Image.fromarray(shade).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return ImageOps.expand(enlarged, border=_MARGIN)
