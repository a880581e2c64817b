"""Training beside other programs: seconds on a quiet computer, and beside one process at 100% on each core.

    python -m benchmarks.busy                     # three rounds of each, quiet and busy in turn
    python -m benchmarks.busy --rounds 5 --perceptron-only

The bar: busy at most three times quiet, for `make demo` and for an epoch of `perceptron`. Run it on a
computer that does nothing else. Needs MNIST in the folder that IMAGEWISE_DATA names, or in the cache.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.measuring import IMAGEWISE, machine, run

BAR = 3.0  # times the quiet time
EPOCHS = 4  # of perceptron, one run a round
LIMIT = 600.0  # seconds for a run


def spin() -> None:
    """Use a processor until the end."""
    while True:
        pass


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """`count` processes at 100%, as long as the block runs."""
    context = multiprocessing.get_context("spawn")
    spinning = [context.Process(target=spin, daemon=True) for _ in range(count)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.terminate()
            process.join()


def demo_seconds() -> float:
    """Wall time of `make demo` where everything is installed."""
    return run(["make", "demo"], limit=LIMIT).seconds


def epoch_seconds() -> float:
    """Mean time of an epoch of `perceptron`: training steps only."""
    with tempfile.TemporaryDirectory() as folder:
        command = [IMAGEWISE, "train", "mnist", "--recipe", "perceptron", "--epochs", str(EPOCHS), "--json"]
        process = run([*command, "--no-report", "--out", str(Path(folder, "run"))], limit=LIMIT)
    return float(process.values[-1]["train_seconds"]) / EPOCHS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--perceptron-only", action="store_true")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="busy cores")
    options = parser.parse_args()
    parts = {"an epoch of perceptron": epoch_seconds}
    if not options.perceptron_only:
        parts["make demo"] = demo_seconds
    print(machine())
    for name, measure in parts.items():
        quiet, busy = [], []
        for _ in range(options.rounds):
            quiet.append(measure())
            with busy_cores(options.cores):
                busy.append(measure())
        ratio = median(busy) / median(quiet)
        kept = "within" if ratio <= BAR else "OVER"
        print(
            f"{name}: quiet {median(quiet):.2f} s ({_all(quiet)}), busy {median(busy):.2f} s ({_all(busy)}): "
            f"{ratio:.2f} times, {kept} the bar of {BAR:g}",
            flush=True,
        )


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in seconds)


if __name__ == "__main__":
    main()
