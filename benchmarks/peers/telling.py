"""What all peers share: options, the reader of MNIST, and the lines that the harness reads.

A peer is a process of its own. It prints one line of JSON an epoch, `{"epoch", "accuracy", "seconds",
"train_seconds"}`, and one at the end, when the model is saved: `{"accuracy", "seconds", "train_seconds", "model"}`.
Accuracy is of the 10,000 test pictures. `seconds` run from the start of the process; scoring test between epochs, where
the published program does not do it, is taken out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Settings:
    """What a peer is told.

    Attributes:
        until: stop after the epoch that reaches this test accuracy; None trains to the last epoch.
        pictures: how many to train on; None takes all.
        score_last: score test after the last epoch only.
    """

    epochs: int
    until: float | None
    seed: int
    data: Path
    out: Path
    pictures: int | None
    score_last: bool
    backend: str


def parse(epochs: int) -> Settings:
    """The command line; `epochs` is what the published program does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four IDX files, gzipped or not")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the model")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--until", type=float, help="stop after the epoch that reaches this test accuracy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, help="train on the first N only")
    parser.add_argument("--score-last", action="store_true", help="score test after the last epoch only")
    parser.add_argument("--backend", default="tensorflow", help="Keras's backend, where the peer is of Keras")
    return Settings(**vars(parser.parse_args()))


@dataclass(frozen=True)
class Mnist:
    """As the IDX files have it: pictures (N, 28, 28) uint8, labels (N,) uint8."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load_mnist(settings: Settings) -> Mnist:
    """All 60,000 and 10,000, or fewer to train on where the settings say so."""

    def read(name: str, header: int) -> NDArray[np.uint8]:
        packed = settings.data / f"{name}.gz"
        content = gzip.decompress(packed.read_bytes()) if packed.exists() else (settings.data / name).read_bytes()
        return np.frombuffer(bytearray(content), np.uint8, offset=header)

    return Mnist(
        read("train-images-idx3-ubyte", 16).reshape(-1, 28, 28)[: settings.pictures],
        read("train-labels-idx1-ubyte", 8)[: settings.pictures],
        read("t10k-images-idx3-ubyte", 16).reshape(-1, 28, 28),
        read("t10k-labels-idx1-ubyte", 8),
    )


def since_process_start() -> float:
    """Seconds, from Linux's record of when this process began (to 10 ms)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    ticks = 100  # USER_HZ, the same on every Linux that Python runs on
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / ticks


class Progress:
    """Counts training time, scores, prints, and says when to stop.

    Args:
        scores_itself: the published program scores test after every epoch, so that this is part of its time.
    """

    def __init__(self, settings: Settings, scores_itself: bool = False) -> None:
        self._settings, self._scores_itself = settings, scores_itself
        self._train_seconds = self._extra = self._accuracy = 0.0
        self._resumed = time.perf_counter()

    def begin(self) -> None:
        """Training begins, or goes on."""
        self._resumed = time.perf_counter()

    def epoch(self, number: int, score: Callable[[], float]) -> bool:
        """An epoch's training has ended; True where it was the last. Its successor begins when this returns."""
        self._train_seconds += time.perf_counter() - self._resumed
        last = number >= self._settings.epochs
        if last or not self._settings.score_last:
            start = time.perf_counter()
            self._accuracy = float(score())
            self._say({"epoch": number})
            last = last or (self._settings.until is not None and self._accuracy >= self._settings.until)
            if not (last or self._scores_itself):
                self._extra += time.perf_counter() - start
        self._resumed = time.perf_counter()
        return last

    def finish(self, model: Path) -> None:
        """The model is saved: the last line."""
        self._say({"model": str(model)})

    def _say(self, values: dict[str, Any]) -> None:
        seconds = since_process_start() - self._extra
        values |= {"accuracy": self._accuracy, "seconds": seconds, "train_seconds": self._train_seconds}
        print(json.dumps(values), flush=True)
