"""Make a set of any size out of MNIST, memory-mapped; and train on it, one epoch.

    python -m benchmarks.scaling_set make FOLDER PICTURES SIDE CLASSES
    python -m benchmarks.scaling_set train FOLDER RECIPE           (prints one line of JSON)

Pictures are MNIST's, each moved by up to three pixels, lightened at random and enlarged by repeating pixels. More than
ten classes are made by numbering copies: what is learnt is of no use, what it costs is real.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHUNK, SHIFT, HELD_BACK = 1000, 3, 500


def make(folder: Path, pictures: int, side: int, classes: int) -> None:
    """images.npy (N, side, side, 1) uint8 and labels.npy (N,) int64, N = `pictures` and the held back ones."""
    from imagewise.data.loading import load_data

    mnist = load_data("mnist")["train"]
    count = pictures + HELD_BACK
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, side, side, 1))
    numbers = np.arange(count)
    digits = mnist.labels[numbers % len(mnist)]
    labels = digits % classes if classes <= 10 else digits + 10 * (numbers % (classes // 10))
    np.save(folder / "labels.npy", labels.astype(np.int64))
    (folder / "about.json").write_text(json.dumps({"classes": classes}))
    generator = np.random.default_rng(0)
    for start in range(0, count, CHUNK):
        chosen = numbers[start : start + CHUNK]
        images[chosen] = _changed(mnist.images[chosen % len(mnist)], side, generator)
    images.flush()


def _changed(images: NDArray[np.uint8], side: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    strength = generator.uniform(0.7, 1, (len(images), 1, 1, 1))
    moved = (images * strength).astype(np.uint8)
    for shift in range(-SHIFT, SHIFT + 1):
        part = generator.integers(-SHIFT, SHIFT + 1, len(images)) == shift
        moved[part] = np.roll(moved[part], shift, axis=(1, 2))
    times = side // images.shape[1]
    return moved.repeat(times, axis=1).repeat(times, axis=2)


def train(folder: Path, recipe: str) -> None:
    """One epoch on all but the held back pictures."""
    from benchmarks.floor import arithmetic

    import imagewise
    from imagewise.data.dataset import Dataset, Split
    from imagewise.framing.framing import Framing
    from imagewise.networks.network import Network

    images, labels = np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "labels.npy")
    classes = json.loads((folder / "about.json").read_text())["classes"]
    splits = {
        "train": Split(images[:-HELD_BACK], labels[:-HELD_BACK]),
        "validation": Split(images[-HELD_BACK:], labels[-HELD_BACK:]),
    }
    height, width, channels = images.shape[1:]
    framing = Framing("photo", height, width, channels)
    names = tuple(map(str, range(classes)))
    dataset = Dataset("scaled", names, splits, framing, "the last ones are validation")  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        run = imagewise.train(dataset, recipe=recipe, epochs=1, out=f"{name}/run", report=False)
        network = Network.from_dict(json.loads((run.folder / "run.json").read_text())["network"])
    macs = sum(work.training_macs for work in arithmetic(network))
    print(json.dumps({"train_seconds": run.train_seconds, "macs": macs, "pictures": len(splits["train"])}))


def main(what: str, folder: Path, *arguments: str) -> None:
    if what == "make":
        pictures, side, classes = map(int, arguments)
        make(folder, pictures, side, classes)
    else:
        train(folder, *arguments)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
