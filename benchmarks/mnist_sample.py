"""Make the sample of MNIST that ships: `python benchmarks/mnist_sample.py`. Needs MNIST.

Takes, of each class, the first 500 of the 55,000 pictures of train, the first 50 of the 5,000 of validation and the
first 100 of test, in MNIST's order. The file is the same each time for one version of NumPy and zlib.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import write_atomically
from imagewise.data.dataset import Dataset, SplitName
from imagewise.data.loading import load_data
from imagewise.data.sources.mnist_sample import sample_file

A_CLASS: dict[SplitName, int] = {"train": 500, "validation": 50, "test": 100}
LARGEST = 1_500_000  # bytes


def first_of_each(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Indices of the first `count` pictures of each class, ascending."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]))


def sample(mnist: Dataset) -> dict[str, NDArray[np.uint8]]:
    """Arrays of the file: `x_train` (5000, 28, 28), `y_train` (5000,) and the like of the other splits."""
    arrays = {}
    for name, count in A_CLASS.items():
        split = mnist[name]
        chosen = first_of_each(split.labels, count)
        arrays[f"x_{name}"] = split.images[chosen, :, :, 0]
        arrays[f"y_{name}"] = split.labels[chosen].astype(np.uint8)
    return arrays


def packed(arrays: dict[str, NDArray[np.uint8]]) -> bytes:
    """The arrays as an `.npz` file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub takes any array for allow_pickle
    return file.getvalue()


def main() -> None:
    content = packed(sample(load_data("mnist")))
    assert len(content) <= LARGEST, len(content)
    write_atomically(sample_file(), content)
    print(f"{sample_file()}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
