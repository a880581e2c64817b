"""Decode and frame all pictures of a set, in threads, a few at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from imagewise.errors import PictureError
from imagewise.picture import Framing, PictureSource, Pixels, frame, read_picture
from imagewise.sources.download import Progress
from imagewise.sources.picture_cache import Result
from imagewise.sources.picture_file import PictureFile
from imagewise.splitting import content_hash

_AT_A_TIME = 256  # pictures that are handed on together
_AHEAD = 4  # pictures a thread that wait for it: what is in memory does not grow with the set

Answer = tuple[Result, Pixels | None]


def scan(
    files: Sequence[PictureFile], framing: Framing, progress: Progress | None
) -> Iterator[tuple[list[Result], Pixels]]:
    """Some files at a time, in order: each one's content hash, or in words why it cannot be read; and the framed
    pictures of those that can, (n, H, W, C).

    The hash is that of the pixels before framing: a split does not depend on the size that the network sees.
    """
    results: list[Result] = []
    framed: list[Pixels] = []
    done = 0
    for result, pixels in _answers(files, framing):
        results.append(result)
        if pixels is not None:
            framed.append(pixels)
        if len(results) == _AT_A_TIME or done + len(results) == len(files):
            done += len(results)
            if progress is not None:
                progress(f"reading {len(files):,} pictures", done, len(files), "pictures")
            yield results, np.array(framed, dtype=np.uint8).reshape(-1, *framing.shape)
            results, framed = [], []


def _answers(files: Sequence[PictureFile], framing: Framing) -> Iterator[Answer]:
    """In the order of `files`, while those that follow are read. Pillow decodes and resizes without Python's lock."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for file in files:
            source: PictureSource | PictureError
            try:
                source = file.source()  # here, since what is packed is read in order
            except PictureError as error:
                source = error
            waiting.append(pool.submit(_answer, file, source, framing))
            if len(waiting) == _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _answer(file: PictureFile, source: PictureSource | PictureError, framing: Framing) -> Answer:
    try:
        if isinstance(source, PictureError):
            raise source
        picture = read_picture(source)
    except PictureError as error:
        return file.reason(error), None
    return content_hash(np.asarray(picture)), frame(picture, framing)
