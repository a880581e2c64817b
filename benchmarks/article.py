"""The article's figures, measured again: fills the tables of docs/article.md and draws docs/article-curves.png.

    python benchmarks/article.py costs speed far best        # any of them; with all it takes about an hour on 2 cores

`costs`: the recipe `article` on both engines, 5 seeds. `speed`: its training loop against the article's own program on
TensorFlow. `far`: 15, 50, 100 and 200 epochs. `best`: the recipe `perceptron-99`, 5 seeds. Results are kept in
benchmarks/article.json, so that each part can be run alone.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from imagewise.data.catalog import named_sets
from imagewise.data.loading import load_data
from imagewise.data.named_sets import find
from imagewise.training.record import installed_versions

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "article.json", ROOT / "docs" / "article.md"
SEEDS, PAIRS = 5, 5
ARTICLE_COSTS = (175.6992, 39.1834, 24.8411, 17.4307, 12.6881, 9.4607, 7.1431, 5.2480, 3.8150, 2.8557, 2.1296, 1.6305,
                 1.2104, 1.0198, 0.8265)  # fmt: skip
FAR = (15, 50, 100, 200)


def train(folder: Path, *options: str) -> dict[str, Any]:
    """`imagewise train mnist`; its JSON with the history's columns and the whole process's seconds added."""
    imagewise = str(Path(sys.executable).parent / "imagewise")
    target = ["--out", str(folder)] if not folder.exists() else ["--resume", str(folder)]
    data = ["mnist"] if not folder.exists() else []
    start = time.perf_counter()
    command = [imagewise, "train", *data, *options, *target, "--no-report", "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    history = {key: [float(row[key]) for row in rows if row[key]] for key in rows[0]}
    result: dict[str, Any] = json.loads(done.stdout)
    return {
        "accuracy": result["test"]["accuracy"],
        "train_seconds": result["train_seconds"],
        "process_seconds": time.perf_counter() - start,
        "history": history,
    }


def costs(folder: Path) -> dict[str, Any]:
    runs: dict[str, list[dict[str, Any]]] = {"tensorflow": [], "pytorch": []}
    for seed in range(SEEDS):
        for engine, done in runs.items():
            options = ("--recipe", "article", "--engine", engine, "--seed", str(seed))
            done.append(train(folder / f"{engine}-{seed}", *options))
            print(engine, seed, done[-1]["accuracy"], flush=True)
    return runs


def speed(folder: Path) -> dict[str, Any]:
    """(wall time of 25 epochs - wall time of 5) / 20 of whole processes, in turn."""
    seconds: dict[str, list[float]] = {"pytorch": [], "article": []}
    mnist = find(named_sets()["mnist"])
    program = [sys.executable, "-m", "benchmarks.peers.article_tf1", "--data", str(mnist), "--score-last"]

    def ours(epochs: int, seed: int) -> float:
        options = ("--recipe", "article", "--epochs", str(epochs), "--seed", str(seed))
        return float(train(folder / f"speed-{epochs}-{seed}", *options)["process_seconds"])

    def theirs(epochs: int, seed: int) -> float:
        start = time.perf_counter()
        command = [*program, "--epochs", str(epochs), "--seed", str(seed), "--out", str(folder)]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - start

    for seed in range(PAIRS):
        for name, run in (("pytorch", ours), ("article", theirs)):
            seconds[name].append((run(25, seed) - run(5, seed)) / 20)
            print(name, seed, round(seconds[name][-1], 3), flush=True)
    return seconds


def far(folder: Path) -> dict[str, Any]:
    """One run each, taken up again after 15, 50 and 100 epochs: a constant rate makes it the same run."""
    results: dict[str, Any] = {}
    for name, options in {
        "article": ("--recipe", "article"),
        "sound": ("--recipe", "perceptron", "--set", "keep=last"),
    }.items():
        for epochs in FAR:
            begun = (folder / name).exists()
            done = train(folder / name, "--epochs", str(epochs), *(() if begun else options))
            results.setdefault(name, {"accuracy": {}})["accuracy"][str(epochs)] = done["accuracy"]
            results[name]["history"] = done["history"]
            print(name, epochs, done["accuracy"], flush=True)
    return results


def best(folder: Path) -> list[dict[str, Any]]:
    runs = []
    for seed in range(SEEDS):
        runs.append(train(folder / f"best-{seed}", "--recipe", "perceptron-99", "--seed", str(seed)))
        print("perceptron-99", seed, runs[-1]["accuracy"], round(runs[-1]["process_seconds"]), flush=True)
    return runs


def spread(values: list[float], pattern: str = "{:.2f}", scale: float = 1.0) -> str:
    """`mean ± standard deviation`."""
    scaled = [value * scale for value in values]
    return f"{pattern.format(mean(scaled))} ± {pattern.format(stdev(scaled))}"


def costs_table(runs: dict[str, Any]) -> list[str]:
    engines = ("tensorflow", "pytorch")
    lines = ["| epoch | the article | TensorFlow | PyTorch |", "|---|---|---|---|"]
    for epoch, cost in enumerate(ARTICLE_COSTS):
        ours = (spread([run["history"]["cost"][epoch] for run in runs[engine]]) for engine in engines)
        lines.append(f"| {epoch + 1} | {cost:.2f} | {' | '.join(ours)} |")
    scores = (spread([run["accuracy"] for run in runs[engine]], "{:.2f}", 100) for engine in engines)
    return [*lines, f"| **test accuracy, %** | **94.75** | **{'** | **'.join(scores)}** |"]


def speed_table(seconds: dict[str, Any]) -> list[str]:
    ours, theirs = seconds["pytorch"], seconds["article"]
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    rows = {
        "the article's program, TensorFlow `compat.v1`": (theirs, "{:.3f}"),
        "`imagewise train --recipe article`, PyTorch": (ours, "{:.3f}"),
        "times as fast, pair by pair": (ratios, "{:.2f}"),
    }
    lines = ["| training loop, seconds an epoch | median | mean ± std | n |", "|---|---|---|---|"]
    for title, (values, pattern) in rows.items():
        lines.append(f"| {title} | {pattern.format(median(values))} | {spread(values, pattern)} | {len(values)} |")
    return lines


def far_table(results: dict[str, Any]) -> list[str]:
    lines = [f"| epochs | {' | '.join(map(str, FAR))} |", "|---|" + "---|" * len(FAR)]
    for name, title in (("article", "as the article has it"), ("sound", "sound initialisation (`perceptron`)")):
        scores = (f"{100 * results[name]['accuracy'][str(epochs)]:.2f}" for epochs in FAR)
        lines.append(f"| {title}, test accuracy % | {' | '.join(scores)} |")
    return lines


def best_table(runs: list[dict[str, Any]]) -> list[str]:
    scores = [100 * run["accuracy"] for run in runs]
    seconds = [run["process_seconds"] for run in runs]
    return [
        "| `perceptron-99` | mean ± std | each seed | n |",
        "|---|---|---|---|",
        f"| test accuracy, % | **{spread(scores)}** | {', '.join(f'{s:.2f}' for s in scores)} | {len(runs)} |",
        f"| whole process, s | {spread(seconds, '{:.0f}')} | {', '.join(f'{s:.0f}' for s in seconds)} | {len(runs)} |",
    ]


def draw(results: dict[str, Any]) -> None:
    """Validation accuracy over epochs; perceptron-99 trains on validation too, so it stands as its test accuracy."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    for name, title, colour in (
        ("article", "as the article has it, N(0, 1)", "#c2410c"),
        ("sound", "sound initialisation", "#0369a1"),
    ):
        accuracy = results["far"][name]["history"]["validation_accuracy"]
        axes.plot(range(1, len(accuracy) + 1), [100 * a for a in accuracy], color=colour, linewidth=1.2, label=title)
    if "best" in results:
        level = 100 * mean(run["accuracy"] for run in results["best"])
        epochs = len(results["best"][0]["history"]["cost"])
        axes.axhline(level, color="#15803d", linewidth=1.2, label=f"perceptron-99, {epochs} epochs (test, mean)")
    axes.axhline(99, color="#6b7280", linewidth=0.8, linestyle=":")
    axes.text(200, 99.03, "99%", color="#6b7280", ha="right", va="bottom", fontsize=9)
    axes.set(xlabel="epoch", ylabel="validation accuracy, %", ylim=(90, 100), xlim=(0, 201))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(ROOT / "docs" / "article-curves.png")


def write(results: dict[str, Any]) -> None:
    tables: dict[str, Callable[[Any], list[str]]] = {
        "costs": costs_table,
        "speed": speed_table,
        "far": far_table,
        "best": best_table,
    }
    page = PAGE.read_text()
    for name, table in tables.items():
        if name in results:
            before, _, rest = page.partition(f"<!-- begin: {name} -->")
            after = rest.partition(f"<!-- end: {name} -->")[2]
            lines = [*table(results[name]), "", f"Measured {results['made'][name]}."]
            page = f"{before}<!-- begin: {name} -->\n" + "\n".join(lines) + f"\n<!-- end: {name} -->{after}"
    PAGE.write_text(page)
    if "far" in results:
        draw(results)


def main(parts: list[str]) -> None:
    known: dict[str, Callable[[Path], Any]] = {"costs": costs, "speed": speed, "far": far, "best": best}
    load_data("mnist", offline=True)  # says what is missing before an hour is spent
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"made": {}}
    versions = ", ".join(f"{name} {version}" for name, version in installed_versions().items())
    for part in parts:
        with tempfile.TemporaryDirectory() as name:
            results[part] = known[part](Path(name))
        results["made"][part] = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores; {versions}"
        RESULTS.write_text(json.dumps(results, indent=1))
    write(results)


if __name__ == "__main__":
    main(sys.argv[1:])
