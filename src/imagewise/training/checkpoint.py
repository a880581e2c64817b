"""A checkpoint: arrays and JSON in one safetensors file, never a pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import write_atomically
from imagewise.errors import ModelError

FORMAT = "imagewise.checkpoint.1"  # in the files of users: it does not follow the module when that moves


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to resume a run.

    Attributes:
        arrays: weights, optimiser state and the best weights so far, by name.
        state: plain JSON values: see `engines.tracker.TrackerState`.
    """

    arrays: dict[str, NDArray[Any]]
    state: dict[str, Any]

    def under(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays whose names begin with `prefix`, without it."""
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}

    def write(self, path: Path) -> None:
        """Write to `path`, whole or not at all. Raises OutputError."""
        from safetensors.numpy import save

        arrays = {name: np.asarray(array, order="C") for name, array in self.arrays.items()}
        write_atomically(path, save(arrays, metadata={FORMAT: json.dumps(self.state)}))

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read what `write` wrote. Raises ModelError where it is missing, damaged or not ours."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                state = json.loads((file.metadata() or {})[FORMAT])
                return cls({name: file.get_tensor(name) for name in file.keys()}, state)  # noqa: SIM118
        except FileNotFoundError as error:
            raise ModelError(f"{path}: no checkpoint, so the run cannot be resumed; start a new run.") from error
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(
                f"{path}: not a checkpoint of imagewise, or damaged ({error}); start a new run."
            ) from error
