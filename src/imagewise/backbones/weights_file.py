"""A file of weights, whatever its format: its tensors, checked, as float32; writing one; what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import write_atomically
from imagewise.backbones.formats.pickled import read_pickled
from imagewise.backbones.formats.safetensors_file import read_header, read_safetensors, refuse_other_kind
from imagewise.backbones.formats.stored import UnreadableError, shown
from imagewise.errors import ModelError

_COUNTERS = "num_batches_tracked"  # of batch normalisation, int64: nothing that a trained network needs


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors of a .safetensors or .pth file by their published names, but the counters of batch normalisation.

    float16 and bfloat16 are widened, float64 is rounded. Nothing in the file is executed. Whether names and shapes are
    those of a backbone is not checked here.

    Raises:
        ModelError: the file is missing, of another kind, cut or damaged, or holds no weights; or a tensor is not of
            floating point, or has a NaN or an infinity.
    """
    try:
        with path.open("rb") as file:
            tensors = read_pickled(file) if path.suffix == ".pth" else read_safetensors(file)
        weights = {name: _checked(name, each) for name, each in tensors.items() if not name.endswith(_COUNTERS)}
        if not weights:
            raise UnreadableError("it holds no weights")
        return weights
    except UnreadableError as error:
        raise ModelError(f"{path}: {error}. {remedy(path)}") from error
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror or error}). Check that it is there and that you may read it."
        ) from error


def write_weights(path: Path, weights: Mapping[str, NDArray[np.float32]], source_sha256: str) -> None:
    """Write a safetensors file, whole or not at all.

    Args:
        source_sha256: of the file that the weights came from, kept in the header.

    Raises:
        OutputError: it cannot be written; nothing is left of it.
    """
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    write_atomically(path, save(arrays, metadata={"source_sha256": source_sha256}))


def fault(path: Path, name: str) -> str | None:
    """What is wrong with a file at first sight: another kind than `name` says, cut, or too long. None for nothing."""
    try:
        with path.open("rb") as file:
            if not name.endswith(".pth"):
                read_header(file)
            elif (start := file.read(32))[:4] != b"PK\x03\x04" and start[:1] != b"\x80":
                refuse_other_kind(start)
                return "it is not a file that torch.save wrote"
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return None


def remedy(path: Path) -> str:
    """What to do about a file that is not as it should be."""
    return f"Remove {path.name}: imagewise downloads it when it is next needed, or put a whole copy in its place."


def _checked(name: str, tensor: NDArray[Any]) -> NDArray[np.float32]:
    if tensor.dtype != np.float32:
        raise UnreadableError(f"the tensor {shown(name)} has numbers of type {tensor.dtype}, not of floating point")
    if not np.isfinite(tensor).all():
        raise UnreadableError(f"the tensor {shown(name)} has numbers that are not finite (NaN or infinite)")
    return tensor
