"""TensorFlow and Keras, imported here and nowhere else, with what must be said to them before."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from imagewise.errors import EngineError


@contextmanager
def _chatter_withheld() -> Iterator[None]:
    """Keep what native code writes to standard error, and write it only if the import fails.

    TensorFlow speaks of the CPU and of oneDNN before its log level counts ("All log messages before
    absl::InitializeLog() is called are written to STDERR"), on some processors and not on others.
    """
    sys.stderr.flush()
    true_stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(true_stderr, kept.read())
            raise
        finally:
            os.dup2(true_stderr, 2)
            os.close(true_stderr)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a dozen lines about the CPU and missing GPUs, else
os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # or Keras asks ~/.keras/keras.json

with _chatter_withheld():
    import tensorflow as tf

    import keras  # isort: skip  # it imports TensorFlow itself, and more slowly

if keras.config.backend() != "tensorflow":
    raise EngineError(
        f"Keras is set to the backend {keras.config.backend()!r} (KERAS_BACKEND); the TensorFlow engine needs "
        "KERAS_BACKEND=tensorflow."
    )

__all__ = ["keras", "tf"]
