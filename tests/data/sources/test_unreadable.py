"""Files that are not opened: what they are is said, and the line to type works."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagewise.data.loading import load_data
from imagewise.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 784), dtype=np.uint8)
LABELS = np.arange(60) % 3


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def follow(message: str) -> Path:
    """Type the lines of a message; the file that the last of them names."""
    python, train = (line.strip() for line in message.splitlines()[-2:])
    assert python.startswith('python -c "')
    subprocess.run([sys.executable, "-c", python.removeprefix('python -c "').removesuffix('"')], check=True, timeout=60)
    return Path(train.removeprefix("imagewise train "))


@pytest.mark.parametrize("splits", [2, 3])
@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("mnist.pkl.gz", gzip.compress),
        ("mnist.pkl", bytes),
        ("Fashion-MNIST.pickle.xz", lzma.compress),
        ("kmnist.p.bz2", bz2.compress),
    ],
)
def test_a_pickle_of_mnist_is_not_opened_and_the_lines_convert_it(
    tmp_path: Path, name: str, packed: Any, splits: int
) -> None:
    sizes = {2: (40, 20), 3: (30, 20, 10)}[splits]
    parts = np.split(np.arange(60), np.cumsum(sizes)[:-1])
    content = tuple(((PIXELS[part] / 256).astype(np.float32), LABELS[part]) for part in parts)
    (tmp_path / name).write_bytes(packed(pickle.dumps(content)))
    said = refusal(tmp_path / name)
    wanted = {"m": "mnist", "f": "fashion-mnist", "k": "kmnist"}[name[0].lower()]
    assert f"imagewise train {wanted}\n" in said
    data = load_data(follow(said))
    assert len(data["test"]) == sizes[-1]
    assert data.shape == (28, 28, 1)
    if splits == 3:
        assert [len(split) for split in data.splits.values()] == list(sizes)


@pytest.mark.parametrize("name", ["train.p", "set.pkl", "data.joblib", "signs.pickle.gz", "unknown.gz"])
def test_other_pickles_are_called_so(tmp_path: Path, name: str) -> None:
    content = pickle.dumps({"features": PIXELS})
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    said = refusal(tmp_path / name)
    assert "never opened" in said
    assert "savez_compressed" in said


@pytest.mark.parametrize("wrapped", [True, False])
def test_cifar_10_for_python_is_the_named_set(tmp_path: Path, wrapped: bool) -> None:
    folder = tmp_path / "cifar" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"):
        (folder / name).write_bytes(pickle.dumps({}))
    (folder / "readme.html").touch()
    with pytest.raises(DataError, match=r"cifar-10-batches-py: .*never opened.*imagewise train cifar10"):
        load_data(folder.parent if wrapped else folder)


def test_cifar_100_for_python_is_converted_by_the_lines(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    planes = np.random.default_rng(1).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    for name in ("train", "test"):
        content = {b"data": planes.reshape(40, -1), b"fine_labels": [0, 1] * 20}
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": [b"apple", b"bear"]}))
    data = load_data(follow(refusal(folder)))
    assert (data.class_names, data.shape) == (("apple", "bear"), (32, 32, 3))
    assert np.array_equal(data["test"].images, planes.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("name", ["train_32x32.mat", "usps.h5", "X.hdf5", "mnist.pt", "set.tfrecord", "labels.xlsx"])
def test_files_of_other_programs_are_called_what_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    assert "Save" in refusal(tmp_path / name) or "save" in refusal(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b cut", gzip.compress(b"text", mtime=0)])
def test_other_packed_files_are_still_packed_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.gz").write_bytes(content)
    assert "a packed file. Unpack it" in refusal(tmp_path / "set.gz")


@pytest.mark.parametrize("names", [("train.p", "valid.p"), ("mnist.pkl.gz",), ("train_32x32.mat", "readme.txt")])
def test_a_folder_that_holds_only_such_files_is_refused_by_the_first(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"something")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / names[0]))):
        load_data(tmp_path)
