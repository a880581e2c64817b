"""The tensors of a safetensors file (https://huggingface.co/docs/safetensors: the format), every byte accounted for.

Read here rather than by the `safetensors` package, which has no bfloat16 for NumPy and names no reason that a person
could use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from numpy.typing import NDArray

from imagewise.backbones.formats.stored import (
    MOST_BYTES,
    UnreadableError,
    count_of,
    item_bytes,
    left,
    shown,
    take_numbers,
)

MOST_HEADER = 4_000_000  # bytes; 10,000 tensors need 1 MB
_KINDS = {
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_OTHERS = (  # how files of other kinds begin that come under this name
    (b"PK\x03\x04", "a zip archive, as PyTorch writes"),
    (b"\x80", "a pickle, which could run code"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"version https://git-lfs", "a pointer of Git LFS, without the content"),
    (b"<", "a web page"),
    (b"{", "a message of a server (JSON)"),
)


class StoredTensor(NamedTuple):
    """A tensor in a file: the kind of its numbers (`stored.take_numbers`), its shape, and where its bytes begin."""

    kind: str
    shape: tuple[int, ...]
    begin: int


def read_safetensors(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """All tensors by name: float32 where they are of floating point, integers as stored.

    Raises:
        UnreadableError: it is no such file, is cut, or its header is not consistent with its content.
    """
    tensors = {}
    for name, (kind, shape, begin) in read_header(file).items():
        file.seek(begin)
        tensors[name] = take_numbers(file, kind, count_of(shape)).reshape(shape)
    return tensors


def read_header(file: IO[bytes]) -> dict[str, StoredTensor]:
    """Where each tensor is, of a file at its beginning: their bytes follow each other, to the end of the file.

    Raises:
        UnreadableError: as for `read_safetensors`.
    """
    size = left(file)
    if size > MOST_BYTES:
        raise UnreadableError(f"it has {size:,} bytes; imagewise reads weights of up to {MOST_BYTES:,}")
    start = file.read(32)
    refuse_other_kind(start)
    length = int.from_bytes(start[:8], "little")
    if len(start) < 10 or not 2 <= length <= MOST_HEADER or start[8:9] != b"{":
        raise UnreadableError("it is not a safetensors file")
    if 8 + length > size:
        raise UnreadableError(f"it is cut: {size:,} bytes, and its header alone has {length + 8:,}")
    file.seek(8)
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("its header is damaged") from error
    header.pop("__metadata__", None)
    return _placed(header, 8 + length, size)


def refuse_other_kind(start: bytes) -> None:
    """Raise UnreadableError if the first bytes are those of a web page, a pickle, or of another kind of file."""
    if not start:
        raise UnreadableError("it is empty")
    for signature, what in _OTHERS:
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(signature) and start[8:9] != b"{":
            raise UnreadableError(f"it is {what}, not a file of weights")


def _placed(header: Mapping[str, Any], begin: int, size: int) -> dict[str, StoredTensor]:
    ranges = {}
    placed = {}
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(first), int(last)]}:
                if dtype not in _KINDS:
                    raise UnreadableError(
                        f"the tensor {shown(name)} has numbers of type {shown(dtype)}, which imagewise lacks"
                    )
                kind = _KINDS[dtype]
                if last - first != count_of(tuple(shape)) * item_bytes(kind):
                    raise UnreadableError(
                        f"its header is damaged: the tensor {shown(name)} has another size than its shape"
                    )
                placed[name] = StoredTensor(kind, tuple(shape), begin + first)
                ranges[name] = (first, last)
            case _:
                raise UnreadableError("its header is damaged")
    end = 0
    for first, last in sorted(ranges.values()):
        if first != end:
            raise UnreadableError("its header is damaged: tensors overlap, or leave room between them")
        end = last
    if begin + end > size:
        raise UnreadableError(f"it is cut: {size:,} bytes of {begin + end:,}")
    if begin + end < size:
        raise UnreadableError(f"it has {size:,} bytes, and its header accounts for {begin + end:,}")
    return placed
