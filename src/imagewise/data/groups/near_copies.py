"""Near-copies: the same picture in another size, compression, format or brightness, or the next shot of a still scene.

A picture's signature is its brightness at 16x16 and its colour at 4x4. Candidates are pairs whose perceptual hashes
(64 signs of a discrete cosine transform, as pHash has them) agree in one of several bands, found by sorting: the time
grows with the number of pictures, not with its square. A candidate counts only if the signatures themselves agree:
many different pictures, dark ones and drawings above all, have similar hashes. Most of these are told apart by their
outlines, the slowest waves of the brightness, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.groups.grouping import clusters

SIDE, _COLOUR_SIDE = 16, 4
LENGTH = SIDE**2 + 2 * _COLOUR_SIDE**2  # bytes of a signature

_LEAST_CONTRAST = 8.0  # standard deviation of the brightness, 0..255; plainer pictures have nothing to compare
_MOST_BITS = 12  # by which the hashes of a pair may differ
# Root mean square of the difference in brightness, each scaled to deviation 1. Two people's drawings of a 1 are 0.12
# apart; copies of photographs that are resized, compressed or brightened 0.01 to 0.2, different ones above 0.3.
_MOST_APART = 0.08
_MOST_APART_IN_COLOUR = 0.18  # if the colours agree, too
_COLOURED = 6  # deviation of the colours from grey, 0..255
_MOST_COLOUR = 10  # largest difference in colour of a sixteenth of the picture, 0..255
_MOST_DARKER = 1.6  # ratio of the contrasts
_MOST_ALIKE = 20  # pictures of a class, half of it or more, that count as near-copies rather than as a fixed camera's
_NEIGHBOURS = 24  # that each picture is compared with in each band
_AT_A_TIME = 20_000  # pairs or pictures: bounds the memory
_OUTLINE = 5  # waves in each direction
_BRIGHTNESS = (0.299, 0.587, 0.114)  # shares of red, green and blue


def signature(picture: Image.Image) -> NDArray[np.uint8]:
    """Of a decoded picture (from `read_picture`): (LENGTH,) uint8."""
    if picture.mode in ("LA", "RGBA"):
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    if small.mode == "L":
        colours = np.full(2 * _COLOUR_SIDE**2, 128, dtype=np.uint8)
        return np.concatenate([np.asarray(small, dtype=np.uint8).ravel(), colours])
    brightness, *colour = small.convert("YCbCr").split()
    size = (_COLOUR_SIDE, _COLOUR_SIDE)
    parts = [brightness, *(channel.resize(size, Image.Resampling.BOX) for channel in colour)]
    return np.concatenate([np.asarray(part, dtype=np.uint8).ravel() for part in parts])


def signatures_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`signature` of each of many pictures of one size, (N, H, W, C), to within rounding: (N, LENGTH) uint8."""
    _, height, width, channels = images.shape
    signatures = np.full((len(images), LENGTH), 128, dtype=np.uint8)
    down, across = _averages(height, SIDE), _averages(width, SIDE)
    small = _averages(SIDE, _COLOUR_SIDE)
    for start in range(0, len(images), _AT_A_TIME // 8):
        part = slice(start, start + _AT_A_TIME // 8)
        planes = images[part].transpose(0, 3, 1, 2).astype(np.float32)
        planes = np.rint(down @ planes @ across.T)
        if channels == 1:
            signatures[part, : SIDE**2] = planes.reshape(-1, SIDE**2)
            continue
        brightness = np.tensordot(planes, _BRIGHTNESS, (1, 0))
        signatures[part, : SIDE**2] = np.rint(brightness).reshape(-1, SIDE**2)
        for number, (channel, scale) in enumerate(((2, 1.772), (0, 1.402))):  # Cb and Cr of JPEG
            hue = np.clip(128 + (planes[:, channel] - brightness) / scale, 0, 255)
            first = SIDE**2 + number * _COLOUR_SIDE**2
            signatures[part, first : first + _COLOUR_SIDE**2] = np.rint(small @ hue @ small.T).reshape(
                -1, _COLOUR_SIDE**2
            )
    return signatures


def _averages(size: int, smaller: int) -> NDArray[np.float32]:
    """(smaller, size): what `resize` with a box filter multiplies a side by."""
    ones = Image.fromarray(np.eye(size, dtype=np.float32))
    return np.asarray(ones.resize((size, smaller), Image.Resampling.BOX), dtype=np.float32)


def near_clusters(signatures: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    """Pictures that look the same: indices by clusters, ascending. Each part of `signatures` is (n, LENGTH) uint8."""
    together = np.concatenate([np.zeros((0, LENGTH), dtype=np.uint8), *signatures])
    return clusters(len(together), near_pairs(together))


def usable_clusters(near: Sequence[Sequence[int]], labels: NDArray[np.int64]) -> list[list[int]]:
    """The clusters that may be kept in one split: those that do not take most of a class.

    A fixed camera or a scanner makes pictures that all look the same at this size. To keep them in one split would
    leave nothing to test on.

    Args:
        near: indices by clusters.
        labels: (N,) class indices.
    """
    sizes = np.bincount(labels)
    usable = []
    for cluster in near:
        classes, counts = np.unique(labels[list(cluster)], return_counts=True)
        if not np.any((counts > _MOST_ALIKE) & (counts > sizes[classes] / 2)):
            usable.append(list(cluster))
    return usable


def near_pairs(signatures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs of pictures that look the same: (M, 2), the indices of each pair ascending.

    Args:
        signatures: (N, LENGTH), one `signature` a picture.
    """
    starts = range(0, len(signatures), _AT_A_TIME)
    contrast = [_brightness(signatures[start : start + _AT_A_TIME]).std(axis=1) for start in starts]
    able = np.flatnonzero(np.concatenate([np.zeros(0), *contrast]) >= _LEAST_CONTRAST)
    parts = [signatures[able[start : start + _AT_A_TIME]] for start in range(0, len(able), _AT_A_TIME)]
    bits = np.concatenate([np.zeros((0, 64), dtype=np.bool_), *map(_bits, parts)])
    outlines = np.concatenate([np.zeros((0, _OUTLINE**2), dtype=np.float32), *map(_outlines, parts)])
    reach = np.concatenate([np.zeros(0, dtype=np.float32), *map(_reach, parts)])
    candidates = able[_candidates(bits, outlines, reach)]
    found = [np.zeros((0, 2), dtype=np.int64)]
    for start in range(0, len(candidates), _AT_A_TIME):
        pairs = candidates[start : start + _AT_A_TIME]
        found.append(pairs[_are_alike(signatures[pairs[:, 0]], signatures[pairs[:, 1]])])
    return np.concatenate(found)


def _brightness(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return signatures[:, : SIDE**2].astype(np.float32)


def _waves(count: int) -> NDArray[np.float32]:
    """(count, SIDE): the slowest of the cosine transform."""
    phase = np.pi / (2 * SIDE) * np.outer(np.arange(count), 2 * np.arange(SIDE) + 1)
    return np.asarray(np.cos(phase), dtype=np.float32)


def _outlines(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, _OUTLINE ** 2): coordinates in which two signatures are no further apart than they are themselves."""
    waves = _waves(_OUTLINE) * np.sqrt(2 / SIDE, dtype=np.float32)
    waves[0] /= np.sqrt(2)
    pictures = _standard(_brightness(signatures)).reshape(-1, SIDE, SIDE)
    return np.asarray((waves @ pictures @ waves.T).reshape(-1, _OUTLINE**2), dtype=np.float32)


def _reach(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n,): the square of how far apart the outlines of a picture and of a near-copy may be."""
    hues = signatures[:, SIDE**2 :].astype(np.float32)
    apart = np.where(hues.std(axis=1) >= _COLOURED, _MOST_APART_IN_COLOUR, _MOST_APART)
    return np.asarray((SIDE * apart) ** 2 * 1.01, dtype=np.float32)  # a hundredth more than rounding takes


def _bits(signatures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n, 64): which of the 64 slowest waves in the brightness are above their median. The mean plays no part."""
    waves = _waves(8)
    pictures = _brightness(signatures).reshape(-1, SIDE, SIDE)
    strengths = (waves @ pictures @ waves.T).reshape(-1, 64)
    strengths[:, 0] = 0
    return np.asarray(strengths > np.median(strengths, axis=1, keepdims=True))


def _candidates(
    bits: NDArray[np.bool_], outlines: NDArray[np.float32], reach: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Pairs (M, 2) whose hashes and outlines differ little, ascending. (N, 64) bits."""
    count = len(bits)
    packed = _packed(bits)
    rows = np.arange(64).reshape(4, 16)
    bands = [*rows, *np.arange(64).reshape(16, 4).T]
    found = [np.zeros(0, dtype=np.int64)]
    for band in bands:
        # sorted by the band's bits, then by the others: of many with the same band, the nearest follow each other
        keys = _packed(bits[:, [*band, *np.setdiff1d(np.arange(64), band)]])
        order = np.argsort(keys, kind="stable")
        heads, hashes, places, far = keys[order] >> np.uint64(48), packed[order], outlines[order], reach[order]
        for step in range(1, min(_NEIGHBOURS, count - 1) + 1):
            alike = np.bitwise_count(hashes[step:] ^ hashes[:-step]) <= _MOST_BITS
            same = np.flatnonzero(alike & (heads[step:] == heads[:-step]))
            apart = places[same] - places[same + step]
            limit = np.minimum(far[same], far[same + step])
            same = same[np.einsum("nk,nk->n", apart, apart) <= limit]
            one, other = order[same], order[same + step]
            found.append(np.minimum(one, other) * count + np.maximum(one, other))
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs // max(count, 1), pairs % max(count, 1)], axis=1)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(N, 64) bits as numbers, the first bit highest."""
    numbers = np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u8").ravel()
    return numbers.astype(np.uint64)


def _are_alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the pictures of these signatures (n, LENGTH) look the same."""
    first, second = _brightness(one), _brightness(other)
    contrasts = first.std(axis=1), second.std(axis=1)
    apart = np.sqrt(np.mean((_standard(first) - _standard(second)) ** 2, axis=1))
    ratio = contrasts[0] / contrasts[1]
    hues = [part[:, SIDE**2 :].astype(np.float32) - 128 for part in (one, other)]
    colours = np.abs(hues[0] / np.sqrt(ratio)[:, None] - hues[1] * np.sqrt(ratio)[:, None]).max(axis=1)
    coloured = np.minimum(hues[0].std(axis=1), hues[1].std(axis=1)) >= _COLOURED
    limit = np.where(coloured, _MOST_APART_IN_COLOUR, _MOST_APART)
    darker = np.maximum(ratio, 1 / ratio)
    return np.asarray((apart <= limit) & (colours <= _MOST_COLOUR) & (darker <= _MOST_DARKER))


def _standard(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """With mean 0 and deviation 1: a darker copy is the same."""
    centred = brightness - brightness.mean(axis=1, keepdims=True)
    return np.asarray(centred / brightness.std(axis=1, keepdims=True), dtype=np.float32)
