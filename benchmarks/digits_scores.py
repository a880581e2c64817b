"""What the built-in digit model is scored on: pictures of every source that it should read, and some of no digit.

Choices were made by the first half of the strangers and by the validation parts of MNIST, generator and fonts. The
second half, and everything of the seed `JUDGING`, only judge.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.digits_training_set import INK, drawn
from benchmarks.handwriting.drawing import JUDGING, generate
from benchmarks.handwriting.junk import generate_junk
from benchmarks.handwriting.printed import generate_printed
from PIL import Image
from sklearn.datasets import load_digits

from imagewise.data.dataset import Dataset, Split, SplitRule
from imagewise.evaluation.evaluate import Evaluation, evaluate
from imagewise.framing.decoding import read_picture
from imagewise.framing.framing import frame
from imagewise.model.model import Model

WRITTEN, PRINTED, JUNK = 10_000, 3_000, 2_700
SURE = 0.9
CHOSEN_BY = ("set1", "set2", "set3", "set4")
HANDWRITING, FONTS = "generated handwriting", "free fonts that training did not have"


@dataclass(frozen=True)
class Sureness:
    """How sure a model is of pictures of one kind that show no digit."""

    kind: str
    count: int
    sure: float
    """Share that it gives `SURE` or more."""
    largest: float
    """The largest probability that it gives to any digit."""


def scores(model: Model, data: Path) -> dict[str, Evaluation]:
    """The model's score on each source, by what people call it. `data` is a folder with `mnist/` and the others."""
    sources: dict[str, Callable[[], Split]] = {
        "photographed and scanned digits": partial(pictures, data / "ink-photos", lambda _: True),
        "other people's digits, first half": partial(strangers, data, choose=True, forms=False),
        "scanned forms, first half": partial(strangers, data, choose=True, forms=True),
        "other people's digits, second half": partial(strangers, data, choose=False, forms=False),
        "scanned forms, second half": partial(strangers, data, choose=False, forms=True),
        HANDWRITING: partial(drawn, partial(generate, seed=JUDGING), WRITTEN),
        FONTS: partial(drawn, partial(generate_printed, seed=JUDGING, split="test"), PRINTED),
        "scikit-learn digits, 8x8": small_scans,
    }
    found = {"MNIST test": evaluate(model, "mnist", split="test")}
    return found | {name: score(model, name, split()) for name, split in sources.items()}


def score(model: Model, name: str, split: Split) -> Evaluation:
    """The model's score on these digits."""
    digits = tuple(str(digit) for digit in range(10))
    return evaluate(model, Dataset(name, digits, {"test": split}, INK, SplitRule.GIVEN), split="test")


def by_name(scored: Evaluation) -> list[tuple[str, float, int]]:
    """Accuracy and number of the pictures of each name, worst first."""
    right = scored.probabilities.argmax(axis=1) == scored.pictures.labels
    groups = defaultdict(list)
    for name, hit in zip(scored.pictures.names or (), right.tolist(), strict=True):
        groups[name].append(hit)
    return sorted(((name, sum(hits) / len(hits), len(hits)) for name, hits in groups.items()), key=lambda row: row[1:])


def sureness(model: Model, split: Split) -> list[Sureness]:
    """Of pictures without a digit, by what they show: their names are "junk KIND DETAIL", as in `generate_junk`."""
    probabilities = model.predict_batch(split.images).max(axis=1)
    kinds = np.array([name.split()[1] for name in split.names or ()])
    return [
        Sureness(str(kind), len(of), float((of >= SURE).mean()), float(of.max()))
        for kind in np.unique(kinds)
        for of in [probabilities[kinds == kind]]
    ]


def judged_junk() -> Split:
    """Pictures without a digit, of the seed that judges."""
    return drawn(partial(generate_junk, seed=JUDGING), JUNK)


def strangers(data: Path, choose: bool, forms: bool) -> Split:
    """Digits of people whom training does not have: sets of one person each, or cells of scanned forms."""

    def wanted(file: str) -> bool:
        group, _, number = Path(file).stem.split("_")
        if group == "forms":  # their numbers are even
            return forms and choose == (int(number) // 2 % 2 == 0)
        return not forms and choose == (group in CHOSEN_BY)

    return pictures(data / "strangers", wanted)


def pictures(folder: Path, wanted: Callable[[str], bool]) -> Split:
    """Some pictures of a folder with a labels.csv, framed; `names` are the files."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if wanted(row["file"])]
    images = np.stack([frame(read_picture(folder / row["file"]), INK) for row in rows])
    return Split(images, np.array([int(row["label"]) for row in rows], dtype=np.int64), [row["file"] for row in rows])


def small_scans() -> Split:
    """scikit-learn's 1,797 digits of 8x8 pixels by 13 other writers (Alpaydin and Kaynak 1998), framed as pictures."""
    digits = load_digits()
    scans = [Image.fromarray((image * (255 / 16) + 0.5).astype(np.uint8)) for image in digits.images]
    return Split(np.stack([frame(scan, INK) for scan in scans]), digits.target.astype(np.int64))
