"""Keras's epochs as the harness's lines."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from benchmarks.peers.telling import Progress, Settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def progress_callback(settings: Settings, score: Callable[[], float]) -> tuple[Any, Progress]:
    """A callback for `fit`, and what it tells. Import Keras's backend choice before this."""
    import keras

    progress = Progress(settings)

    class Lines(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            progress.begin()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if progress.epoch(epoch + 1, score):
                self.model.stop_training = True

    return Lines(), progress
