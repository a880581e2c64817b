"""The readers of a network that the contract holds together: PyTorch, the model file, and Keras in its own process."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from contract import Reader
from imagewise.data.dataset import Split
from imagewise.model.onnx_writer import build_graph
from imagewise.model.session import Session
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.pytorch.batches import Batches
from imagewise.training.engines.pytorch.module import build_module, load_weights
from keras_process import ask


def pytorch_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits as the engine computes them, with its normalisation and memory format."""
    module = build_module(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_weights(module, weights)
    split = Split(images, np.zeros(len(images), dtype=np.int64))
    with torch.inference_mode():
        logits: NDArray[np.float32] = module.eval()(Batches(split, network, torch.device("cpu")).all()).numpy()
    return logits


def file_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits as a user of the model file gets them."""
    return Session(build_graph(network, weights).SerializeToString(), "a model").run(images)[1]


def keras_logits(network: Network, weights: Weights, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits from a process of its own."""
    logits: NDArray[np.float32] = ask("tensorflow_answers", "logits", network, weights, images)
    return logits


READERS: dict[str, Reader] = {"pytorch": pytorch_logits, "model file": file_logits, "keras": keras_logits}
