"""The network of a run for the other predictors: as a Keras file and as PyTorch weights.

    python -m benchmarks.same_network RUN_FOLDER OUT

What is in model.onnx: batch normalisation folded, Dropout gone. Writes network.json, weights.safetensors, model.keras.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from imagewise.networks.folding import fold_batch_norm
from imagewise.networks.layers import Dropout
from imagewise.networks.network import Network, Weights
from imagewise.training.checkpoint import Checkpoint


def inference_network(folder: Path) -> tuple[Network, Weights]:
    """Of a run that kept its last epoch, so that the checkpoint holds the model's weights."""
    network = Network.from_dict(json.loads((folder / "run.json").read_text())["network"])
    weights = Checkpoint.read(folder / "checkpoint.safetensors").under("weights.")
    return _without_dropout(*fold_batch_norm(network, weights))


def _without_dropout(network: Network, weights: Weights) -> tuple[Network, Weights]:
    kept = [number for number, layer in enumerate(network.layers) if not isinstance(layer, Dropout)]
    moved = {str(old): str(new) for new, old in enumerate(kept)}
    names = {name: ".".join([moved[name.split(".")[0]], *name.split(".")[1:]]) for name in weights}
    layers = tuple(network.layers[number] for number in kept)
    return replace(network, layers=layers), {names[name]: value for name, value in weights.items()}


def main(folder: Path, out: Path) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from safetensors.numpy import save_file

    from imagewise.training.engines.tensorflow.framework import keras
    from imagewise.training.engines.tensorflow.reader import KerasNetwork

    network, weights = inference_network(folder)
    (out / "network.json").write_text(json.dumps(network.as_dict()))
    save_file(weights, out / "weights.safetensors")
    reader = KerasNetwork(network)
    reader.load(weights)
    probabilities = keras.layers.Softmax()(reader.model.output)
    keras.Model(reader.model.input, probabilities).save(out / "model.keras")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
