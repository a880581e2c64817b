"""The binary archive of CIFAR-10: a label byte, then 32x32 red, green and blue bytes, 10,000 times a file.

The archive is read member by member, never unpacked to disk, and the pickled edition is not read at all.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.catalog import NamedSet
from imagewise.data.dataset import Dataset, Split, SplitName, concatenate
from imagewise.data.sources.unpacking import UNPACK_ERRORS
from imagewise.data.splits import complete_splits
from imagewise.data.splitting import content_hashes
from imagewise.errors import DataError
from imagewise.framing.framing import Framing

ARCHIVE = "cifar-10-binary.tar.gz"
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_SIDE, _CHANNELS = 32, 3
_RECORD = 1 + _CHANNELS * _SIDE * _SIDE


def locate(folder: Path) -> Path | None:
    """The archive in the folder, or the folder of its unpacked files. None where there is neither."""
    if (folder / ARCHIVE).is_file():
        return folder / ARCHIVE
    unpacked = (folder, folder / "cifar-10-batches-bin")
    return next((path for path in unpacked if (path / "test_batch.bin").is_file()), None)


def load_cifar(entry: NamedSet, folder: Path, framing: Framing | None = None) -> Dataset:
    """CIFAR-10 from the archive or its unpacked files; validation from train by content.

    Raises:
        DataError: damaged or incomplete; or the framing has another shape.
    """
    path = locate(folder)
    if path is None:
        raise DataError(f"{folder}: {ARCHIVE} is missing. Fetch it with: imagewise data fetch {entry.name}")
    files = {name: _records(path / name, content, len(entry.class_names)) for name, content in _contents(path)}
    given: dict[SplitName, Split] = {
        "train": concatenate([files[name] for name in _TRAIN]),
        "test": concatenate([files[name] for name in _TEST]),
    }
    framing, _ = framing_of_arrays(entry.name, given["train"].images, framing or entry.framing)
    splits, rule = complete_splits(given, lambda: content_hashes(given["train"].images))
    return Dataset(entry.name, entry.class_names, splits, framing, rule)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each of the six files by its bare name, wherever in the archive it lies."""
    missing = {*_TRAIN, *_TEST}
    try:
        if path.is_dir():
            for name in (*_TRAIN, *_TEST):
                yield name, (path / name).read_bytes()
            return
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name).name
                if name in missing and member.isfile():
                    content = archive.extractfile(member)
                    assert content is not None  # it is a file
                    missing.remove(name)
                    yield name, content.read()
    except (*UNPACK_ERRORS, tarfile.TarError) as error:
        raise DataError(f"{path}: cannot be read, damaged or cut ({error}). {_remedy(path)}") from error
    if missing:
        raise DataError(f"{path}: {', '.join(sorted(missing))} is not inside. {_remedy(path)}")


def _records(where: Path, content: bytes, classes: int) -> Split:
    if not content or len(content) % _RECORD:
        raise DataError(f"{where}: {len(content)} bytes are no multiple of {_RECORD}, cut off. {_remedy(where)}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= classes:
        raise DataError(f"{where}: a label is outside 0..{classes - 1}: not CIFAR-10. {_remedy(where)}")
    planes = records[:, 1:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return Split(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)


def _remedy(path: Path) -> str:
    return f"Remove {path.name} and fetch it again with: imagewise data fetch cifar10"
