"""Recognise picture files, many or few: what `imagewise predict` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from imagewise.errors import ModelError, PictureError, is_address, not_downloaded
from imagewise.framing.decoding import Pixels, picture_error, read_picture
from imagewise.framing.file_kinds import readable_suffixes
from imagewise.framing.framing import Framing, frame
from imagewise.model.inputs import is_folder, pictures_below
from imagewise.model.model import Model
from imagewise.model.prediction import Prediction
from imagewise.model.text_recognition import Reading, read
from imagewise.naming import natural_key

BATCH = 64  # answers come soon, and memory does not grow with the number of pictures

Source = Path | bytes | PictureError
Answer = tuple[str, Prediction | PictureError]


def find_pictures(
    names: Iterable[str], stdin: BinaryIO, on_left_out: Callable[[str], None] | None = None
) -> Iterator[tuple[str, Source]]:
    """Each picture's name and where it is, in the order named.

    Files are taken as they are, whatever they are called. Of a folder come the picture files at any depth below it, in
    natural order of their paths (1, 2, 10), hidden ones left out; or itself where it holds none.
    `-` is the bytes of one picture on `stdin`. `on_left_out` is told which files of a folder are of other kinds. A
    pattern such as `photos/*.png` that the shell has left as it is, as on Windows, gives the files that match it. An
    address gives the error that it has to be downloaded.
    """
    for name in names:
        path = Path(name)
        if name == "-":
            yield name, stdin.read()
        elif is_address(name):
            yield name, PictureError(name, *not_downloaded("picture"))
        elif has_magic(name) and not _exists(path):
            yield from _matches(name, stdin, on_left_out)
        elif is_folder(path):
            yield from ((str(file), file) for file in pictures_below(path, on_left_out) or [path])
        else:
            yield name, path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _matches(pattern: str, stdin: BinaryIO, on_left_out: Callable[[str], None] | None) -> Iterator[tuple[str, Source]]:
    """The pictures that a pattern names, in its shell's quotes or without; of a folder that matches, those in it."""
    found = sorted(glob(pattern.strip("'\""), recursive=True), key=natural_key)  # noqa: PTH207 - Path.glob takes no absolute one
    if not found:
        yield pattern, PictureError(pattern, "no file matches this pattern", "Check the path.")
    yield from find_pictures(found, stdin, on_left_out)


def predict_files(
    model: Model,
    pictures: Iterable[tuple[str, Source]],
    top: int,
    on_framed: Callable[[str, Image.Image, Pixels], None] | None = None,
) -> Iterator[Answer]:
    """The prediction for each (name, file or its bytes), in order; for one that cannot be read the error.

    An error of one picture does not end the others.

    `on_framed` gets the name of each picture, the decoded picture, and the network's input.
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
    """As `predict_files`, for pictures of several characters; `on_read` gets each picture with its text."""
    for name, source in pictures:
        try:
            picture = _decoded(source)
            reading = read(model, picture, top)
        except ModelError:
            raise
        except Exception as error:
            yield name, picture_error(error, _place(source))
            continue
        if on_read is not None:
            on_read(name, picture, reading)
        yield name, reading


def _predict(
    model: Model,
    batch: list[tuple[str, Source]],
    top: int,
    on_framed: Callable[[str, Image.Image, Pixels], None] | None,
) -> Iterator[Answer]:
    results = [_framed(name, source, model.framing, on_framed) for name, source in batch]
    framed = [result for result in results if isinstance(result, np.ndarray)]
    rows = iter(model.predict_batch(np.stack(framed))) if framed else iter(())
    for (name, _), result in zip(batch, results, strict=True):
        yield name, result if isinstance(result, PictureError) else model.prediction(next(rows), top)


def _framed(
    name: str, source: Source, framing: Framing, on_framed: Callable[[str, Image.Image, Pixels], None] | None
) -> Pixels | PictureError:
    try:
        picture = _decoded(source)
        framed = frame(picture, framing)
    except Exception as error:
        return picture_error(error, _place(source))
    if on_framed is not None:  # now, while the picture is in memory: a batch of photographs would fill it
        on_framed(name, picture, framed)
    return framed


def _decoded(source: Source) -> Image.Image:
    """The picture of a file, or of the bytes of standard input. Raises PictureError."""
    place = _place(source)
    if isinstance(source, PictureError):
        raise source
    if source == b"":
        raise PictureError(place, "empty", "Pipe a picture into it, as in `imagewise predict - < FILE`.")
    if isinstance(source, Path) and is_folder(source):
        raise PictureError(place, f"holds no picture ({', '.join(sorted(readable_suffixes()))})", "Check the path.")
    try:
        return read_picture(source)
    except PictureError as error:
        raise error.at(place) from error


def _place(source: Source) -> str:
    return "standard input" if isinstance(source, bytes) else str(source)
