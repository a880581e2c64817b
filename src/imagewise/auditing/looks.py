"""Pictures that are dark, bright, blank, blurred, or files of an odd size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.auditing.findings import What
from imagewise.data.memmap import iter_chunks

_DARK, _BRIGHT = 0.3, 0.7  # of white: what the brightest, the darkest hundredth may be
_BLANK = 0.06  # of white: the smallest difference between them
_FAR = 5.0  # spreads from the median (1.48 times the median absolute deviation, as for a Gaussian)
_LEAST_SPREAD = 0.15  # of a logarithm: sets of pictures that are all alike have no outliers of a few per cent
_LARGER, _NARROW = 4.0, 3.0  # times as many pixels as usual, as wide as high
_WEIGHTS = (0.299, 0.587, 0.114)
Scores = dict[What, NDArray[np.float64]]


def look_scores(images: NDArray[np.uint8], *, drawings: bool) -> Scores:
    """Scores (N,) for each look: below 1 is odd, the lower the odder. Drawings are looked at for blank ones only.

    Args:
        images: (N, H, W, C) uint8.
    """
    parts = [_measure(chunk) for chunk in iter_chunks(images)]
    low, high, sharp = (np.concatenate(values) for values in zip(*parts, strict=True))
    found: Scores = {What.BLANK: (high - low) / _BLANK}
    if drawings:
        return found
    blank = found[What.BLANK] < 1
    found[What.DARK] = np.where(blank, np.inf, high / _DARK)
    found[What.BRIGHT] = np.where(blank, np.inf, (1 - low) / (1 - _BRIGHT))
    found[What.BLURRED] = np.where(blank, np.inf, _far_below(np.log(sharp + 1e-6)))
    return found


def size_scores(sizes: list[tuple[int, int] | None]) -> NDArray[np.float64]:
    """Scores (N,) of the sizes (width, height) of files, below 1 for odd ones; infinite where a size is unknown."""
    scores = np.full(len(sizes), np.inf)
    known = [place for place, size in enumerate(sizes) if size is not None]
    if not known:
        return scores
    width, height = np.log(np.array([size for size in sizes if size is not None], dtype=np.float64)).T
    area, shape = width + height, width - height
    apart = np.abs(area - np.median(area)) / np.log(_LARGER)
    narrow = np.abs(shape - np.median(shape)) / np.log(_NARROW)
    scores[known] = 1 / np.maximum(np.maximum(apart, narrow), 1e-9)
    return scores


def file_sizes(paths: list[Path | None]) -> list[tuple[int, int] | None]:
    """(width, height) of picture files, by their heads; None for what is no file, or cannot be read."""
    return [None if path is None else _size(path) for path in paths]


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _measure(chunk: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each picture: its darkest and its brightest hundredth, 0..1, and its edges.

    Edges are the spread of its Laplacian in units of the difference of the two.
    """
    levels = np.asarray(chunk, dtype=np.float32) / np.float32(255)
    grey = levels[..., 0] if levels.shape[3] == 1 else levels @ np.array(_WEIGHTS, dtype=np.float32)
    low = np.percentile(grey, 1, axis=(1, 2))
    high = np.percentile(levels.max(axis=3), 99, axis=(1, 2))  # a red rose is not dark
    middle = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    edges = (4 * middle - around).std(axis=(1, 2)) / np.maximum(high - low, 1e-3)
    return low, high, edges.astype(np.float64)


def _far_below(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Below 1 for values that are `_FAR` spreads below the median."""
    middle = np.median(values)
    spread = max(1.4826 * float(np.median(np.abs(values - middle))), _LEAST_SPREAD)
    below = np.maximum((middle - values) / spread, 1e-9)
    return np.asarray(_FAR / below)


def odd_ones(scores: NDArray[np.float64]) -> Iterator[tuple[int, float]]:
    """Numbers and scores of the pictures below 1, the oddest first."""
    order = np.argsort(scores, kind="stable")
    return ((int(number), float(scores[number])) for number in order if scores[number] < 1)
