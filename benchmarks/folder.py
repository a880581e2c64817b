"""How fast a folder of photographs is scanned and cached, beside bare Pillow on two processes.

    python benchmarks/folder.py make PICTURES FOLDER [COUNT]    # photographs of 500 x 375 out of a few thousand others
    python benchmarks/folder.py measure FOLDER [SIDE]

FOLDER holds class folders. Both decode the same files and bring them to SIDE x SIDE, in turn; the files are read once
before, to have them in memory. Starts are measured in processes of their own, the first with an empty cache. Peak
memory is the process's highest resident size, once for a quarter of the pictures and once for all.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from multiprocessing import Pool
from pathlib import Path
from statistics import median
from time import perf_counter

from PIL import Image, ImageEnhance, ImageOps

ROUNDS = 2
SIZE = (500, 375)

_LOAD = """
import json, resource, sys, time
from imagewise.framing.framing import Framing
from imagewise.data.loading import load_data
side = int(sys.argv[2])
start = time.perf_counter()
data = load_data(sys.argv[1], framing=Framing("photo", side, side, 3))
seconds = time.perf_counter() - start
kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak_mb": kib / 1024, "pictures": sum(map(len, data.splits.values()))}))
"""


def make(pictures: Path, folder: Path, count: int) -> None:
    """Save `count` photographs in class folders, each a picture cropped, turned, lit and saved again."""
    files = sorted(pictures.glob("*/*.jpg"))
    work = [(number, files[number % len(files)], folder) for number in range(count)]
    with Pool(2) as pool:
        pool.starmap(_make_one, work, chunksize=64)


def _make_one(number: int, source: Path, folder: Path) -> None:
    draw = random.Random(number)
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    if draw.random() < 0.5:
        picture = ImageOps.mirror(picture)
    share = draw.uniform(0.8, 1.0)
    side = (int(picture.width * share), int(picture.height * share))
    picture = ImageOps.fit(picture, side, centering=(draw.random(), draw.random()))
    picture = ImageOps.fit(picture, SIZE, Image.Resampling.BICUBIC)
    picture = ImageEnhance.Brightness(picture).enhance(draw.uniform(0.7, 1.3))
    path = folder / source.parent.name / f"{number:06}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=draw.randint(80, 95))


def _bare(path_and_side: tuple[str, int]) -> None:
    path, side = path_and_side
    with Image.open(path) as picture:
        ImageOps.fit(picture.convert("RGB"), (side, side), Image.Resampling.BICUBIC)


def bare_pillow(files: list[Path], side: int) -> float:
    """Seconds that Pillow needs on two processes."""
    work = [(str(path), side) for path in files]
    with Pool(2) as pool:
        start = perf_counter()
        pool.map(_bare, work, chunksize=64)
        return perf_counter() - start


def load(folder: Path, cache: Path, side: int) -> dict[str, float]:
    """Load in a process of its own: its seconds in `load_data`, whole seconds from start to end, peak memory."""
    start = perf_counter()
    command = [sys.executable, "-c", _LOAD, str(folder), str(side)]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer | {"whole": perf_counter() - start}


def _a_quarter(files: list[Path], folder: Path, into: Path) -> None:
    for path in files[::4]:
        link = into / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, link)


def measure(folder: Path, side: int) -> None:
    """Measure in turn and print medians."""
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    bare, first, second = [], [], []
    for path in files:
        path.read_bytes()
    for _ in range(ROUNDS):
        bare.append(bare_pillow(files, side))
        with tempfile.TemporaryDirectory() as cache:
            first.append(load(folder, Path(cache), side))
            second.append(load(folder, Path(cache), side))
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        quarter = Path(temporary, "quarter")
        _a_quarter(files, folder, quarter)
        small = load(quarter, Path(temporary, "cache"), side)
    pillow, scan = median(bare), median(run["seconds"] for run in first)
    print(f"{len(files):,} pictures to {side}x{side}, medians of {ROUNDS}")
    print(f"bare Pillow, 2 processes   {pillow:6.2f} s  {len(files) / pillow:6,.0f}/s")
    print(
        f"first start                {scan:6.2f} s  {len(files) / scan:6,.0f}/s  {pillow / scan:.2f} of Pillow's rate"
    )
    print(f"second start, in load_data {median(run['seconds'] for run in second):6.2f} s")
    print(f"second start, process      {median(run['whole'] for run in second):6.2f} s")
    print(f"peak memory, first start   {max(run['peak_mb'] for run in first):6.0f} MB")
    print(f"  of {small['pictures']:,} pictures       {small['peak_mb']:6.0f} MB")


def main() -> None:
    """Make or measure."""
    match sys.argv[1:]:
        case ["make", pictures, folder, *count]:
            make(Path(pictures), Path(folder), int(count[0]) if count else 10_000)
        case ["measure", folder, *side]:
            measure(Path(folder), int(side[0]) if side else 64)
        case _:
            print(__doc__, file=sys.stderr)
            raise SystemExit(2)


if __name__ == "__main__":
    main()
