"""How fast a folder of photographs is scanned and cached, beside bare Pillow on two processes.

    python benchmarks/folder.py FOLDER [SIDE]

FOLDER holds class folders. Both decode the same files and bring them to SIDE x SIDE, in turn; the files are read once
before, to have them in memory. The first start is measured with an empty cache, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from multiprocessing import Pool
from pathlib import Path
from statistics import median
from time import perf_counter

from PIL import Image, ImageOps

ROUNDS = 2

_LOAD = """
import json, resource, sys, time
from pathlib import Path
import imagewise.sources.picture_cache as cache
from imagewise.picture import Framing
from imagewise.sources import load_data
cache.cache_folder = lambda: Path(sys.argv[2])
side = int(sys.argv[3])
start = time.perf_counter()
data = load_data(sys.argv[1], framing=Framing("photo", side, side, 3))
seconds = time.perf_counter() - start
kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak_mb": kib / 1024, "pictures": sum(map(len, data.splits.values()))}))
"""


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
    command = [sys.executable, "-c", _LOAD, str(folder), str(cache), str(side)]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer | {"whole": perf_counter() - start}


def main() -> None:
    """Measure in turn and print medians."""
    folder, side = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 64
    files = sorted(path for path in folder.glob("*/*") if path.is_file())
    bare, first, second = [], [], []
    for path in files:
        path.read_bytes()
    for _ in range(ROUNDS):
        bare.append(bare_pillow(files, side))
        with tempfile.TemporaryDirectory() as cache:
            first.append(load(folder, Path(cache), side))
            second.append(load(folder, Path(cache), side))
    pillow, scan = median(bare), median(run["seconds"] for run in first)
    print(f"{len(files):,} pictures to {side}x{side}, medians of {ROUNDS}")
    print(f"bare Pillow, 2 processes   {pillow:6.2f} s  {len(files) / pillow:6,.0f}/s")
    print(
        f"first start                {scan:6.2f} s  {len(files) / scan:6,.0f}/s  {pillow / scan:.2f} of Pillow's rate"
    )
    print(f"first start, peak memory   {max(run['peak_mb'] for run in first):6.0f} MB")
    print(f"second start, in load_data {median(run['seconds'] for run in second):6.2f} s")
    print(f"second start, process      {median(run['whole'] for run in second):6.2f} s")


if __name__ == "__main__":
    main()
