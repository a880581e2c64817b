"""Measure what the README promises: `make bench`. Writes benchmarks/results.csv and the table of docs/benchmarks.md.

Every figure is of whole processes, or of pairs taken in turn in one process, on the real MNIST.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
from PIL import Image

from imagewise.model import Model
from imagewise.sources import load_data
from imagewise.versions import installed_versions

ROOT = Path(__file__).parent.parent
TRAININGS, STARTS, PAIRS = 5, 15, 15
BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"


@dataclass(frozen=True)
class Figure:
    """One measured figure: `n` values in `unit`."""

    name: str
    unit: str
    bar: str
    n: int
    median: float
    mean: float
    std: float
    worst: float


def figure(name: str, unit: str, bar: str, values: list[float], worst: float) -> Figure:
    return Figure(name, unit, bar, len(values), median(values), mean(values), stdev(values), worst)


@dataclass(frozen=True)
class Process:
    """A finished process: wall seconds, peak resident megabytes, standard output."""

    seconds: float
    megabytes: float
    output: str


def run(*command: str) -> Process:
    """Run to the end; fails loudly."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        output.seek(0)
        return Process(seconds, usage.ru_maxrss / 1024, output.read().decode())


def imagewise(*arguments: str) -> Process:
    return run(str(Path(sys.executable).parent / "imagewise"), *arguments)


def bench_training(folder: Path) -> list[Figure]:
    accuracies, epochs, memory, totals, floors = [], [], [], [], []
    for seed in range(TRAININGS):
        out = folder / f"run-{seed}"
        command = ("train", "mnist", "--recipe", "perceptron", "--epochs", "15", "--seed", str(seed))
        process = imagewise(*command, "--out", str(out), "--json")
        accuracies.append(100 * json.loads(process.output)["test"]["accuracy"])
        with (out / "history.csv").open() as file:
            epochs.append(median(float(row["seconds"]) for row in csv.DictReader(file)))
        memory.append(process.megabytes)
        totals.append(process.seconds)
        floors.append(float(run(sys.executable, str(ROOT / "benchmarks" / "floor.py")).output))
        loop = f"{epochs[-1]:.2f} s an epoch (floor {floors[-1]:.2f})"
        print(f"seed {seed}: {accuracies[-1]:.2f}%, {loop}, {memory[-1]:.0f} MB", file=sys.stderr)
    ratios = [epoch / floor for epoch, floor in zip(epochs, floors, strict=True)]
    return [
        figure("perceptron, 15 epochs: test accuracy", "%", ">= 97.8", accuracies, min(accuracies)),
        figure("perceptron: training loop, median epoch of each run", "s", "<= 1.2", epochs, max(epochs)),
        figure(
            "the bare matrix products of an epoch, measured after each run (the floor)", "s", "", floors, max(floors)
        ),
        figure("perceptron: training loop over that floor", "times", "", ratios, max(ratios)),
        figure("perceptron, 15 epochs: whole process, report included", "s", "", totals, max(totals)),
        figure("perceptron: peak memory of the whole process", "MB", "<= 700", memory, max(memory)),
    ]


def bench_starts(folder: Path) -> list[Figure]:
    picture = folder / "one.png"
    Image.fromarray(load_data("mnist")["test"].images[0].squeeze()).save(picture)
    model = str(folder / "run-0" / "model.onnx")
    predictions, imports = [], []
    for _ in range(STARTS):
        predictions.append(imagewise("predict", str(picture), "--model", model))
        bare = run(sys.executable, "-c", "pass")
        imports.append(run(sys.executable, "-c", "import imagewise").seconds - bare.seconds)
    seconds, memory = [p.seconds for p in predictions], [p.megabytes for p in predictions]
    return [
        figure("predict one.png: process start to end", "s", "<= 0.6", seconds, max(seconds)),
        figure("predict one.png: peak memory", "MB", "<= 150", memory, max(memory)),
        figure("import imagewise, less the interpreter's own start", "s", "<= 0.15", imports, max(imports)),
    ]


def bench_bulk(folder: Path) -> list[Figure]:
    import onnxruntime as ort

    path = folder / "run-0" / "model.onnx"
    images = np.ascontiguousarray(load_data("mnist")["test"].images)
    model = Model.open(path)
    bare = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ours, theirs, ratios = [], [], []
    for number in range(PAIRS + 2):
        start = time.perf_counter()
        model.predict_batch(images)
        middle = time.perf_counter()
        bare.run(["probabilities"], {"pictures": images})
        end = time.perf_counter()
        if number >= 2:  # the first two warm up
            ours.append(len(images) / (middle - start))
            theirs.append(len(images) / (end - middle))
            ratios.append(ours[-1] / theirs[-1])
    return [
        figure("predict_batch of 10,000: rate", "pictures/s", "", ours, min(ours)),
        figure("bare onnxruntime on the same graph: rate", "pictures/s", "", theirs, min(theirs)),
        figure("predict_batch over bare onnxruntime, pair by pair", "ratio", ">= 0.8", ratios, min(ratios)),
    ]


def write(figures: list[Figure]) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in installed_versions().items())
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {platform.system()}; {versions}"
    with (ROOT / "benchmarks" / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Figure)] + ["made"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(f) | {"made": stamp} for f in figures)
    lines = ["| figure | bar | median | mean ± std | worst | n |", "|---|---|---|---|---|---|"]
    for f in figures:
        cells = (f"{f.median:,.4g} {f.unit}", f"{f.mean:,.4g} ± {f.std:,.2g}", f"{f.worst:,.4g}", str(f.n))
        lines.append(f"| {f.name} | {f.bar} | {' | '.join(cells)} |")
    page = ROOT / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\nMeasured {stamp}.\n\n" + "\n".join(lines) + f"\n{END}{after}")
    print("\n".join(lines))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(bench_training(folder) + bench_starts(folder) + bench_bulk(folder))


if __name__ == "__main__":
    main()
