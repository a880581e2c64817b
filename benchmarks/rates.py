"""Our training loop beside its floor and beside an eager loop on the same network; and where the rest goes."""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measuring import module, run
from benchmarks.results import Results
from benchmarks.subjects import Subject
from benchmarks.training import data_of

PART, PROFILE = "floor", "profile"
EPOCHS = 3
EAGER_MACS = 6e10  # the eager loop is given as many pictures as make this much arithmetic: some seconds an epoch


def measure_floor(subject: Subject, results: Results, *, repeat: int = 3, epochs: int = EPOCHS) -> None:
    """A few epochs of a recipe, its floor and the eager loop, in turn."""
    data = data_of(subject)
    if data is None:
        return
    for number in range(repeat):
        with tempfile.TemporaryDirectory() as name:
            run(subject.command(data, Path(name), number, epochs, None))
            folder = Path(name) / "run"
            with (folder / "history.csv").open() as file:
                epoch = median(float(row["seconds"]) for row in csv.DictReader(file))
            (floor,) = run(module("floor", str(folder))).values
            few = max(10 * floor["batch"], min(floor["pictures"], int(EAGER_MACS / floor["macs"])))
            (eager,) = run(module("peers.eager_network", str(folder), str(few))).values
        figures = {
            ("an epoch", "s"): epoch,
            ("floor", "s"): floor["floor"],
            ("over the floor", "times"): epoch / floor["floor"],
            ("arithmetic a picture", "MMAC"): floor["macs"] / 1e6,
            ("pictures", "1"): float(floor["pictures"]),
            ("batch", "1"): float(floor["batch"]),
            ("at the machine's rate of products", "s"): floor["macs"] * floor["pictures"] / floor["gemm"] / 1e9,
            ("eager PyTorch, an epoch", "s"): eager["picture"] * floor["pictures"],
            ("rate beside eager PyTorch", "times"): eager["picture"] * floor["pictures"] / epoch,
            ("matrix product", "GMAC/s"): floor["gemm"],
            ("convolution", "GMAC/s"): floor["conv"],
        }
        results.add(PART, subject.name, number, figures)
        ratio = f"{epoch:.2f} s an epoch, floor {floor['floor']:.2f} s"
        print(f"{subject.name}: {ratio}, eager {figures['eager PyTorch, an epoch', 's']:.2f} s", file=sys.stderr)


def measure_profile(subject: Subject, results: Results, *, pictures: int = 12_800) -> None:
    """One run of `benchmarks.profiling`."""
    data = data_of(subject)
    if data is None:
        return
    (value,) = run(module("profiling", str(data), subject.options[1], str(pictures))).values
    phases = {(f"phase: {phase}", "s"): float(seconds) for phase, seconds in value["phases"].items()}
    shares = {(kind, "%"): 100 * seconds / value["profiled"] for kind, seconds in value["kinds"].items()}
    results.add(PROFILE, subject.name, 0, {**phases, **shares})
    print(f"{subject.name}: {value['kinds']}", file=sys.stderr, flush=True)


def trains_with_pytorch(subject: Subject) -> bool:
    """One of ours, by the engine that PyTorch's profiler sees into."""
    return subject.peer is None and "--engine" not in subject.options
