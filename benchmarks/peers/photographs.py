"""What the peers of transfer share: options, the pretrained network, and the lines that the harness reads.

A peer is a process of its own. It trains on the class folders in `--train`, saves its model, scores the class folders
in `--test`, and prints a line of JSON a phase of training: `{"phase", "seconds", "right", "pictures", "model"}`.
`seconds` run from the start of the process until the model is saved; scoring between phases is taken out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.telling import since_process_start

from imagewise.backbones.catalog import entry
from imagewise.backbones.pretrained import Pretrained
from imagewise.backbones.published import fetch
from imagewise.backbones.weights_file import read_weights


@dataclass(frozen=True)
class Settings:
    """What a peer is told.

    Attributes:
        train: folder of class folders; `test` is another with the same classes.
        epochs: of the head on the frozen backbone.
        tuning_epochs: of all weights, after the head, where the peer does that.
        side: of the pictures in pixels.
    """

    train: Path
    test: Path
    out: Path
    backbone: str
    epochs: int
    tuning_epochs: int
    batch: int
    side: int
    seed: int


def parse() -> Settings:
    """The command line; defaults are the published programs'."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the model")
    parser.add_argument("--backbone", required=True, help="a name of imagewise's catalog")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--tuning-epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    return Settings(**vars(parser.parse_args()))


def open_backbone(name: str) -> Pretrained:
    """The pretrained network out of the file that imagewise reads, too; nothing is downloaded."""
    path = fetch(entry(name), offline=True)
    return Pretrained.of_tensors(entry(name), read_weights(path), str(path))


class Phases:
    """Tells the harness of each phase; knows how long scoring took."""

    def __init__(self) -> None:
        self._scoring = 0.0

    def ended(self, phase: str, model: Path, pictures: int, score: Callable[[], int]) -> None:
        """Training has ended and the model is saved; `score` counts the pictures that are recognised."""
        seconds = since_process_start() - self._scoring
        start = time.perf_counter()
        values = {"phase": phase, "seconds": seconds, "right": score(), "pictures": pictures, "model": str(model)}
        self._scoring += time.perf_counter() - start
        print(json.dumps(values), flush=True)
