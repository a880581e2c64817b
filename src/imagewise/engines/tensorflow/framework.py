"""TensorFlow and Keras, imported here and nowhere else, with what must be said to them before."""

from __future__ import annotations

import os

from imagewise.errors import EngineError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a dozen lines about the CPU and missing GPUs, else
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or Keras asks ~/.keras/keras.json

import tensorflow as tf

import keras  # isort: skip  # it imports TensorFlow itself, and more slowly

if keras.config.backend() != "tensorflow":
    raise EngineError(
        f"Keras is set to the backend {keras.config.backend()!r} (KERAS_BACKEND); the TensorFlow engine needs "
        "KERAS_BACKEND=tensorflow."
    )

__all__ = ["keras", "tf"]
