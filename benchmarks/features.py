"""Rates of features, beside bare onnxruntime on the same graph and pictures.

    python -m benchmarks.features                                  # three backbones at 224 and 128 pixels
    python -m benchmarks.features --backbones mobilenet_v2 --sides 224 --pictures 256 --pairs 9
    python -m benchmarks.features --write                          # adds the values to benchmarks/results.csv

Both take turns in one process, and which comes first alternates. Ours is `compute_features` into an empty cache: with
the hashes of the pictures, and the file. Bare is one `InferenceSession` with its defaults, which has a thread for each
processor, in batches of each of several sizes; the fastest of these, by its median, is what ours is compared with.
Pictures are noise: they take as long as others.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks.measuring import ROOT, machine
from benchmarks.results import Results
from numpy.typing import NDArray

from imagewise.backbones.backbone import Backbone
from imagewise.backbones.catalog import entry
from imagewise.backbones.features import compute_features
from imagewise.backbones.pretrained import Pretrained
from imagewise.backbones.published import fetch
from imagewise.backbones.weights_file import read_weights
from imagewise.model.session import import_onnxruntime

PART = "features"
BACKBONES = ("efficientnet_lite0", "mobilenet_v2", "mobilenet_v2_035")
SIDES = (224, 128)
BARE_BATCHES = (1, 8, 32)
PAUSE = 0.1  # seconds: onnxruntime's threads spin for a moment after a run

Images = NDArray[np.uint8]


def measure(backbone: Backbone, side: int, count: int, pairs: int) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of the wall and of all processors that a picture takes, of each way to compute features.

    Raises:
        RuntimeError: two ways give different features.
    """
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    session = import_onnxruntime().InferenceSession(backbone.graph(side).SerializeToString())
    ways: dict[str, Callable[[], NDArray[np.float32]]] = {
        f"bare, batches of {size}": lambda size=size: _bare(session, images, size)  # type: ignore[misc]
        for size in BARE_BATCHES
    }
    ways["imagewise"] = lambda: np.asarray(compute_features(backbone, images)[0])
    wanted = ways[f"bare, batches of {BARE_BATCHES[0]}"]()
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(pairs):
        for way in list(ways) if number % 2 else reversed(ways):
            with _empty_cache():
                time.sleep(PAUSE)
                wall, cpu = time.perf_counter(), time.process_time()
                features = ways[way]()
                times = time.perf_counter() - wall, time.process_time() - cpu
                found[way].append((1e3 * times[0] / count, 1e3 * times[1] / count))
            if np.abs(features - wanted).max() > 1e-4 * max(1.0, float(np.abs(wanted).max())):
                raise RuntimeError(f"{way}: other features of {backbone.name} at {side} pixels")
    return found


def _bare(session: Any, images: Images, size: int) -> NDArray[np.float32]:
    parts = [images[at : at + size] for at in range(0, len(images), size)]
    return np.concatenate([session.run(None, {"pictures": part})[0] for part in parts])


@contextmanager
def _empty_cache() -> Iterator[None]:
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; add to results.csv if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=BACKBONES, metavar="NAME")
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES)
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="add the values to benchmarks/results.csv")
    parser.add_argument("--session", help="what belongs together in results.csv (the date, if not given)")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results.csv")
    options = parser.parse_args(arguments)
    results = Results(options.results, options.session) if options.write else None
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for name in options.backbones:
        known = entry(name)
        path = fetch(known, offline=True)
        backbone = Pretrained.of_tensors(known, read_weights(path), str(path))
        for side in options.sides:
            found = measure(backbone, side, options.pictures, options.pairs)
            _print(name, side, found)
            if results is not None:
                add(results, f"{name}/{side}", found)


def _print(name: str, side: int, found: dict[str, list[tuple[float, float]]]) -> None:
    best = fastest_bare(found)
    shares = [theirs[0] / ours[0] for theirs, ours in zip(found[best], found["imagewise"], strict=True)]
    print(f"{name} at {side} pixels: {median(shares):.2f} of the rate of bare onnxruntime ({best}), "
          f"{min(shares):.2f} to {max(shares):.2f} in {len(shares)} pairs")  # fmt: skip
    for way, times in found.items():
        wall, cpu = (median(column) for column in zip(*times, strict=True))
        print(f"    {way:<22} {wall:6.2f} ms a picture, {cpu:6.2f} of processor time", flush=True)


def fastest_bare(found: dict[str, list[tuple[float, float]]]) -> str:
    """The way without imagewise that has the lowest median."""
    return min((way for way in found if way != "imagewise"), key=lambda way: median(wall for wall, _ in found[way]))


def add(results: Results, subject: str, found: dict[str, list[tuple[float, float]]]) -> None:
    """Append the values of ours, and of the fastest bare way."""
    best = fastest_bare(found)
    for number, ((ours, processors), (bare, _)) in enumerate(zip(found["imagewise"], found[best], strict=True)):
        figures = {
            ("imagewise", "ms"): ours,
            ("processor time", "ms"): processors,
            ("bare onnxruntime", "ms"): bare,
            ("share of the bare rate", ""): bare / ours,
        }
        results.add(PART, subject, number, figures)


if __name__ == "__main__":
    main()
