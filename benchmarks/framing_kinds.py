"""Which framing is chosen for many kinds of sets: `python -m benchmarks.framing_kinds`, a table on stdout.

Each kind is 200 pictures of all sizes, JPEG qualities and noise, made from a seed; where IMAGEWISE_DATA names a folder,
real sets are added. A set is scored as a whole, and as ten random samples of 64 of its pictures. The kinds are parted
by a hash of their names: the first rules were chosen on one half, and changed after the other half was scored once.
The `later` kinds were made after that. Of the strangers' digits, four people and a half of the forms are in each half.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.framing_sets import ink, later, scans, scenes
from benchmarks.framing_sets.canvas import Dice, Kind
from PIL import Image

from imagewise.data.auto_framing import choose_framing, look
from imagewise.data.loading import load_data
from imagewise.framing.decoding import read_picture

PICTURES = 200
SAMPLES = 10
SAMPLE = 64


@dataclass(frozen=True)
class Score:
    """What was chosen for one kind of set."""

    name: str
    wanted: str
    half: str
    chosen: str
    ink_share: float
    alike: int  # of `SAMPLES` random samples, those with the same choice

    @property
    def is_right(self) -> bool:
        return self.chosen == self.wanted


def half_of(name: str) -> str:
    """`first` or `second`, by the name's hash."""
    return ("first", "second")[hashlib.sha256(name.encode()).digest()[0] % 2]


def made_kinds() -> list[Kind]:
    return [*ink.kinds(), *scans.kinds(), *scenes.kinds()]


def made(kind: Kind, count: int) -> Iterator[Image.Image]:
    """The same pictures each time, whichever other kinds are made."""
    for number in range(count):
        yield kind.make(Dice(np.random.default_rng([zlib.crc32(kind.name.encode()), number])))


def mnist_files(count: int) -> Iterator[Image.Image]:
    """MNIST as picture files: from the sample that comes with imagewise."""
    for image in load_data("mnist-sample")["test"].images[:count]:
        yield Image.fromarray(image[..., 0])


def real_sets(folder: Path) -> Iterator[tuple[str, str, str, list[Path]]]:
    """Name, wanted framing, half and files of the real sets in a folder."""
    for name, pattern in (("flowers", "flowers/*/*.jpg"), ("flower-photos", "flower-photos/*/*.jpg")):
        yield name, "photo", half_of(name), sorted(folder.glob(pattern))
    yield "ink-photos", "ink", half_of("ink-photos"), sorted(folder.glob("ink-photos/*.png"))
    for person in range(1, 9):
        half = "first" if person <= 4 else "second"
        yield f"strangers set{person}", "ink", half, sorted(folder.glob(f"strangers/set{person}_*"))
    forms = sorted(folder.glob("strangers/forms_*"))
    for half in ("first", "second"):
        yield f"forms, {half} half", "ink", half, [path for path in forms if half_of(path.stem) == half]


def scored(name: str, wanted: str, half: str, pictures: Iterable[Image.Image]) -> Score:
    looks = [look(picture) for picture in pictures]
    chosen = choose_framing(looks)[0].kind
    rng = np.random.default_rng(0)
    samples = [rng.choice(len(looks), min(SAMPLE, len(looks)), replace=False) for _ in range(SAMPLES)]
    alike = sum(choose_framing([looks[i] for i in sorted(sample)])[0].kind == chosen for sample in samples)
    return Score(name, wanted, half, chosen, float(np.mean([each.is_ink for each in looks])), alike)


def all_scores(count: int, folder: Path | None) -> Iterator[Score]:
    for kind in made_kinds():
        yield scored(kind.name, kind.wanted, half_of(kind.name), made(kind, count))
    for kind in later.kinds():
        yield scored(kind.name, kind.wanted, "later", made(kind, count))
    yield scored("MNIST as files", "ink", half_of("MNIST as files"), mnist_files(count))
    if folder is not None:
        for name, wanted, half, paths in real_sets(folder):
            spread = np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)).tolist()
            if spread:
                yield scored(name, wanted, half, (read_picture(paths[i]) for i in spread))


def summary(scores: Sequence[Score]) -> str:
    right, alike = sum(s.is_right for s in scores), sum(s.alike == SAMPLES for s in scores)
    return f"{right} of {len(scores)} right, {alike} the same for all {SAMPLES} samples"


def main() -> None:
    parser = argparse.ArgumentParser(description="Which framing is chosen for many kinds of sets.")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="Pictures of each kind.")
    count = parser.parse_args().pictures
    folder = Path(os.environ["IMAGEWISE_DATA"]) if "IMAGEWISE_DATA" in os.environ else None
    print("| kind of set | wanted | half | pictures that look like ink | chosen | samples that agree |")
    print("|---|---|---|---|---|---|")
    scores = []
    for s in all_scores(count, folder):
        scores.append(s)
        chosen = s.chosen if s.is_right else f"**{s.chosen}**"
        print(
            f"| {s.name} | {s.wanted} | {s.half} | {s.ink_share:.0%} | {chosen} | {s.alike} of {SAMPLES} |", flush=True
        )
    for half in ("first", "second", "later"):
        print(f"\n{half}: {summary([s for s in scores if s.half == half])}.")


if __name__ == "__main__":
    main()
