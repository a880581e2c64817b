"""Features of pictures by a backbone: computed once for each picture, then read from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.computing.feature_cache import Earlier, Place, kind_of, picture_digests, read_kept
from imagewise.backbones.computing.feature_session import Features, FeatureSession, Indices
from imagewise.backbones.computing.feature_writing import Writing
from imagewise.backbones.views import PLAIN, View
from imagewise.data.memmap import drop_pages
from imagewise.errors import ModelError
from imagewise.fetch import Progress
from imagewise.framing.framing import describe_size
from imagewise.model.session import Device

_COPIED = 1024  # pictures that are taken over from an earlier set at a time
_DROP_EVERY = 16  # batches


def compute_features(
    backbone: Backbone,
    images: NDArray[np.uint8],
    views: Sequence[View] = (PLAIN,),
    *,
    threads: int | None = None,
    device: Device = "cpu",
    progress: Progress | None = None,
) -> tuple[Features, ...]:
    """The features of all pictures in each view, (N, features) float32 each, memory-mapped from imagewise's cache.

    What an earlier run computed is read from there, also if the run was interrupted or had only some of the pictures.
    Where the cache cannot be written, the features are in memory.

    Args:
        backbone: computes them.
        images: (N, side, side, C) uint8, C = 1 (grey, repeated to three channels) or 3. May be memory-mapped: a few
            pictures at a time are in memory.
        views: which views of each picture.
        threads: pictures that are computed at the same time; None for the processors that may be used.
        device: as for `Session`.
        progress: told how many pictures are done, if any has to be computed; each view counts.

    Raises:
        ModelError: pictures that are not square, or a backbone that does not run on them.
    """
    side = _side(backbone, images)
    digests = picture_digests(images)
    places = {view: _place(backbone, view, images.shape[1:], digests) for view in views}
    found = {view: kept for view, place in places.items() if (kept := read_kept(place)) is not None}
    missing = [view for view in places if view not in found]
    count = _Count(progress, f"features of {len(images):,} pictures", len(images) * len(missing))
    for size in sorted({view.side(side) for view in missing}, reverse=True):
        session = cache(partial(FeatureSession, backbone, size, threads, device))
        for view in missing:
            if view.side(side) == size:
                found[view] = _compute(places[view], images, view, session, count)
    return tuple(found[view] for view in views)


@dataclass
class _Count:
    """Pictures done, of all views together, as `progress` is told."""

    progress: Progress | None
    description: str
    total: int
    done: int = 0

    def add(self, pictures: int) -> None:
        self.done += pictures
        if self.progress is not None:
            self.progress(self.description, self.done, self.total, "pictures")


def _side(backbone: Backbone, images: NDArray[np.uint8]) -> int:
    """Of the pictures. Raises ModelError where they are not square."""
    _, height, width, channels = images.shape
    if height != width or channels not in (1, 3):
        raise ModelError(
            f"{backbone.name} takes square pictures, grey or colour, and these are {describe_size(images.shape[1:])}. "
            "Take the framing photo:224."
        )
    return int(height)


def _place(backbone: Backbone, view: View, shape: Sequence[int], digests: Sequence[bytes]) -> Place:
    return Place(kind_of(backbone.digest, view.name, *shape), digests, backbone.features)


def _compute(
    place: Place, images: NDArray[np.uint8], view: View, session: Callable[[], FeatureSession], count: _Count
) -> Features:
    """The features in one view. Those that are not known are computed, and written as they come.

    Args:
        session: opens the backbone at the view's side, or gives the one that is open.
    """
    earlier = Earlier(place)
    known = np.array([digest in earlier for digest in place.digests], dtype=bool)
    writing = Writing(place)

    def features_of(part: Indices) -> Features:
        rows = np.empty((len(part), place.features), dtype=np.float32)
        for row, index in zip(rows, part.tolist(), strict=True):
            if known[index]:
                row[:] = earlier[place.digests[index]]
        lacking = ~known[part]
        if lacking.any():
            rows[lacking] = session().run(view.cut(_three_channels(images[part[lacking]])))
        return rows

    try:
        count.add(writing.done)
        if known[writing.done :].all():
            computed: Iterable[Features] = map(features_of, _parts(known, writing.done, _COPIED))
        else:
            computed = session().map(features_of, _parts(known, writing.done, session().batch))
        for number, rows in enumerate(computed):
            writing.append(rows)
            count.add(len(rows))
            if number % _DROP_EVERY == 0:
                drop_pages(images)
        return writing.finish()
    finally:
        drop_pages(images)
        writing.close()


def _parts(known: NDArray[np.bool_], start: int, batch: int) -> list[Indices]:
    """The pictures from `start` on, in parts of which each has at most `batch` whose features are not known."""
    parts, begin, lacking = [], start, 0
    for index in range(start, len(known)):
        lacking += not known[index]
        if lacking == batch or index + 1 - begin == _COPIED or index + 1 == len(known):
            parts.append(np.arange(begin, index + 1))
            begin, lacking = index + 1, 0
    return parts


def _three_channels(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures
