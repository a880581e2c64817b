"""How time and memory grow with pictures, classes, side and cores. What grows faster than its work is a defect."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass

from benchmarks.measuring import module, run
from benchmarks.results import Results

PART = "scaling"
SIDE_WORK = 224 * 224 * 400  # pixels: the same number at every side, so that the work stays the same


@dataclass(frozen=True)
class Point:
    """One training: which axis it belongs to, and where on it."""

    axis: str
    at: int
    recipe: str
    pictures: int
    side: int = 28
    classes: int = 10
    cores: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.axis}/{self.recipe}/{self.at}"


def points(largest: int = 600_000) -> list[Point]:
    """All of them, each axis from small to large."""
    counts = (1000, 3000, 10_000, 30_000, 60_000, 600_000)
    sides = (28, 56, 112, 224)
    return [
        *(Point("pictures", count, "perceptron", count) for count in counts if count <= largest),
        *(Point("classes", classes, "perceptron", 20_000, classes=classes) for classes in (2, 10, 100, 1000)),
        *(Point("side", side, "convnet", SIDE_WORK // side**2, side=side) for side in sides),
        *(Point("cores", cores, "perceptron", 60_000, cores=cores) for cores in (1, 2)),
        *(Point("cores", cores, "convnet", 10_000, cores=cores) for cores in (1, 2)),
    ]


def measure_scaling(chosen: list[Point], results: Results, *, repeat: int = 1) -> None:
    """Make each point's set, train one epoch on it."""
    for point in chosen:
        with tempfile.TemporaryDirectory() as name:
            made = run(module("scaling_set", "make", name, str(point.pictures), str(point.side), str(point.classes)))
            for number in range(repeat):
                process = run(module("scaling_set", "train", name, point.recipe), cores=point.cores)
                (value,) = process.values
                figures = {
                    ("training", "s"): float(value["train_seconds"]),
                    ("whole process", "s"): process.seconds,
                    ("peak memory", "MB"): process.megabytes,
                    ("work", "GMAC"): value["macs"] * value["pictures"] / 1e9,
                    ("pictures", "1"): float(value["pictures"]),
                    ("making the set", "s"): made.seconds,
                }
                results.add(PART, point.subject, number, figures)
                said = f"{value['train_seconds']:.2f} s of training, {process.megabytes:.0f} MB"
                print(f"{point.subject}: {said}", file=sys.stderr, flush=True)


def defects(costs: list[float], tolerance: float = 1.25) -> list[bool]:
    """Where the cost of a unit of work rises above the least of those before by more than `tolerance`."""
    return [number > 0 and cost > tolerance * min(costs[:number]) for number, cost in enumerate(costs)]
