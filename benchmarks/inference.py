"""Recognising, the same network everywhere: one picture cold, one warm, 10,000 in bulk."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.measuring import IMAGEWISE, module, run
from benchmarks.results import Results
from PIL import Image

from imagewise.data.loading import load_data

PART, IMPORT = "inference", "import"
RUNTIMES = {
    "imagewise": "imagewise",
    "onnxruntime": "bare onnxruntime",
    "pytorch": "PyTorch, eager",
    "keras": "Keras `predict` on TensorFlow",
}
CALLS = {"keras": 200}  # one takes tens of milliseconds


def measure_inference(
    recipe: str, results: Results, *, repeat: int = 10, calls: int = 2000, pictures: int = 10_000
) -> None:
    """Train one epoch of `recipe`, hand its network to every runtime, measure them in turn.

    Raises:
        RuntimeError: a runtime gives another answer than the others.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run([IMAGEWISE, "train", "mnist", "--recipe", recipe, "--epochs", "1", "--set", "keep=last", "--set",
             "patience=0", "--no-report", "--json", "--out", str(folder / "run")])  # fmt: skip
        run(module("same_network", str(folder / "run"), name))
        shutil.copy(folder / "run" / "model.onnx", folder)
        test = load_data("mnist")["test"].images[:pictures]
        np.save(folder / "pictures.npy", test)
        Image.fromarray(test[0].squeeze()).save(folder / "one.png")
        _cold(folder, recipe, results, repeat)
        _warm(folder, recipe, results, calls)


def measure_import(results: Results, *, repeat: int = 10) -> None:
    """`import imagewise`, less the interpreter's own start, in turn with it."""
    for number in range(repeat):
        bare = run([sys.executable, "-c", "pass"]).seconds
        seconds = run([sys.executable, "-c", "import imagewise"]).seconds - bare
        results.add(IMPORT, "imagewise", number, {("import", "s"): seconds})


def _cold(folder: Path, recipe: str, results: Results, repeat: int) -> None:
    for number in range(repeat):
        found: dict[str, tuple[str, float]] = {}
        for runtime in RUNTIMES:
            command = module("peers.predictor", runtime, str(folder), str(folder / "one.png"))
            if runtime == "imagewise":
                model = str(folder / "model.onnx")
                command = [IMAGEWISE, "predict", str(folder / "one.png"), "--model", model, "--json"]
            process = run(command)
            value = process.values[0] if process.values else {}
            found[runtime] = (str(value.get("label")), float(value.get("probability", 0.0)))
            values = {("one picture, cold", "s"): process.seconds, ("peak memory", "MB"): process.megabytes}
            results.add(PART, f"{recipe}/{runtime}", number, values)
        _agree(found)
    print(f"{recipe}, cold: {repeat} starts of each", file=sys.stderr, flush=True)


def _agree(found: dict[str, tuple[str, float]]) -> None:
    label, probability = found["onnxruntime"]
    for runtime, (other, value) in found.items():
        if other != label or abs(value - probability) > 1e-3:
            raise RuntimeError(f"{runtime} says {other} ({value:.4f}), onnxruntime {label} ({probability:.4f})")


def _warm(folder: Path, recipe: str, results: Results, calls: int) -> None:
    for runtime in RUNTIMES:
        times = min(calls, CALLS.get(runtime, calls))
        command = module("peers.predictor", runtime, str(folder), str(folder / "pictures.npy"), str(times))
        (value,) = run(command).values
        figures = {
            ("one picture, warm, p50", "ms"): value["p50"],
            ("one picture, warm, p99", "ms"): value["p99"],
            ("in bulk", "pictures/s"): value["bulk"],
        }
        results.add(PART, f"{recipe}/{runtime}", 0, figures)
        print(f"{recipe}, {runtime}: {value}", file=sys.stderr, flush=True)
