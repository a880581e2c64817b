"""`mnist-sample`: 6,500 pictures of MNIST in a file of this package, for machines where MNIST cannot be downloaded.

The first pictures of each class: 500 of train, 50 of validation, 100 of test. `benchmarks/mnist_sample.py` makes the
file; mnist-sample-attribution.txt names the authors and the licence.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imagewise.data.auto_framing import framing_of_arrays
from imagewise.data.catalog import NamedSet, bundled_folder
from imagewise.data.dataset import Dataset
from imagewise.data.sources.arrays import load_arrays
from imagewise.errors import DataError
from imagewise.framing.framing import Framing


def sample_file() -> Path:
    """The `.npz` of pictures and labels."""
    return bundled_folder() / "mnist-sample.npz"


def load_mnist_sample(entry: NamedSet, framing: Framing | None = None) -> Dataset:
    """The sample as a data set, with MNIST's own splits.

    Raises:
        DataError: the file is missing or damaged; or `framing` has another shape than the catalog's.
    """
    try:
        data = load_arrays(sample_file(), entry.framing)
    except (DataError, OSError) as error:
        raise DataError(f"{sample_file()}: missing or damaged. Install imagewise again.") from error
    framing, _ = framing_of_arrays(entry.name, data["train"].images, framing or entry.framing)
    return replace(data, name=entry.name, class_names=entry.class_names, framing=framing)
