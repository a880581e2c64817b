"""A trained network as a SavedModel or a LiteRT file: uint8 `pictures` in, `probabilities` and `logits` out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.engines.tensorflow.framework import tf
from imagewise.engines.tensorflow.reader import KerasNetwork
from imagewise.network import Network, Weights

BATCH = 100  # pictures a call, when a file is checked

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]


def _served(network: Network, weights: Weights) -> Any:
    """A tf.Module whose `serve` answers; normalisation and softmax are inside."""
    reader = KerasNetwork(network)
    reader.load(weights)
    model = reader.model
    # as constants: LiteRT would keep variables as state, and find them without values
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
    """TensorFlow's own format, with one signature, `serving_default`."""
    module = _served(network, weights)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def write_litert(network: Network, weights: Weights, file: Path) -> None:
    """What phones and browsers run (formerly TensorFlow Lite), float32, any number of pictures a call."""
    module = _served(network, weights)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve.get_concrete_function()], module)
    file.write_bytes(converter.convert())


def run_saved_model(folder: Path, pictures: NDArray[np.uint8]) -> Answers:
    """Probabilities and logits, each (N, classes), of the file that was written."""
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return _in_batches(lambda part: serve(pictures=tf.constant(part)), pictures)


def run_litert(file: Path, pictures: NDArray[np.uint8]) -> Answers:
    """As `run_saved_model`."""
    with warnings.catch_warnings():
        # TensorFlow's own interpreter is deprecated, but its successor is another package, for this check alone
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
    for start in range(0, len(pictures), BATCH):
        yield pictures[start : start + BATCH]
