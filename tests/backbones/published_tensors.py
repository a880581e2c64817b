"""Tensors as a published file of a backbone has them, drawn at random."""

from __future__ import annotations

import numpy as np

from imagewise.backbones.catalog import Entry
from imagewise.backbones.families import build_layers, module_names
from imagewise.networks.layers import weight_shapes


def published_tensors(entry: Entry) -> dict[str, np.ndarray]:
    """Random tensors by the names and with the shapes of the published file."""
    rng = np.random.default_rng(0)
    shapes = list(weight_shapes(build_layers(entry, entry.side), (3, entry.side, entry.side)))
    owners = list(dict.fromkeys(name.rpartition(".")[0] for name, _, _ in shapes))
    published = dict(zip(owners, module_names()[entry.family, entry.names](), strict=True))
    tensors = {}
    for name, _, shape in shapes:
        owner, _, part = name.rpartition(".")
        low = 0.5 if part == "running_var" else -0.1
        tensors[f"{published[owner]}.{part}"] = rng.uniform(low, 1 if low > 0 else 0.1, shape).astype(np.float32)
    return tensors
