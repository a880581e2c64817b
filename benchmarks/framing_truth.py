"""How much of a digit's true ink framing keeps, and how much else: `python -m benchmarks.framing_truth`, two tables.

The pictures are those of `benchmarks/handwriting`, which knows where its pen was. Measured in the picture at working
size, before it is fitted into the model's square. Missed: true ink farther than a pixel from all that was kept, share
of the true ink. Other: what was kept farther than a pixel from true ink, share of what was kept.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from benchmarks.handwriting.drawing import JUDGING, Drawn, generate
from PIL import Image

from imagewise.framing.finding.grey import grey_levels
from imagewise.framing.finding.windows import largest_around
from imagewise.framing.ink import INK, WORKING_SIDE, character_ink

MISSED, OTHER = 0.02, 0.03


def measure(drawn: Drawn) -> tuple[float, float]:
    """The shares of missed and of other ink, 0 to 1."""
    ink, box = character_ink(drawn.picture)
    mask = Image.fromarray(drawn.true_ink)
    true = grey_levels(mask.convert("L").crop(box), WORKING_SIDE) / 255
    kept = ink >= INK
    found = float(true[largest_around(kept, 3)].sum()) * (box[2] - box[0]) * (box[3] - box[1]) / true.size
    other = float(ink[~largest_around(true > 0, 3)].sum()) / max(float(ink.sum()), 1.0)
    return 1 - min(1.0, found / max(float(drawn.true_ink.sum()), 1.0)), other


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10_000, help="pictures")
    options.add_argument("--seed", type=int, default=JUDGING)
    chosen = options.parse_args()
    measured = [(drawn, *measure(drawn)) for drawn in generate(chosen.count, chosen.seed)]
    for title, key in (
        ("paper", lambda drawn: drawn.paper),
        ("pen", lambda drawn: drawn.pen),
        ("all", lambda _: "all"),
    ):
        groups = defaultdict(list)
        for drawn, missed, other in measured:
            groups[key(drawn)].append((missed, other))
        print_table(title, groups.items())


def print_table(title: str, groups: Iterable[tuple[str, list[tuple[float, float]]]]) -> None:
    print(f"| {title} | pictures | all is well | true ink is missed | other ink is kept |\n|---|---|---|---|---|")
    for name, shares in sorted(groups):
        missed, other = (np.array(part) for part in zip(*shares, strict=True))
        well = ((missed <= MISSED) & (other <= OTHER)).mean()
        print(
            f"| {name} | {len(shares)} | {well:.1%} | {(missed > MISSED).mean():.1%} | {(other > OTHER).mean():.1%} |"
        )
    print()


if __name__ == "__main__":
    main()
