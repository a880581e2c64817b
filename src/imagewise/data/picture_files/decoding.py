"""Decode and frame all pictures of a set, in threads, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from imagewise.cpu import usable_cpus
from imagewise.data.groups.near_copies import LENGTH, signature
from imagewise.data.picture_files.picture_cache import Chunk, Result
from imagewise.data.picture_files.picture_file import PictureFile
from imagewise.data.splitting import content_hash
from imagewise.fetch import Progress
from imagewise.framing.decoding import PictureSource, Pixels, picture_error, read_picture
from imagewise.framing.framing import Framing, frame

_AT_A_TIME = 32  # pictures that are handed on together: no decoder waits for long while they are
_AHEAD = 4  # pictures a thread that wait for it: what is in memory does not grow with the set

Answer = tuple[Result, Pixels, Pixels] | tuple[str, None, None]


def scan(files: Sequence[PictureFile], framing: Framing, progress: Progress | None) -> Iterator[Chunk]:
    """Some files at a time, in order: each one's content hash, or in words why it cannot be read; and of those that
    can the framed pictures, (n, H, W, C), and the signatures by which near-copies are found, (n, LENGTH).

    The hash is that of the pixels before framing: a split does not depend on the size that the network sees.
    """
    results: list[Result] = []
    framed: list[Pixels] = []
    signatures: list[Pixels] = []
    done = 0
    for result, pixels, look in _answers(files, framing):
        results.append(result)
        if pixels is not None and look is not None:
            framed.append(pixels)
            signatures.append(look)
        if len(results) == _AT_A_TIME or done + len(results) == len(files):
            done += len(results)
            if progress is not None:
                progress(f"reading {len(files):,} pictures", done, len(files), "pictures")
            looks = np.array(signatures, dtype=np.uint8).reshape(-1, LENGTH)
            yield results, np.array(framed, dtype=np.uint8).reshape(-1, *framing.shape), looks
            results, framed, signatures = [], [], []


def _answers(files: Sequence[PictureFile], framing: Framing) -> Iterator[Answer]:
    """In the order of `files`, while those that follow are read. Pillow decodes and resizes without Python's lock."""
    threads = usable_cpus()
    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for file in files:
            source: PictureSource | Exception
            try:
                source = file.source()  # here, since what is packed is read in order
            except Exception as error:
                source = error
            waiting.append(pool.submit(_answer, source, framing))
            if len(waiting) == _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _answer(source: PictureSource | Exception, framing: Framing) -> Answer:
    """The hash, the framed picture and its signature, or why there are none: no error of one picture ends the set."""
    try:
        if isinstance(source, Exception):
            raise source
        picture = read_picture(source)
        return content_hash(np.asarray(picture)), frame(picture, framing), signature(picture)
    except Exception as error:
        return picture_error(error, None).detail, None, None
