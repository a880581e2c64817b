"""Accuracy by the number of pictures a class, and how often the interval to expect it in holds.

    python -m benchmarks.few_pictures FOLDER                                    # 5 and 20 a class, 100 draws each
    python -m benchmarks.few_pictures FOLDER --backbone mobilenet_v2 --a-class 10 50 --draws 20

Each draw takes so many random pictures of each class, fits a head as recipe transfer does, and scores it on all the
pictures that are left. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.features import compute_features
from imagewise.backbones.opening import open_pretrained
from imagewise.backbones.views import PLAIN
from imagewise.data.loading import load_data
from imagewise.framing.framing import Framing
from imagewise.training.head.choice.expectation import expect
from imagewise.training.head.choice.selection import choose_by_folds
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.head.record import HeadExpectation
from imagewise.training.recipes.files import load_recipe


@dataclass(frozen=True)
class Draw:
    """What a head was expected to read, and what it reads: a fraction of the pictures that were left."""

    expected: HeadExpectation
    accuracy: float

    @property
    def holds(self) -> bool:
        """Whether the accuracy is in the interval."""
        return self.expected.low <= self.accuracy <= self.expected.high


def draws(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    a_class: int,
    count: int,
    strengths: Sequence[float],
    depths: Sequence[int] | None = None,
) -> Iterator[Draw]:
    """So many draws, seeded by their number; `depths` as `Backbone.depths`."""
    classes = int(labels.max()) + 1
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(len(labels))
        taken = np.concatenate([order[labels[order] == label][:a_class] for label in range(classes)])
        left = np.setdiff1d(order, taken)
        choice = choose_by_folds(
            [[features[taken]]], labels[taken], classes, [PLAIN.name], strengths, seed=seed, depths=depths
        )
        if choice.accuracy is None:
            raise ValueError("a class needs two pictures")
        right = choice.head.logits(features[left]).argmax(axis=1) == labels[left]
        expected = expect(choice.accuracy, len(choice.rows), choice.folds, choice.repeats)
        yield Draw(expected, float(right.mean()))


def table(found: dict[int, list[Draw]]) -> list[str]:
    """Lines of Markdown: one row for each number of pictures a class."""
    lines = [
        "| pictures a class | draws | accuracy, % (deviation) | expected, % | half the interval, points | it holds |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for a_class, each in found.items():
        accuracy = 100 * np.array([draw.accuracy for draw in each])
        expected = 100 * np.mean([draw.expected.accuracy for draw in each])
        half = 50 * np.mean([draw.expected.high - draw.expected.low for draw in each])
        holds = sum(draw.holds for draw in each)
        lines.append(
            f"| {a_class} | {len(each)} | {accuracy.mean():.1f} ({accuracy.std():.1f}) | {expected:.1f} | {half:.1f} "
            f"| {holds} of {len(each)} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--a-class", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--draws", type=int, default=100)
    given = parser.parse_args()
    dataset = load_data(given.folder, framing=Framing.parse(f"photo:{given.side}"))
    splits = list(dataset.splits.values())
    backbone = open_pretrained(given.backbone)
    features = np.concatenate([compute_features(backbone, split.images)[0] for split in splits])
    labels = np.concatenate([split.labels for split in splits])
    recipe = load_recipe("transfer")
    assert isinstance(recipe, HeadRecipe)
    found = {
        each: list(draws(features, labels, each, given.draws, recipe.strengths, backbone.depths))
        for each in given.a_class
    }
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
