"""The tensors of a .pth file that torch.save wrote, in both of its formats. No code of its pickles is run.

The formats are those of `torch/serialization.py`: since PyTorch 1.6 a zip archive of a pickle (data.pkl) and a file for
each storage; before, five pickles (magic number, version, system, the object, names of storages), then the storages.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.formats.restricted_pickle import Call, Global, Persistent, read_pickle
from imagewise.backbones.formats.stored import (
    MOST_BYTES,
    UnreadableError,
    count_of,
    item_bytes,
    left,
    shown,
    take_numbers,
)

MOST_PICKLE = 4_000_000  # bytes; that of MobileNetV2 has 47,000
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_TENSOR = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
_PARAMETER = "torch._utils._rebuild_parameter"
_STORAGES = {
    "torch.HalfStorage": "float16",
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_ZIP_ERRORS = (  # of a damaged archive; RuntimeError: an encrypted one
    zipfile.BadZipFile,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
    struct.error,
)
_ALLOWED = (*_TENSOR, _PARAMETER, *_STORAGES)


@dataclass(frozen=True)
class _Storage:
    """Numbers that tensors look at: their name in the file, kind and count."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A part of a storage; offset and strides in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_pickled(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """All tensors by name: float32 where they are of floating point, integers as stored. Each has its own memory.

    Raises:
        UnreadableError: it is no such file, is cut or damaged, or its pickle holds more than tensors by name.
    """
    if left(file) > MOST_BYTES:
        raise UnreadableError(f"it has {left(file):,} bytes; imagewise reads weights of up to {MOST_BYTES:,}")
    start = file.read(4)
    file.seek(0)
    return _read_zip(file) if start == b"PK\x03\x04" else _read_legacy(file)


def _read_zip(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.partition("/")[2]: member for member in archive.infolist()}

            def content(name: str, most: int) -> IO[bytes]:
                member = members.get(name)
                if member is None or member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
                    raise UnreadableError(f"its part {shown(name)} is missing, packed or too large")
                return io.BytesIO(archive.read(member))

            if "byteorder" in members and content("byteorder", 10).read() != b"little":
                raise UnreadableError("it is of a machine with another order of bytes")
            tensors = _tensors(read_pickle(content("data.pkl", MOST_PICKLE), _ALLOWED))
            numbers = {}
            for key, storage in _storages(tensors, file).items():
                stored = content(f"data/{key}", storage.count * item_bytes(storage.kind))
                numbers[key] = take_numbers(stored, storage.kind, storage.count)
            return _arrays(tensors, numbers)
    except UnreadableError:
        raise
    except _ZIP_ERRORS as error:
        raise UnreadableError(f"it is cut or damaged ({error})") from error


def _read_legacy(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    pickles = io.BytesIO(file.read(MOST_PICKLE))
    try:
        magic, version = read_pickle(pickles, ()), read_pickle(pickles, ())
    except UnreadableError:
        magic = version = None
    if (magic, version) != (_MAGIC, _VERSION):
        raise UnreadableError("it is not a file that torch.save wrote")
    system = read_pickle(pickles, ())
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise UnreadableError("it is of a machine with another order of bytes")
    tensors = _tensors(read_pickle(pickles, _ALLOWED))
    storages = _storages(tensors, file)
    keys = read_pickle(pickles, ())
    if not isinstance(keys, list) or not all(type(key) is str for key in keys) or storages.keys() != set(keys):
        raise UnreadableError("its numbers are not those of its tensors")
    file.seek(pickles.tell())
    numbers = {}
    for key in keys:
        storage = storages[key]
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise UnreadableError("it is cut or damaged: a tensor has another size than its numbers")
        numbers[key] = take_numbers(file, storage.kind, storage.count)
    return _arrays(tensors, numbers)


def _tensors(value: Any) -> dict[str, _Tensor]:
    if not isinstance(value, dict) or not all(isinstance(each, Call) for each in value.values()):
        raise UnreadableError("it is not a table of tensors (a state_dict)")
    return {name: _tensor(name, call) for name, call in value.items()}


def _tensor(name: str, call: Call) -> _Tensor:
    match call:
        case Call(rebuild, (Call() as inner, *_)) if rebuild == _PARAMETER:
            call = inner
    match call:
        case Call(
            rebuild,
            (
                Persistent(("storage", Global(kind), str(key), _, int(count), *view)),
                int(offset),
                tuple(shape),
                tuple(strides),
                *_,
            ),
        ) if rebuild in _TENSOR and kind in _STORAGES and view in ([], [None]):
            tensor = _Tensor(_Storage(key, _STORAGES[kind], count), offset, shape, strides)
        case _:
            raise UnreadableError(f"the tensor {shown(name)} is stored in a way that imagewise does not read")
    _check_bounds(name, tensor)
    return tensor


def _check_bounds(name: str, tensor: _Tensor) -> None:
    """Raise UnreadableError for a tensor that reaches beyond its storage, or repeats numbers of it."""
    steps = (tensor.storage.count, tensor.offset, *tensor.strides)
    if not all(type(step) is int and step >= 0 for step in steps) or len(tensor.shape) != len(tensor.strides):
        raise UnreadableError(f"the tensor {shown(name)} is stored in a way that imagewise does not read")
    count = count_of(tensor.shape)
    last = tensor.offset + sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
    if last >= tensor.storage.count or count > tensor.storage.count:
        raise UnreadableError(f"the tensor {shown(name)} reaches beyond its numbers")


def _storages(tensors: Mapping[str, _Tensor], file: IO[bytes]) -> dict[str, _Storage]:
    """Each storage by its key. Raises UnreadableError if tensors do not agree on one, or there is too much of them."""
    file.seek(0)
    storages: dict[str, _Storage] = {}
    for name, tensor in tensors.items():
        if storages.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise UnreadableError(f"the tensor {shown(name)} shares its numbers with one of another type or size")
    if sum(each.count * item_bytes(each.kind) for each in storages.values()) > left(file):
        raise UnreadableError("it is cut: its tensors need more bytes than it has")
    if sum(4 * count_of(each.shape) for each in tensors.values()) > MOST_BYTES:  # they may share storages
        raise UnreadableError(f"its tensors have over {MOST_BYTES:,} bytes")
    return storages


def _arrays(tensors: Mapping[str, _Tensor], numbers: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, tensor in tensors.items():
        flat = numbers[tensor.storage.key][tensor.offset :]
        strides = [
            stride * flat.itemsize if n > 1 else 0 for n, stride in zip(tensor.shape, tensor.strides, strict=True)
        ]
        arrays[name] = np.array(np.lib.stride_tricks.as_strided(flat, tensor.shape, strides), order="C")
    return arrays
