"""Transfer on photographs beside a Keras script and a plain PyTorch loop: the same backbones, the same pictures.

A fifth of `flower-photos` is held out, by the hash of each picture's content and the run's number. All train on the
rest, in turn, each with an empty cache, and are scored on what was held out.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import IMAGEWISE, module, run
from benchmarks.results import Figure, Results, Row

from imagewise.backbones.catalog import entry
from imagewise.backbones.published import find
from imagewise.evaluation.metrics import wilson_interval
from imagewise.paths import data_dir
from imagewise.training.recipes.files import bundled_recipes

PART = "transfer"
SET = "flower-photos"
SMALL, LITE = "mobilenet_v2_035", "efficientnet_lite0"
HELD_OUT = 5  # one of so many
OURS = "transfer"


@dataclass(frozen=True)
class Way:
    """One way to train on photographs.

    Attributes:
        titles: as the table names it, by phase of training; the phase is "" where it has one only.
        peer: the module that does it; None for imagewise, of which `name` is the recipe.
    """

    backbone: str
    name: str
    titles: dict[str, str]
    peer: str | None = None

    def subject(self, phase: str) -> str:
        """Its name in results.csv."""
        suffix = f"-{phase}" if phase in self.titles and phase else ""
        return f"{self.backbone}/{self.name}{suffix}"


def ways() -> list[Way]:
    """In the order of the table; a recipe that this version does not have is left out."""
    script = {"": "Keras script, head"}
    loop = {"head": "PyTorch loop, head", "all": "PyTorch loop, then all weights"}
    every = [
        Way(SMALL, OURS, {"": "`transfer`"}),
        Way(SMALL, "keras", script, "keras_transfer"),
        Way(LITE, OURS, {"": "`transfer`"}),
        Way(LITE, "keras", script, "keras_transfer"),
        Way(LITE, "pytorch", loop, "pytorch_transfer"),
        Way(LITE, "finetune", {"": "`finetune`"}),
    ]
    return [way for way in every if way.peer or way.name in bundled_recipes()]


def split(source: Path, target: Path, seed: int) -> tuple[Path, Path]:
    """Links to the pictures of class folders in `target`/train and `target`/test; copies stay together."""
    for picture in sorted(source.glob("*/*")):
        digest = hashlib.sha256(f"{seed}:".encode() + picture.read_bytes()).digest()
        part = "train" if int.from_bytes(digest[:8]) % HELD_OUT else "test"
        link = target / part / picture.parent.name / picture.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture.resolve())
    return target / "train", target / "test"


def measure_transfer(
    chosen: list[Way], results: Results, *, repeat: int = 3, seeds_from: int = 0, epochs: int | None = None
) -> None:
    """All in turn on the first split, then in the opposite order on the second, and so on."""
    folder = data_dir()
    if folder is None or not (folder / SET).is_dir():
        print(f"left out: {SET} is not in the folder that IMAGEWISE_DATA names", file=sys.stderr)
        return
    missing = {way.backbone for way in chosen if find(entry(way.backbone)) is None}
    for backbone in sorted(missing):
        print(f"left out: the weights of {backbone} are not on this machine", file=sys.stderr)
    chosen = [way for way in chosen if way.backbone not in missing]
    for number in range(repeat):
        seed = seeds_from + number
        with tempfile.TemporaryDirectory() as name:
            train, test = split(folder / SET, Path(name) / "pictures", seed)
            for way in chosen[:: -1 if number % 2 else 1]:
                with tempfile.TemporaryDirectory() as out:
                    measure = _ours if way.peer is None else _peer
                    measure(way, train, test, Path(out), seed, epochs, results)


def _ours(way: Way, train: Path, test: Path, out: Path, seed: int, epochs: int | None, results: Results) -> None:
    """From an empty cache to the model file; `evaluate` then scores it, and its time does not count."""
    cache = {"XDG_CACHE_HOME": str(out / "cache")}
    model = out / "run" / "model.onnx"
    options = ["--recipe", way.name, "--backbone", way.backbone, "--seed", str(seed), "--offline"]
    options += ["--epochs", str(epochs)] if epochs and way.name != OURS else []
    trained = run([IMAGEWISE, "train", str(train), *options, "--out", str(model.parent), "--no-report"], None, cache)
    (scored,) = run([IMAGEWISE, "evaluate", str(model), str(test), "--split", "all", "--json"], None, cache).values
    count = int(scored["count"])
    usage = {("peak memory", "MB"): trained.megabytes, ("CPU time", "s"): trained.cpu_seconds}
    add(results, way.subject(""), seed, trained.seconds, round(count * scored["accuracy"]), count, usage)


def _peer(way: Way, train: Path, test: Path, out: Path, seed: int, epochs: int | None, results: Results) -> None:
    options = ["--train", str(train), "--test", str(test), "--out", str(out), "--backbone", way.backbone]
    limit = ["--epochs", str(epochs), "--tuning-epochs", str(epochs)] if epochs else []
    process = run(module(f"peers.{way.peer}", *options, "--seed", str(seed), *limit))
    usage = {("peak memory", "MB"): process.megabytes, ("CPU time", "s"): process.cpu_seconds}
    for told in process.values:
        subject = way.subject(told["phase"])
        shared = usage if told is process.values[-1] else {}
        add(results, subject, seed, told["seconds"], told["right"], told["pictures"], shared)


def add(
    results: Results,
    subject: str,
    seed: int,
    seconds: float,
    right: int,
    count: int,
    usage: dict[tuple[str, str], float],
) -> None:
    """The rows of one way on one split; `usage` is of its process."""
    accuracy = 100 * right / count
    figures: dict[tuple[str, str], float | str | None] = {
        ("held-out accuracy", "%"): accuracy,
        ("right", "pictures"): str(right),
        ("held out", "pictures"): str(count),
        ("to the model file", "s"): seconds,
    }
    results.add(PART, subject, seed, figures | usage)
    print(f"{subject}, split {seed}: {accuracy:.1f}% of {count} in {seconds:.1f} s", file=sys.stderr, flush=True)


def transfer_table(rows: dict[str, list[Row]]) -> list[str]:
    """Each way, by backbone; how its time compares with that of `transfer` on the same backbone."""
    lines = [
        "| backbone | | held-out accuracy, % | 95% interval | to the model file, s | its time ÷ `transfer`'s "
        "| peak memory, MB | CPU time, s | n |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for way in ways():
        ours = Figure.of(rows.get(f"{way.backbone}/{OURS}", []), "to the model file")
        for phase, title in way.titles.items():
            found = rows.get(way.subject(phase), [])
            accuracy, seconds = Figure.of(found, "held-out accuracy"), Figure.of(found, "to the model file")
            if not accuracy.n:
                continue
            right, count = (round(sum(Figure.of(found, name).values)) for name in ("right", "held out"))
            low, high = wilson_interval(right, count)
            cells = [
                *(f"`{way.backbone}`", title, accuracy.text(3), f"{100 * low:.1f} to {100 * high:.1f}"),
                seconds.text(),
                f"{seconds.median / ours.median:.1f}" if ours.n else "",
                *(Figure.of(found, name).text() for name in ("peak memory", "CPU time")),
                str(accuracy.n),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines
