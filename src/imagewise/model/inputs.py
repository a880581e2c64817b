"""What people hand over as pictures: files, bytes, Pillow images, arrays and tensors, alone or many at once.

Nothing here imports a framework or pandas: a tensor is whatever has `__array__`, a column whatever can be iterated.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imagewise.data.dataset import Dataset, Sample, Split
from imagewise.errors import PictureError, is_address, not_downloaded
from imagewise.framing.decoding import PictureSource, Pixels
from imagewise.framing.file_kinds import describe_left_out, is_shown, kind_of, readable_suffixes
from imagewise.framing.framing import Framing, frame, frame_file
from imagewise.framing.levels import to_levels
from imagewise.naming import NaturalKey, natural_key

ACCEPTED = (
    "A picture is a path, the bytes of a file, an open binary file, a Pillow image, or an array or tensor of "
    "(height, width), (height, width, 1), (height, width, 3) or (height, width, 4)"
)
_CHANNELS = (1, 3, 4)

Picture = PictureSource | NDArray[Any]


@dataclass(frozen=True)
class Given:
    """What a user handed over.

    Attributes:
        pictures: one after the other; a generator is read as they are asked for.
        several: a list or the like, which is answered by a list, even if it holds one picture.
    """

    pictures: Iterable[Any]
    several: bool


def pictures_given(value: Any, shape: tuple[int, int, int]) -> Given:
    """The pictures in what a user handed over to a model of pictures (H, W, C).

    Raises:
        TypeError: neither a picture nor pictures; says what is.
        ValueError: an array whose axes or values have no clear meaning.
        PictureError: a folder without pictures.
    """
    if isinstance(value, str | os.PathLike):
        path = Path(value)
        if str(value) and is_folder(path) and (found := pictures_below(path)):
            return Given(found, True)
        return Given([value], False)
    if isinstance(value, Sample):
        return Given([value.image], False)
    if isinstance(value, Split):
        return Given(value.images, True)
    if _is_picture(value):
        return Given([value], False)
    if _is_table(value):
        columns = ", ".join(map(repr, list(value.columns)[:5]))
        raise TypeError(f"a table is not a picture. Pass the column that holds the files; the table has {columns}.")
    if isinstance(value, Dataset):
        raise TypeError(
            f"a Dataset is not a picture. Pass one of its splits, as in data[{next(iter(value.splits))!r}]."
        )
    if _is_array(value):
        array, first = as_array(value), channels_first(value)
        if array.dtype.kind in "OUST":
            return Given(array.ravel().tolist(), True)
        return _given_array(array, shape, first)
    if isinstance(value, list | tuple) and _are_numbers(value):
        try:
            return _given_array(np.asarray(value), shape, None)
        except ValueError as error:
            raise TypeError(
                f"lists of numbers that are no array ({error}). {ACCEPTED}, or several of these."
            ) from error
    if value is None or isinstance(value, Mapping | bool | int | float | complex) or not isinstance(value, Iterable):
        raise TypeError(f"{_describe(value)} is not a picture. {ACCEPTED}, or several of these.")
    return Given(value, True)


def framed(picture: Any, framing: Framing) -> Pixels:
    """One picture, brought to the framing's shape. An array that has this shape is taken as it is.

    Raises:
        PictureError: it cannot be read.
        TypeError, ValueError: it is no picture; as `pictures_given`.
    """
    if isinstance(picture, Sample):
        picture = picture.image
    if isinstance(picture, str | os.PathLike) and is_address(text := str(picture)):
        raise PictureError(text if len(text) < 100 else f"{text[:100]}...", *not_downloaded("picture"))
    if isinstance(picture, str) and not picture:
        raise PictureError("''", "an empty name, not a file", "Check the path.")
    if isinstance(picture, os.PathLike):
        return frame_file(picture if isinstance(picture, Path) else Path(picture), framing)
    if isinstance(picture, bytearray | memoryview):
        return frame_file(bytes(picture), framing)
    if _is_picture(picture):
        return frame_file(picture, framing)
    if _is_array(picture):
        array, first = as_array(picture), channels_first(picture)
    elif isinstance(picture, list | tuple) and _are_numbers(picture):
        array, first = np.asarray(picture), None
    else:
        raise TypeError(f"{_describe(picture)} is not a picture. {ACCEPTED}.")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of {array.dtype} is not a picture. {ACCEPTED}.")
    if array.ndim == 3 and array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
        return _framed_array(np.moveaxis(array, 0, 2), framing)  # one is wanted, so this is no batch
    given = _given_array(array, framing.shape, first)
    if given.several and len(array) != 1:
        raise ValueError(f"an array of shape {array.shape} is several pictures, where one is wanted.")
    (array,) = given.pictures
    return _framed_array(array, framing)


def _framed_array(array: NDArray[Any], framing: Framing) -> Pixels:
    """One picture (H, W, C), or (H, W), of levels 0..255."""
    pixels = to_levels(array)
    if pixels.shape == framing.shape:
        return pixels
    if pixels.shape == framing.shape[:2] and framing.channels == 1:
        return pixels[..., None]
    return frame(Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels), framing)


def _given_array(array: NDArray[Any], shape: tuple[int, int, int], first: bool | None) -> Given:
    """One picture or several, channels last, with levels by one rule for all.

    Args:
        array: numbers.
        shape: (H, W, C) of the model.
        first: channels come first (PyTorch) or last (TensorFlow) by convention; None if there is no convention.
    """
    if 0 in array.shape[1:]:
        raise ValueError(f"an array of shape {array.shape} holds no pixel. {ACCEPTED}.")
    match array.ndim:
        case 2:
            return Given([to_levels(array)], False)
        case 3:
            return _of_three_axes(to_levels(array), shape, first)
        case 4 if array.shape[3] in _CHANNELS:
            return Given(to_levels(array), True)
        case 4 if array.shape[1] in _CHANNELS:
            return Given(np.moveaxis(to_levels(array), 1, 3), True)
    raise ValueError(f"an array of shape {array.shape} is not a picture. {ACCEPTED}; or (N, ...) for several.")


def _of_three_axes(array: NDArray[np.uint8], shape: tuple[int, int, int], first: bool | None) -> Given:
    """(H, W, C), (C, H, W) or (N, H, W), where that is clear."""
    count, height, width = array.shape
    if width in _CHANNELS and not (first and count in _CHANNELS):
        return Given([array], False)
    of_the_model = shape[2] == 1 and (height, width) == shape[:2]
    if count not in _CHANNELS:
        return Given(array, True)
    if first and not (of_the_model and count > 1):
        return Given([np.moveaxis(array, 0, 2)], False)
    if not first and (count == 1 or of_the_model):
        return Given(array, True)
    if first is None and shape[2] == 3 and count == 3:
        return Given([np.moveaxis(array, 0, 2)], False)
    raise ValueError(
        f"an array of shape {array.shape} may be {count} grey pictures, or one with its channels first. Pass "
        "list(array) for pictures, or array.transpose(1, 2, 0) for one."
    )


def as_array(value: Any) -> NDArray[Any]:
    """The NumPy array of an array or tensor; a tensor is taken off its graph and its GPU.

    Raises:
        TypeError: it gives no array.
    """
    for method in ("detach", "cpu"):  # PyTorch's
        if callable(getattr(value, method, None)):
            value = getattr(value, method)()
    try:
        array = np.asarray(value)
    except Exception as error:
        raise TypeError(f"{type(value).__name__} gives no array ({error}). Pass a NumPy array.") from error
    if array.dtype.kind == "V" or array.dtype.name == "bfloat16":  # ml_dtypes
        array = array.astype(np.float32)
    return array


def channels_first(value: Any) -> bool | None:
    """Whether arrays of this kind have their channels first, by convention: PyTorch's tensors do."""
    return True if type(value).__module__.partition(".")[0] == "torch" else None


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; a name that is too long names none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def pictures_below(folder: Path, on_left_out: Callable[[str], None] | None = None) -> list[Path]:
    """The picture files at any depth below a folder, in natural order of path, hidden ones left out.

    `on_left_out` receives a line with the kinds of files that are not read.
    """
    readable = readable_suffixes()
    found, left_out = [], Counter[str]()
    for file in folder.rglob("*"):
        if not all(map(is_shown, file.relative_to(folder).parts)) or not file.is_file():
            continue
        if file.suffix.lower() in readable:
            found.append(file)
        else:
            left_out[kind_of(file.name)] += 1
    if left_out and on_left_out is not None:
        on_left_out(f"{folder}: {describe_left_out(left_out)}")
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[NaturalKey]:
    return [natural_key(part) for part in path.parts]


def name_of(picture: Any) -> str | None:
    """The path of a picture that is a file."""
    return str(picture) if isinstance(picture, str | os.PathLike) else None


def chunks(pictures: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """`pictures` in lists of `size`, the last perhaps shorter."""
    chunk: list[Any] = []
    for picture in pictures:
        chunk.append(picture)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_picture(value: Any) -> TypeGuard[PictureSource]:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
    return isinstance(value, kinds) or callable(getattr(value, "read", None))


def _is_array(value: Any) -> bool:
    return not isinstance(value, type) and (hasattr(value, "__array__") or hasattr(value, "__array_interface__"))


def _is_table(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "__getitem__")


def _are_numbers(value: Any) -> bool:
    """Nested lists of numbers, by the first of each."""
    depth = 0
    while isinstance(value, list | tuple) and value and depth < 5:
        value, depth = value[0], depth + 1
    return depth > 0 and isinstance(value, bool | int | float | np.number)


def _describe(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
