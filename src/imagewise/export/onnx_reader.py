"""A model file as layers and weights again, so that it can be written in another format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imagewise.errors import ModelError, NetworkError
from imagewise.model.half import as_single
from imagewise.model.model import Model
from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.network import Network, Weights


def read_content(file: Path) -> bytes:
    """The bytes of a model file. Raises ModelError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}. Check the path.") from error


def read_network(file: Path, model: Model) -> tuple[Network, Weights]:
    """The network as its graph computes it, with batch normalisation folded away, and its canonical weights.

    Args:
        file: the model file.
        model: the same file, opened.

    Raises:
        ModelError: the file cannot be read, or its graph is not the one that its card describes (as after `onnx-int8`).
    """
    import onnx
    from onnx import numpy_helper

    content = read_content(file)
    if not model.card.network and model.card.backbone is not None:
        raise ModelError(
            f"{file}: its layers are those of an ONNX file, {model.card.backbone.name}, which imagewise cannot write "
            "in another format. Export it with --to onnx-int8 or --to web, or train on a backbone of the catalog."
        )
    try:
        described = Network.from_dict(model.card.network)
        empty = {name: np.zeros(shape, dtype=np.float32) for name, shape in described.weight_shapes().items()}
        network, _ = fold_batch_norm(described, empty)
    except NetworkError as error:
        raise ModelError(f"{file}: its card does not describe its network: {error} Train or copy it again.") from error
    held = {value.name: value for value in as_single(onnx.load_from_string(content)).graph.initializer}
    wanted = network.weight_shapes()
    if not wanted.keys() <= held.keys():
        raise ModelError(f"{file}: does not hold its trained weights (an int8 export?). Export the original model.")
    weights = {name: numpy_helper.to_array(held[name]) for name in wanted}
    network.check_weights(weights)
    return network, weights
