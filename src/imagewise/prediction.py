"""Recognise picture files, many or few: what `imagewise predict` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from imagewise.errors import PictureError
from imagewise.model import Model, Prediction
from imagewise.picture import PICTURE_SUFFIXES, frame_file

BATCH = 64  # answers come soon, and memory does not grow with the number of pictures


def find_pictures(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are; for a folder, the picture files below it in order of name.

    Raises:
        PictureError: a folder holds no picture.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = [file for file in sorted(path.rglob("*")) if _is_picture(file)]
        if not files:
            raise PictureError(f"{path}: holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}). Check the path.")
        yield from files


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith(".") and file.is_file()


def predict_files(
    model: Model, pictures: Iterable[tuple[str, Path | bytes]], top: int
) -> Iterator[tuple[str, Prediction | PictureError]]:
    """What the model says of each (name, file or its bytes), in order; the error for one that cannot be read."""
    batch: list[tuple[str, Path | bytes]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH:
            yield from _predict(model, batch, top)
            batch = []
    yield from _predict(model, batch, top)


def _predict(
    model: Model, batch: list[tuple[str, Path | bytes]], top: int
) -> Iterator[tuple[str, Prediction | PictureError]]:
    results: list[np.ndarray | PictureError] = []
    for name, source in batch:
        try:
            results.append(frame_file(source, model.framing))
        except PictureError as error:
            message = str(error).replace("the picture:", f"{name}:", 1) if isinstance(source, bytes) else str(error)
            results.append(PictureError(message))
    framed = [result for result in results if isinstance(result, np.ndarray)]
    rows = iter(model.predict_batch(np.stack(framed))) if framed else iter(())
    for (name, _), result in zip(batch, results, strict=True):
        yield name, result if isinstance(result, PictureError) else model.prediction(next(rows), top)
