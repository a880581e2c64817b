"""Files that people have of pictures and that imagewise does not open: what they are, and the line to type instead."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from pathlib import Path
from typing import IO, cast

from imagewise.errors import DataError

_PICKLES = (".pkl", ".pickle", ".pck", ".pk", ".p", ".joblib")
_PROTOCOLS = tuple(bytes([0x80, number]) for number in range(2, 6))  # what a binary pickle begins with
_PACKINGS = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
_MNIST = re.compile(r"(?P<which>fashion|kuzushiji|k)?[-_ ]?mnist", re.IGNORECASE)
_SETS = {"fashion": "fashion-mnist", "kuzushiji": "kmnist", "k": "kmnist"}
_OTHERS = {
    ".mat": ("a file of MATLAB", "scipy.io.loadmat"),
    ".h5": ("an HDF5 file", "h5py.File"),
    ".hdf5": ("an HDF5 file", "h5py.File"),
    ".pt": ("a file of PyTorch, which could run code", "torch.load"),
    ".pth": ("a file of PyTorch, which could run code", "torch.load"),
    ".tfrecord": ("a file of TensorFlow", "tensorflow.data.TFRecordDataset"),
    ".tfrecords": ("a file of TensorFlow", "tensorflow.data.TFRecordDataset"),
}
_WORKBOOKS = (".xlsx", ".xls", ".ods")
_SAVE = "numpy.savez_compressed('set.npz', x_train=..., y_train=..., x_test=..., y_test=...)"


def refuse_unreadable(path: Path) -> None:
    """Raise DataError about a file of a known kind that is not opened: a pickle, a file of another program."""
    suffix = path.suffix.lower()
    if _is_pickle(path):
        raise DataError(_about_pickle(path))
    if suffix == ".npy":
        raise DataError(
            f"{path}: a single array. If its folder holds a .npy file for each class, or x_train.npy and y_train.npy, "
            f"name the folder: {path.parent}"
        )
    if suffix in _OTHERS:
        what, reader = _OTHERS[suffix]
        raise DataError(
            f"{path}: {what}. Read it in Python with {reader}, save its arrays with {_SAVE}, and name set.npz."
        )
    if suffix in _WORKBOOKS:
        raise DataError(f"{path}: a workbook. Save its sheet of files and labels as CSV, and name that file.")


def refuse_unreadable_folder(folder: Path) -> None:
    """Raise DataError about a folder that holds CIFAR's edition for Python, which is pickles."""
    if (folder / "data_batch_1").is_file() and (folder / "test_batch").is_file():
        raise DataError(
            f"{folder}: CIFAR-10's edition for Python: pickles, which could run code and are never opened. For the "
            "same pictures, type: imagewise train cifar10"
        )
    if all(_begins_as_pickle(folder / name) for name in ("train", "test", "meta")):
        raise DataError(_about_cifar_100(folder))


def _about_pickle(path: Path) -> str:
    said = f"{path}: a pickle, which could run code and is never opened."
    match = _MNIST.search(path.name)
    if match is None:
        return (
            f"{said} If you trust it, read it in Python with pickle.load, save its arrays with {_SAVE}, and name "
            "set.npz."
        )
    named = _SETS.get((match["which"] or "").lower(), "mnist")
    target = path.parent / f"{path.name.partition('.')[0]}.npz"
    packing = _PACKINGS.get(path.suffix.lower())
    opening = f"{packing}.open" if packing else "open"
    code = (
        f"import pickle, numpy as np{f', {packing}' if packing else ''}; "
        f"sets = pickle.load({opening}({str(path)!r}, 'rb'), encoding='latin1'); "
        "names = ('train', 'test') if len(sets) == 2 else ('train', 'val', 'test'); "
        f"np.savez_compressed({str(target)!r}, **{{a + n: v for n, s in zip(names, sets) "
        "for a, v in zip(('x_', 'y_'), s)})"
    )
    return (
        f"{said} For the named set, type: imagewise train {named}\n"
        f"If you trust the file and want its own splits, convert it:\n{_line(code)}\n  imagewise train {target}"
    )


def _about_cifar_100(folder: Path) -> str:
    target = folder.parent / f"{folder.name}.npz"
    code = (
        "import pickle, numpy as np; "
        f"load = lambda name: pickle.load(open({str(folder)!r} + '/' + name, 'rb'), encoding='bytes'); "
        f"np.savez_compressed({str(target)!r}, class_names=[n.decode() for n in load('meta')[b'fine_label_names']], "
        "**{'x_' + n: load(n)[b'data'].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for n in ('train', 'test')}, "
        "**{'y_' + n: load(n)[b'fine_labels'] for n in ('train', 'test')})"
    )
    return (
        f"{folder}: CIFAR-100's edition for Python: pickles, which could run code and are never opened. If you trust "
        f"the files, convert them:\n{_line(code)}\n  imagewise train {target}"
    )


def _line(code: str) -> str:
    return f'  python -c "{code}"'


def _is_pickle(path: Path) -> bool:
    packing = path.suffix.lower() if path.suffix.lower() in _PACKINGS else ""
    inner = path.name.lower().removesuffix(packing)
    return inner.endswith(_PICKLES) or (packing != "" and _begins_as_pickle(path))


def _begins_as_pickle(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with _open(path) as file:
            return file.read(2) in _PROTOCOLS
    except (OSError, EOFError, lzma.LZMAError, ValueError):
        return False


def _open(path: Path) -> IO[bytes]:
    match path.suffix.lower():
        case ".gz":
            return cast(IO[bytes], gzip.open(path))
        case ".bz2":
            return bz2.open(path)
        case ".xz":
            return lzma.open(path)
        case _:
            return path.open("rb")
