"""A trained network as a SavedModel or a LiteRT file: uint8 `pictures` in, `probabilities` and `logits` out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.export.checking import fewer_of_large
from imagewise.networks.network import Network, Weights
from imagewise.training.engines.tensorflow.framework import tf
from imagewise.training.engines.tensorflow.reader import KerasNetwork

BATCH = 100  # small pictures a call

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]


def _serving_module(network: Network, weights: Weights) -> Any:
    """A tf.Module whose function `serve` takes pictures; normalisation and softmax are inside."""
    reader = KerasNetwork(network)
    reader.load(weights)
    model = reader.model
    # constants, because LiteRT would keep variables as state and find them without values
    trained = [v.numpy() for v in model.trainable_variables]
    others = [v.numpy() for v in model.non_trainable_variables]

    def serve(pictures: Any) -> dict[str, Any]:
        pixels = tf.cast(pictures, tf.float32)
        constants = [[tf.constant(value) for value in values] for values in (trained, others)]
        logits, _ = model.stateless_call(*constants, pixels, training=False)
        return {"probabilities": tf.nn.softmax(logits), "logits": logits}

    signature = [tf.TensorSpec((None, *network.input_shape), tf.uint8, name="pictures")]
    module = tf.Module()
    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    return module


def write_saved_model(network: Network, weights: Weights, folder: Path) -> None:
    """Write a SavedModel folder, TensorFlow's own format, with one signature, `serving_default`."""
    module = _serving_module(network, weights)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def write_litert(network: Network, weights: Weights, file: Path) -> None:
    """Write a LiteRT file (formerly TensorFlow Lite), float32, which takes any number of pictures a call."""
    module = _serving_module(network, weights)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve.get_concrete_function()], module)
    file.write_bytes(converter.convert())


def run_saved_model(folder: Path, pictures: NDArray[np.uint8]) -> Answers:
    """Probabilities and logits of a SavedModel, each (N, classes) float32, for pictures (N, H, W, C) uint8."""
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return _in_batches(lambda part: serve(pictures=tf.constant(part)), pictures)


def run_litert(file: Path, pictures: NDArray[np.uint8]) -> Answers:
    """Probabilities and logits of a LiteRT file, as `run_saved_model` returns them."""
    with warnings.catch_warnings():
        # TensorFlow's interpreter is deprecated; its successor would be one more package, for this check alone
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(str(file))
    return _in_batches(lambda part: interpreter.get_signature_runner()(pictures=part), pictures)


def _in_batches(run: Callable[[NDArray[np.uint8]], dict[str, Any]], pictures: NDArray[np.uint8]) -> Answers:
    answers = [run(part) for part in _parts(pictures)]
    probabilities, logits = (
        np.concatenate([np.array(a[name]) for a in answers]) for name in ("probabilities", "logits")
    )
    return probabilities, logits


def _parts(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    batch = fewer_of_large(BATCH, pictures.shape[1:], least=1)
    for start in range(0, len(pictures), batch):
        yield pictures[start : start + batch]
