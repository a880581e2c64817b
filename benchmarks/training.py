"""Training side by side: test accuracy against wall time from the start of the process."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.measuring import Process, run
from benchmarks.results import Results
from benchmarks.subjects import PART, Subject

from imagewise.data.catalog import named_sets
from imagewise.data.named_sets import find
from imagewise.paths import data_dir

TARGET = 0.99


def measure_training(
    subject: Subject,
    seed: int,
    results: Results,
    *,
    epochs: int | None = None,
    until: float | None = None,
    limit: float | None = None,
) -> None:
    """One whole process; its rows are written when it has ended. Raises TimeoutError after `limit` seconds."""
    with tempfile.TemporaryDirectory() as name:
        data = data_of(subject)
        if data is None:
            print(f"{subject.name}: left out, {subject.data} is not on this machine", file=sys.stderr)
            return
        process = run(subject.command(data, Path(name), seed, epochs, until), limit=limit)
    values = _of_recipe(process) if subject.peer is None else _of_peer(process)
    shared = {("peak memory", "MB"): process.megabytes, ("CPU time", "s"): process.cpu_seconds}
    results.add(PART, subject.name, seed, values | shared | {("whole process", "s"): process.seconds})
    said = ", ".join(f"{figure} {value:.4g} {unit}" for (figure, unit), value in values.items() if _is_number(value))
    print(f"{subject.name}, seed {seed}: {said}", file=sys.stderr, flush=True)


def measure_in_turn(
    chosen: list[tuple[Subject, int]],
    results: Results,
    *,
    seeds_from: int = 0,
    epochs: int | None = None,
    until: float | None = None,
    budget: float | None = None,
) -> None:
    """Every subject's first run, then every second run, and so on: a machine that drifts drifts for all of them.

    What would begin or end after `budget` seconds is left out, and said.
    """
    end = None if budget is None else perf_counter() + budget
    for number in range(max((times for _, times in chosen), default=0)):
        for subject, times in chosen:
            if number >= times:
                continue
            left = None if end is None else end - perf_counter()
            try:
                if left is not None and left <= 0:
                    raise TimeoutError("not begun")
                measure_training(subject, seeds_from + number, results, epochs=epochs, until=until, limit=left)
            except TimeoutError as error:
                print(f"{subject.name}: left out, the {budget:.0f} s are over ({error})", file=sys.stderr)


def data_of(subject: Subject) -> Path | str | None:
    """What its command names: the set, or for peers its folder; None where it is not on this machine."""
    if subject.data in named_sets():
        folder = find(named_sets()[subject.data])
        return subject.data if folder and subject.peer is None else folder
    own = data_dir()
    return own / subject.data if own and (own / subject.data).is_dir() else None


def _of_recipe(process: Process) -> dict[tuple[str, str], float | str | None]:
    """`train --json`: test is scored once, so what is reached is reached when the process says so."""
    (result,) = process.values
    accuracy = float(result["test"]["accuracy"])
    return _figures(
        accuracy, process.said_at, float(result["train_seconds"]), result["epochs"], [(process.said_at, accuracy)]
    )


def _of_peer(process: Process) -> dict[tuple[str, str], float | str | None]:
    *epochs, last = process.values
    course = [(float(epoch["seconds"]), float(epoch["accuracy"])) for epoch in epochs]
    return _figures(float(last["accuracy"]), float(last["seconds"]), float(last["train_seconds"]), len(epochs), course)


def _figures(
    accuracy: float, seconds: float, train_seconds: float, epochs: Any, course: list[tuple[float, float]]
) -> dict[tuple[str, str], float | str | None]:
    return {
        ("test accuracy", "%"): 100 * accuracy,
        ("to the result", "s"): seconds,
        ("training", "s"): train_seconds,
        ("an epoch", "s"): train_seconds / int(epochs),
        ("to 99.0%", "s"): next((at for at, reached in course if reached >= TARGET), None),
        ("course", "s:%"): " ".join(f"{at:.2f}:{100 * reached:.2f}" for at, reached in course),
    }


def _is_number(value: object) -> bool:
    return isinstance(value, float)
