"""`digits`, the set that needs no network: 1,797 digits of 8x8 levels in a file of this package.

digits-attribution.txt names its authors and its licence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.catalog import NamedSet, bundled_folder
from imagewise.data.dataset import Dataset, Split
from imagewise.data.sources.unpacking import UNPACK_ERRORS
from imagewise.data.splits import complete_splits
from imagewise.data.splitting import content_hashes
from imagewise.errors import DataError
from imagewise.framing.decoding import Pixels
from imagewise.framing.framing import Framing
from imagewise.framing.ink import place

_LEVELS = 16
_SIDE = 20  # of MNIST's inner box


def digits_file() -> Path:
    """The packed table: 64 levels and the label in each row."""
    return bundled_folder() / "digits.csv.gz"


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Levels 0..16, uint8 (1797, 8, 8), and labels, int64 (1797,), as `sklearn.datasets.load_digits` gives them.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        table = np.loadtxt(digits_file(), delimiter=",", dtype=np.int64)
    except (*UNPACK_ERRORS, ValueError) as error:
        raise DataError(f"{digits_file()}: cannot be read ({error}). Install imagewise again.") from error
    return table[:, :-1].reshape(-1, 8, 8).astype(np.uint8), table[:, -1]


def load_digits(entry: NamedSet, framing: Framing | None = None) -> Dataset:
    """The digits as a data set, scaled to 0..255 and framed as a picture file would be: a file of one frames to itself.

    Raises:
        DataError: the file is damaged; or `framing` has another shape than the catalog's.
    """
    levels, labels = read_digits()
    shades = (levels * (255 / _LEVELS) + 0.5).astype(np.uint8)
    images = np.stack([_placed(shade, entry.framing) for shade in shades])
    framing, _ = framing_of_arrays(entry.name, images, framing or entry.framing)
    splits, rule = complete_splits({"train": Split(images, labels)}, lambda: content_hashes(levels))
    return Dataset(entry.name, entry.class_names, splits, framing, rule)


def _placed(shade: Pixels, framing: Framing) -> Pixels:
    """Enlarged and placed as framing places ink, without looking for ink and ground, which are known here: 8x8 levels
    are few to find them by."""
    enlarged = Image.fromarray(shade).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return place(np.asarray(enlarged), framing.height, framing.width)[..., None]
