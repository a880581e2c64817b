"""Recognise picture files, many or few: what `imagewise predict` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from imagewise.errors import PictureError
from imagewise.model import Model, Prediction
from imagewise.picture import PICTURE_SUFFIXES, Framing, Pixels, frame, read_picture
from imagewise.reading import Reading, read

BATCH = 64  # answers come soon, and memory does not grow with the number of pictures

Source = Path | bytes
Answer = tuple[str, Prediction | PictureError]


def find_pictures(names: Iterable[str], stdin: BinaryIO) -> Iterator[tuple[str, Source]]:
    """Each picture's name and where it is, in the order named.

    Files are taken as they are, whatever they are called. Of a folder come the picture files at any depth below it, in
    order of path, hidden ones left out; or itself where it holds none. `-` is the bytes of one picture on `stdin`.
    """
    for name in names:
        path = Path(name)
        if name == "-":
            yield name, stdin.read()
        elif path.is_dir():
            yield from ((str(file), file) for file in _pictures_below(path) or [path])
        else:
            yield name, path


def _pictures_below(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in PICTURE_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def predict_files(
    model: Model,
    pictures: Iterable[tuple[str, Source]],
    top: int,
    on_framed: Callable[[str, Pixels], None] | None = None,
) -> Iterator[Answer]:
    """What the model says of each (name, file or its bytes), in order; the error for one that cannot be read.

    `on_framed` is told of what the network sees of each.
    """
    batch: list[tuple[str, Source]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            yield from _predict(model, batch, top, on_framed)
            batch = []
    yield from _predict(model, batch, top, on_framed)


def read_files(
    model: Model,
    pictures: Iterable[tuple[str, Source]],
    top: int,
    on_read: Callable[[str, Image.Image, Reading], None] | None = None,
) -> Iterator[tuple[str, Reading | PictureError]]:
    """As `predict_files`, for pictures of several characters; `on_read` is told of each with what was found in it."""
    for name, source in pictures:
        picture = _decoded(source)
        if isinstance(picture, PictureError):
            yield name, picture
            continue
        reading = read(model, picture, top)
        if on_read is not None:
            on_read(name, picture, reading)
        yield name, reading


def _predict(
    model: Model,
    batch: list[tuple[str, Source]],
    top: int,
    on_framed: Callable[[str, Pixels], None] | None,
) -> Iterator[Answer]:
    results = [_framed(source, model.framing) for _, source in batch]
    for (name, _), result in zip(batch, results, strict=True):
        if on_framed is not None and not isinstance(result, PictureError):
            on_framed(name, result)
    framed = [result for result in results if isinstance(result, np.ndarray)]
    rows = iter(model.predict_batch(np.stack(framed))) if framed else iter(())
    for (name, _), result in zip(batch, results, strict=True):
        yield name, result if isinstance(result, PictureError) else model.prediction(next(rows), top)


def _framed(source: Source, framing: Framing) -> Pixels | PictureError:
    picture = _decoded(source)
    return picture if isinstance(picture, PictureError) else frame(picture, framing)


def _decoded(source: Source) -> Image.Image | PictureError:
    try:
        if source == b"":
            raise PictureError("standard input: empty. Pipe a picture into it, as in `imagewise predict - < FILE`.")
        if isinstance(source, Path) and source.is_dir():
            raise PictureError(f"{source}: holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}). Check the path.")
        return read_picture(source)
    except PictureError as error:
        return PictureError(str(error).replace("the picture:", "standard input:", 1))
