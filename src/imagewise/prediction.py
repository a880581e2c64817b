"""Recognise picture files, many or few: what `imagewise predict` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imagewise.errors import PictureError
from imagewise.model import Model, Prediction
from imagewise.picture import PICTURE_SUFFIXES, Framing, Pixels, frame_file

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


def predict_files(model: Model, pictures: Iterable[tuple[str, Source]], top: int) -> Iterator[Answer]:
    """What the model says of each (name, file or its bytes), in order; the error for one that cannot be read."""
    batch: list[tuple[str, Source]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            yield from _predict(model, batch, top)
            batch = []
    yield from _predict(model, batch, top)


def _predict(model: Model, batch: list[tuple[str, Source]], top: int) -> Iterator[Answer]:
    results = [_framed(source, model.framing) for _, source in batch]
    framed = [result for result in results if isinstance(result, np.ndarray)]
    rows = iter(model.predict_batch(np.stack(framed))) if framed else iter(())
    for (name, _), result in zip(batch, results, strict=True):
        yield name, result if isinstance(result, PictureError) else model.prediction(next(rows), top)


def _framed(source: Source, framing: Framing) -> Pixels | PictureError:
    try:
        if source == b"":
            raise PictureError("standard input: empty. Pipe a picture into it, as in `imagewise predict - < FILE`.")
        if isinstance(source, Path) and source.is_dir():
            raise PictureError(f"{source}: holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}). Check the path.")
        return frame_file(source, framing)
    except PictureError as error:
        return PictureError(str(error).replace("the picture:", "standard input:", 1))
